"""What moved, by time, page by page."""

from datetime import datetime
from typing import Any

from isotope.card_sandbox.desk import Desk, stamp


def list_movements(desk: Desk, since: datetime, until: datetime, after: int | None, limit: int) -> dict[str, Any]:
    """At most `limit` movements with `since <= at < until` that follow the movement `after`, oldest first."""
    rows = desk.db.execute(
        """
        select * from movement
         where merchant = :merchant and at >= :since and at < :until
           and (:after is null or (at, seq) > ((select at from movement where seq = :after), :after))
         order by at, seq limit :limit
        """,
        {
            "merchant": desk.merchant,
            "since": stamp(since),
            "until": stamp(until),
            "after": after,
            "limit": limit + 1,
        },
    ).fetchall()
    names = ("kind", "ref", "payment", "amount", "currency", "at", "call_key")
    shown = rows[:limit]
    return {
        "movements": [{name: row[name] for name in names} for row in shown],
        "next": shown[-1]["seq"] if len(rows) > limit else None,
    }

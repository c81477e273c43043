"""Tables partitioned by day: partitions made ahead and dropped when old.

A partition is named `<table>_<yyyymmdd>` and holds one UTC day. What falls into no day goes to `<table>_default`.
"""

import re
from datetime import UTC, date, datetime, timedelta
from typing import Final

from psycopg import sql

from isotope.infra.db import Tx

_DAY: Final = timedelta(days=1)


async def list_days(tx: Tx, table: str) -> list[date]:
    """The days that have a partition, oldest first."""
    names = await tx.tuples(
        "select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid "
        "where i.inhparent = %s::regclass order by c.relname",
        (table,),
    )
    pattern = re.compile(rf"^{re.escape(table)}_(\d{{4}})(\d{{2}})(\d{{2}})$")
    matches = [pattern.match(str(name)) for (name,) in names]
    return [date(*(int(part) for part in match.groups())) for match in matches if match]


async def make_days_ahead(tx: Tx, table: str, now: datetime, days: int) -> int:
    """Make the partitions of the next `days` days that are missing; how many.

    Never today's: rows of today may lie in the default partition already, and PostgreSQL refuses a partition whose
    rows are there.
    """
    known = set(await list_days(tx, table))
    today = now.astimezone(UTC).date()
    missing = [day for day in (today + _DAY * ahead for ahead in range(1, days + 1)) if day not in known]
    for day in missing:
        await tx.connection.execute(
            sql.SQL("create table {} partition of {} for values from ({}) to ({})").format(
                _partition(table, day), sql.Identifier(table), _instant(day), _instant(day + _DAY)
            )
        )
    return len(missing)


async def drop_days_before(tx: Tx, table: str, first_kept: datetime) -> int:
    """Drop the partitions that lie wholly before `first_kept`; how many."""
    kept_from = first_kept.astimezone(UTC).date()
    old = [day for day in await list_days(tx, table) if day < kept_from]
    for day in old:
        await tx.connection.execute(sql.SQL("drop table {}").format(_partition(table, day)))
    return len(old)


def _partition(table: str, day: date) -> sql.Identifier:
    return sql.Identifier(f"{table}_{day:%Y%m%d}")


def _instant(day: date) -> sql.Literal:
    return sql.Literal(f"{day.isoformat()}T00:00:00+00:00")

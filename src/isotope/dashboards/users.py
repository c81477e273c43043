"""Riders for a dashboard, who registered last first."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, LiteralString

from isotope.dashboards.found import RIDER_TEXT, find_riders
from isotope.dashboards.paging import Paging, Slice
from isotope.dashboards.ranges import Range
from isotope.dashboards.scope import Scope
from isotope.dashboards.search import Search
from isotope.dashboards.where import Where
from isotope.infra.db import Tx
from isotope.kernel.ids import RiderId
from isotope.kernel.money import exponent

_WALLET: Final = """
    coalesce((select sum(a.balance_minor) from ledger_account a
               where a.operator_id = u.operator_id and a.rider_id = u.id and a.currency = %(currency)s
                 and a.kind in ('RIDER_BALANCE', 'RIDER_BONUS')), 0)
"""
_HAS_CARD: Final = """
    exists (select from card c where c.operator_id = u.operator_id and c.rider_id = u.id and c.status = 'ACTIVE')
"""
# Any of those that are asked for.
STANDINGS: Final[dict[str, LiteralString]] = {
    "WITH_DEBT": """
        u.id in (select a.rider_id from ledger_account a
                  where a.operator_id = %(operator_id)s and a.kind = 'RIDER_DEBT' and a.balance_minor < 0)
    """,
    "BLOCKED": "u.status = 'BLOCKED'",
    "DELETION_REQUESTED": "u.status = 'DELETION_REQUESTED'",
    "WITH_SAVED_CARD": _HAS_CARD,
    "WITHOUT_SAVED_CARD": f"not {_HAS_CARD}",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichUsers:
    """`standings`: keys of `STANDINGS`, of which one must hold; empty: all. `since`, `until`: when they registered.

    `wallet` in the currency's unit, balance and bonus together; `last_ride_h`: hours since the last ride ended; `rating`:
    the average that the rider gave. `search_people`: by name, e-mail address and phone, not only by number.
    """

    standings: Sequence[str] = ()
    search: Search | None = None
    search_people: bool = True
    since: datetime | None = None
    until: datetime | None = None
    wallet: Range | None = None
    rides: Range | None = None
    rating: Range | None = None
    last_ride_h: Range | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class UserRow:
    """A rider, and how they stand. Amounts are minor units of the operator's currency; rides are those of the scope."""

    id: RiderId
    name: str
    email: str
    phone_prefix: str
    phone: str
    status: str
    created_at: datetime
    balance_minor: int
    bonus_minor: int
    debt_minor: int
    has_card: bool
    rides: int
    last_ride_at: datetime | None
    rating_sum: int
    rating_count: int
    licence: Sequence[str] | None


async def list_users(tx: Tx, scope: Scope, which: WhichUsers, paging: Paging, now: datetime) -> Slice[UserRow]:
    """A page of them. By rider_newest; by rider_search, rider_by_status or rider_in_debt where those find few."""
    where = Where("u.operator_id = %(operator_id)s and u.status <> 'DELETED'")
    where.params |= {"currency": scope.currency, "total_of": scope.subaccount_id or 0, "now": now}
    where.days("u.created_at", which.since, which.until)
    if which.standings:
        where.add("(" + " or ".join(STANDINGS[name] for name in which.standings) + ")")
    where.bounds(_WALLET, which.wallet, "wallet", 10.0 ** exponent(scope.currency))
    where.bounds("coalesce(t.rides, 0)", which.rides, "rides")
    where.bounds("t.rating_sum::float8 / nullif(t.rating_count, 0)", which.rating, "rating")
    where.bounds("extract(epoch from %(now)s - t.last_ride_at) / 3600", which.last_ride_h, "last_ride")
    if which.search is not None:
        await _add_search(tx, scope, which.search, where, search_people=which.search_people)
    joined = "join" if scope.subaccount_id is not None else "left join"
    rows = await tx.dicts(
        f"""
        select u.*, l.categories as licence,
               {_HAS_CARD} as has_card,
               coalesce(a.balance_minor, 0) as balance_minor, coalesce(a.bonus_minor, 0) as bonus_minor,
               coalesce(a.debt_minor, 0) as debt_minor
          from (select u.operator_id, u.id, u.name, u.email, u.phone_prefix, u.phone, u.status, u.created_at,
                       coalesce(t.rides, 0) as rides, t.last_ride_at, coalesce(t.rating_sum, 0) as rating_sum,
                       coalesce(t.rating_count, 0) as rating_count
                  from rider u
                  {joined} rider_total t
                    on t.operator_id = u.operator_id and t.subaccount_id = %(total_of)s and t.rider_id = u.id
                 where {where.sql}{paging.where("u.created_at", "u.id")}{paging.order("u.created_at", "u.id")}) u
          left join rider_licence l on l.operator_id = u.operator_id and l.rider_id = u.id
          left join lateral (
                select sum(balance_minor) filter (where kind = 'RIDER_BALANCE')::bigint as balance_minor,
                       sum(balance_minor) filter (where kind = 'RIDER_BONUS')::bigint as bonus_minor,
                       -sum(balance_minor) filter (where kind = 'RIDER_DEBT')::bigint as debt_minor
                  from ledger_account
                 where operator_id = u.operator_id and rider_id = u.id and currency = %(currency)s) a on true
         order by u.created_at {paging.direction}, u.id {paging.direction}
        """,
        {**scope.params, **where.params, **paging.params},
    )
    return paging.slice([UserRow(**{name: row[name] for name in row if name != "operator_id"}) for row in rows])


async def _add_search(tx: Tx, scope: Scope, search: Search, where: Where, *, search_people: bool) -> None:
    """By the rider's number, name, e-mail address, phone."""
    parts: list[LiteralString] = ["u.id = %(searched_number)s"]
    where.params |= search.params
    if search_people:
        riders = await find_riders(tx, scope, search)
        if riders is None:
            parts.append(search.matches(RIDER_TEXT))
        elif riders:
            parts.append("u.id = any(%(found_riders)s)")
            where.params["found_riders"] = riders
    where.add("(" + " or ".join(parts) + ")")

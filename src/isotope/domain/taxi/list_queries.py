"""Trips, riders and drivers page by page, as an operator's own systems ask for them."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, LiteralString

from isotope.domain.drivers.model import DriverStatus, Presence
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.rows import TRIP_COLUMNS, trip_row
from isotope.domain.taxi.search import MOST_WORDS, number_of, patterns_of
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId, RiderId, TaxiVehicleId, TripId

# Of the riders or vehicles that a search finds, the trips of so many are looked at.
_MOST_FOUND: Final = 1_000


@dataclass(frozen=True, slots=True)
class Paging:
    """Pages are numbered from 1."""

    page: int
    length: int

    @property
    def offset(self) -> int:
        return (self.page - 1) * self.length


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichTrips:
    """`since`, `until`: when they were requested, the end left out. `statuses` empty: all."""

    search: str = ""
    statuses: Sequence[TripStatus] = ()
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """A rider who has ordered taxis, and what came of it. Amounts are minor units of the operator's currency."""

    id: RiderId
    name: str
    email: str
    phone_prefix: str
    phone: str
    status: str
    created_at: datetime
    trips: int
    ended: int
    canceled: int
    last_at: datetime
    spent_minor: int
    debt_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedDriver:
    """A driver, what they drive now, and how they stand. `balance_minor` below 0: they owe the operator."""

    id: DriverId
    name: str
    email: str
    phone_prefix: str
    phone: str
    status: DriverStatus
    presence: Presence
    cash_allowed: bool
    rating_sum: int
    rating_count: int
    created_at: datetime
    class_ids: Sequence[int]
    lat: float | None
    lon: float | None
    position_at: datetime | None
    seen_at: datetime | None
    vehicle_id: TaxiVehicleId | None
    vehicle_title: str | None
    vehicle_color: str | None
    plate: str | None
    trip_id: TripId | None
    ended: int
    balance_minor: int


_TRIPS: Final = """
    t.operator_id = %(operator_id)s
      and (%(statuses)s::text[] is null or t.status = any(%(statuses)s::text[]))
      and (%(since)s::timestamptz is null or t.requested_at >= %(since)s::timestamptz)
      and (%(until)s::timestamptz is null or t.requested_at < %(until)s::timestamptz)
"""
# Each word on its own, so that indexes of trigrams answer.
_WORDS: Final[Sequence[LiteralString]] = tuple(f"like fold(%(word_{nr})s::text)" for nr in range(MOST_WORDS))
_RIDER_TEXT: Final = "fold(name || ' ' || email || ' ' || phone_prefix || phone)"
_FOUND: Final = """
      and (t.id = %(number)s::bigint or t.rider_id = any(%(riders)s) or t.vehicle_id = any(%(vehicles)s))
"""


def _all_words(text: LiteralString, patterns: Sequence[str]) -> LiteralString:
    """A condition: the text has all of them."""
    return " and ".join(f"{text} {word}" for word in _WORDS[: len(patterns)])


def _words(patterns: Sequence[str]) -> dict[str, str]:
    return {f"word_{nr}": pattern for nr, pattern in enumerate(patterns)}


async def list_trips(tx: Tx, operator_id: OperatorId, which: WhichTrips, paging: Paging) -> tuple[list[Trip], int]:
    """The newest first, and how many there are in all. Searched by number, rider, or plate; by trip_asked, or by riders."""
    patterns = patterns_of(which.search)
    params: dict[str, Any] = {
        "operator_id": operator_id,
        "statuses": list(which.statuses) or None,
        "since": which.since,
        "until": which.until,
        "number": number_of(which.search),
        "limit": paging.length,
        "offset": paging.offset,
    }
    where: LiteralString = _TRIPS
    if patterns:
        where += _FOUND
        params["riders"] = await _find_riders(tx, operator_id, patterns)
        params["vehicles"] = await _find_vehicles(tx, operator_id, patterns)
    count: int = await tx.scalar(f"select count(*) from trip t where {where}", params)
    rows = await tx.all(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip t where {where}
         order by t.requested_at desc, t.id desc limit %(limit)s offset %(offset)s
        """,
        params,
    )
    return rows, count


async def _find_riders(tx: Tx, operator_id: OperatorId, patterns: Sequence[str]) -> list[int]:
    """By rider_search; the newest."""
    rows = await tx.tuples(
        f"""
        select id from rider
         where operator_id = %(operator_id)s and status <> 'DELETED' and {_all_words(_RIDER_TEXT, patterns)}
         order by id desc limit %(most)s
        """,
        {"operator_id": operator_id, "most": _MOST_FOUND, **_words(patterns)},
    )
    return [rider_id for (rider_id,) in rows]


async def _find_vehicles(tx: Tx, operator_id: OperatorId, patterns: Sequence[str]) -> list[int]:
    """An operator's taxis are all looked at."""
    rows = await tx.tuples(
        f"""
        select id from taxi_vehicle
         where operator_id = %(operator_id)s and {_all_words("fold(plate)", patterns)}
         order by id desc limit %(most)s
        """,
        {"operator_id": operator_id, "most": _MOST_FOUND, **_words(patterns)},
    )
    return [vehicle_id for (vehicle_id,) in rows]


_CUSTOMERS: Final = """
    r.operator_id = %(operator_id)s and r.status <> 'DELETED'
      and exists (select from trip t where t.operator_id = %(operator_id)s and t.rider_id = r.id)
"""


async def list_customers(
    tx: Tx, operator_id: OperatorId, currency: str, search: str, paging: Paging
) -> tuple[list[Customer], int]:
    """Who has ever requested a trip, the newest account first. By rider_search and trip_of_rider."""
    patterns = patterns_of(search)
    params: dict[str, Any] = {
        "operator_id": operator_id,
        "currency": currency,
        **_words(patterns),
        "limit": paging.length,
        "offset": paging.offset,
    }
    where: LiteralString = f"{_CUSTOMERS} and {_all_words(_RIDER_TEXT, patterns)}" if patterns else _CUSTOMERS
    count: int = await tx.scalar(f"select count(*) from rider r where {where}", params)
    rows = await tx.all(
        Customer,
        f"""
        select page.*, s.trips, s.ended, s.canceled, s.last_at, s.spent_minor, coalesce(-a.balance_minor, 0) as debt_minor
          from (select r.id, r.name, r.email, r.phone_prefix, r.phone, r.status, r.created_at
                  from rider r where {where}
                 order by r.id desc limit %(limit)s offset %(offset)s) page
          cross join lateral (
                select count(*) as trips, count(*) filter (where t.status = 'ENDED') as ended,
                       count(*) filter (where t.status = 'CANCELED') as canceled, max(t.requested_at) as last_at,
                       coalesce(sum(t.total_minor - t.refunded_minor) filter (where t.currency = %(currency)s), 0)::bigint
                           as spent_minor
                  from trip t where t.operator_id = %(operator_id)s and t.rider_id = page.id) s
          left join ledger_account a
            on a.operator_id = %(operator_id)s and a.rider_id = page.id and a.currency = %(currency)s
           and a.kind = 'RIDER_DEBT'
         order by page.id desc
        """,
        params,
    )
    return rows, count


_DRIVERS: Final = """
    d.operator_id = %(operator_id)s and d.status <> 'RETIRED'
      and (%(presence)s::text is null or %(presence)s::text =
           case when not coalesce(s.is_online, false) then 'OFFLINE'
                when s.seen_at >= %(heard)s then 'ONLINE' else 'NO_CONNECTION' end)
"""
_DRIVER_TEXT: Final = "fold(d.name || ' ' || d.email || ' ' || d.phone_prefix || d.phone)"
_DRIVER_TABLES: Final = """
    driver d left join driver_state s on s.operator_id = d.operator_id and s.driver_id = d.id
"""


async def list_drivers(
    tx: Tx,
    operator_id: OperatorId,
    currency: str,
    *,
    search: str,
    presence: Presence | None,
    heard_since: datetime,
    paging: Paging,
) -> tuple[list[ListedDriver], int]:
    """By name. Whoever was heard of since `heard_since` is ONLINE. An operator's drivers are all looked at: by driver_name."""
    patterns = patterns_of(search)
    params: dict[str, Any] = {
        "operator_id": operator_id,
        "currency": currency,
        **_words(patterns),
        "presence": presence,
        "heard": heard_since,
        "limit": paging.length,
        "offset": paging.offset,
    }
    where: LiteralString = _DRIVERS
    if patterns:
        where += f"""
            and ({_all_words(_DRIVER_TEXT, patterns)}
                 or exists (select from driver_vehicle dv
                              join taxi_vehicle w on w.operator_id = dv.operator_id and w.id = dv.vehicle_id
                             where dv.operator_id = %(operator_id)s and dv.driver_id = d.id
                               and {_all_words("fold(w.plate)", patterns)}))
        """
    count: int = await tx.scalar(f"select count(*) from {_DRIVER_TABLES} where {where}", params)
    rows = await tx.tuples(
        f"select d.id from {_DRIVER_TABLES} where {where} order by d.name, d.id limit %(limit)s offset %(offset)s",
        params,
    )
    ids = [DriverId(driver_id) for (driver_id,) in rows]
    return await read_drivers(tx, operator_id, currency, ids, heard_since), count


async def read_drivers(
    tx: Tx, operator_id: OperatorId, currency: str, ids: Sequence[DriverId], heard_since: datetime
) -> list[ListedDriver]:
    """These drivers with how they stand, in the same order."""
    rows = await tx.all(
        _driver,
        f"""
        select page.*, v.title as vehicle_title, v.color as vehicle_color, v.plate, now_driven.id as trip_id,
               (select count(*) from trip t
                 where t.operator_id = %(operator_id)s and t.driver_id = page.id and t.status = 'ENDED') as ended,
               coalesce(a.balance_minor, 0) as balance_minor
          from (select d.id, d.name, d.email, d.phone_prefix, d.phone, d.status, d.cash_allowed, d.rating_sum,
                       d.rating_count, d.created_at, s.class_ids, s.lat, s.lon, s.position_at, s.seen_at,
                       case when s.is_online then s.vehicle_id end as vehicle_id,
                       case when not coalesce(s.is_online, false) then 'OFFLINE'
                            when s.seen_at >= %(heard)s then 'ONLINE' else 'NO_CONNECTION' end as presence
                  from {_DRIVER_TABLES} where d.operator_id = %(operator_id)s and d.id = any(%(ids)s)) page
          left join taxi_vehicle v on v.operator_id = %(operator_id)s and v.id = page.vehicle_id
          left join trip now_driven
            on now_driven.operator_id = %(operator_id)s and now_driven.driver_id = page.id
           and now_driven.status in ('ACCEPTED', 'ARRIVED', 'STARTED')
          left join ledger_account a
            on a.operator_id = %(operator_id)s and a.driver_id = page.id and a.currency = %(currency)s
        """,
        {"operator_id": operator_id, "currency": currency, "ids": list(ids), "heard": heard_since},
    )
    found = {row.id: row for row in rows}
    return [found[driver_id] for driver_id in ids if driver_id in found]


def _driver(*, status: str, presence: str, class_ids: list[int] | None, **columns: Any) -> ListedDriver:
    return ListedDriver(
        status=DriverStatus(status), presence=Presence(presence), class_ids=tuple(class_ids or ()), **columns
    )

"""What is read of trips and offers by who drives."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.taxi.model import Stop, Trip, TripOffer
from isotope.domain.taxi.rows import OFFER_COLUMNS, POINT_COLUMNS, TRIP_COLUMNS, offer_row, stop_row, trip_row
from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId, TripId


async def list_open_offers(tx: Tx, operator_id: OperatorId, driver_id: DriverId, now: datetime) -> list[TripOffer]:
    """What the driver can answer now, the first that ends first; by trip_offer_slot."""
    return await tx.all(
        offer_row,
        f"""
        select {OFFER_COLUMNS} from trip_offer
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'OPEN'
           and expires_at > %(now)s
         order by expires_at, id limit 10
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "now": now},
    )


async def get_trips(tx: Tx, operator_id: OperatorId, ids: Sequence[TripId]) -> dict[TripId, Trip]:
    """By number; those that are not there are not in it."""
    rows = await tx.all(
        trip_row,
        f"select {TRIP_COLUMNS} from trip where operator_id = %(operator_id)s and id = any(%(ids)s)",
        {"operator_id": operator_id, "ids": list(ids)},
    )
    return {row.id: row for row in rows}


async def get_stops(tx: Tx, operator_id: OperatorId, ids: Sequence[TripId]) -> dict[TripId, list[Stop]]:
    """Of each trip, pick-up first."""
    rows = await tx.dicts(
        f"""
        select trip_id, {POINT_COLUMNS} from trip_point
         where operator_id = %(operator_id)s and trip_id = any(%(ids)s) order by trip_id, nr
        """,
        {"operator_id": operator_id, "ids": list(ids)},
    )
    found: dict[TripId, list[Stop]] = defaultdict(list)
    for row in rows:
        found[TripId(row.pop("trip_id"))].append(stop_row(**row))
    return dict(found)


async def find_current_trip(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> Trip | None:
    """What the driver is busy with, or must still say what was given in cash for. By trip_driver and trip_of_driver."""
    return await tx.find(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s
           and id = coalesce(
               (select id from trip
                 where operator_id = %(operator_id)s and driver_id = %(driver_id)s
                   and status in ('ACCEPTED', 'ARRIVED', 'STARTED')),
               (select id from (select id, status, cash_due_minor from trip
                                 where operator_id = %(operator_id)s and driver_id = %(driver_id)s
                                   and driver_id is not null
                                 order by id desc limit 5) newest
                 where status = 'ENDED' and cash_due_minor > 0 order by id desc limit 1))
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def list_promised_trips(tx: Tx, operator_id: OperatorId, driver_id: DriverId) -> list[Trip]:
    """What the driver promised to drive, the next one first; by trip_promised."""
    return await tx.all(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and status = 'SCHEDULED'
         order by scheduled_at, id limit 100
        """,
        {"operator_id": operator_id, "driver_id": driver_id},
    )


async def list_trips_of_driver(
    tx: Tx, operator_id: OperatorId, driver_id: DriverId, before: TripId | None, limit: int
) -> list[Trip]:
    """Those that are over, newest first; by trip_of_driver."""
    return await tx.all(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and driver_id is not null
           and status in ('ENDED', 'CANCELED') and (%(before)s::bigint is null or id < %(before)s)
         order by id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "driver_id": driver_id, "before": before, "limit": limit},
    )


@dataclass(frozen=True, slots=True)
class Earned:
    """Of the trips of a driver that were over between two moments."""

    trips: int
    fares_minor: int
    earned_minor: int
    cash_minor: int


async def sum_earnings(
    tx: Tx, operator_id: OperatorId, driver_id: DriverId, since: datetime, until: datetime, currency: str
) -> Earned:
    """What was driven, what riders were asked for, what of it is the driver's, what they gave in cash. By trip_earned."""
    return await tx.one(
        Earned,
        """
        select count(*)::int as trips, coalesce(sum(total_minor), 0)::bigint as fares_minor,
               coalesce(sum(earned_minor), 0)::bigint as earned_minor, coalesce(sum(cash_minor), 0)::bigint as cash_minor
          from trip
         where operator_id = %(operator_id)s and driver_id = %(driver_id)s and currency = %(currency)s
           and closed_at >= %(since)s and closed_at < %(until)s and total_minor > 0
        """,
        {
            "operator_id": operator_id,
            "driver_id": driver_id,
            "since": since,
            "until": until,
            "currency": currency,
        },
    )

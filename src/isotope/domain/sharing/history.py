"""The SQL of a rider's history: rides with their vehicles, ratings, ways."""

from datetime import datetime
from typing import Any, Final

import msgspec

from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.rows import RIDE_COLUMNS, ride_row
from isotope.infra.db import Tx
from isotope.iot.model import JUMP
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, RideId, RiderId
from isotope.kernel.vehicle_types import VehicleType

# A ride of a day with a report every ten seconds.
MOST_PLACES: Final = 10_000
MOST_PAGE: Final = 101


class Rating(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider said about a ride: 1 is bad, 5 is good."""

    operator_id: OperatorId
    ride_id: RideId
    rider_id: RiderId
    rating: int
    reasons: tuple[str, ...]
    comment: str
    at: datetime


class PastRide(msgspec.Struct, frozen=True, kw_only=True):
    """A ride with what it was ridden on, and its rating."""

    ride: Ride
    vehicle_nr: str
    vehicle_type: VehicleType
    model_title: str
    rating: int | None


_PAST: Final = """
    select r.*, v.nr as vehicle_nr, m.vehicle_type, m.title as model_title, g.rating
      from r
      join vehicle v on v.operator_id = r.operator_id and v.id = r.vehicle_id
      join vehicle_model m on m.operator_id = r.operator_id and m.id = r.model_id
      left join ride_rating g on g.operator_id = r.operator_id and g.ride_id = r.id
     order by r.id desc
"""


def _past_row(*, vehicle_nr: str, vehicle_type: str, model_title: str, rating: int | None, **columns: Any) -> PastRide:
    return PastRide(
        ride=ride_row(**columns),
        vehicle_nr=vehicle_nr,
        vehicle_type=VehicleType(vehicle_type),
        model_title=model_title,
        rating=rating,
    )


async def list_past_rides(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, before: RideId | None, limit: int
) -> list[PastRide]:
    """A rider's rides that are over, newest first, those before the bookmark `before`. By index ride_rider."""
    return await tx.all(
        _past_row,
        f"""
        with r as materialized (
            select {RIDE_COLUMNS} from ride
             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status in ('ENDED', 'FAILED')
               and (%(before)s::bigint is null or id < %(before)s)
             order by id desc limit %(limit)s)
        {_PAST}
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "before": before,
            "limit": max(0, min(limit, MOST_PAGE)),
        },
    )


async def find_own_past_ride(tx: Tx, operator_id: OperatorId, rider_id: RiderId, ride_id: RideId) -> PastRide | None:
    """A ride of the rider's that is over; None also for somebody else's."""
    return await tx.find(
        _past_row,
        f"""
        with r as materialized (
            select {RIDE_COLUMNS} from ride
             where operator_id = %(operator_id)s and id = %(ride_id)s and rider_id = %(rider_id)s
               and status in ('ENDED', 'FAILED'))
        {_PAST}
        """,
        {"operator_id": operator_id, "ride_id": ride_id, "rider_id": rider_id},
    )


async def list_places(tx: Tx, ride: Ride) -> list[Point]:
    """Where the vehicle was during the ride, in the order of its fixes; places that are doubted are left out.

    By index vehicle_report_vehicle: so many rows as were received during the ride and an hour after it. What a unit
    kept for longer than that is not looked for.
    """
    rows = await tx.tuples(
        """
        select lat, lon from (
            select fix_at, lat, lon from vehicle_report
             where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s
               and received_at >= %(since)s and received_at < %(until)s::timestamptz + interval '1 hour'
               and fix_at between %(since)s and %(until)s and lat is not null
               and not flags @> array[%(jump)s]::text[]
             order by received_at limit %(limit)s) told
         order by fix_at
        """,
        {
            "operator_id": ride.operator_id,
            "vehicle_id": ride.vehicle_id,
            "since": ride.started_at,
            "until": ride.ended_at,
            "jump": JUMP,
            "limit": MOST_PLACES,
        },
    )
    return [Point(lat, lon) for lat, lon in rows]


# -- Ratings --------------------------------------------------------------------------------------------------------

_RATING: Final = "operator_id, ride_id, rider_id, rating, reasons, comment, at"


async def insert_rating(tx: Tx, rating: Rating) -> bool:
    """Whether it is the ride's first."""
    written = await tx.execute(
        f"""
        insert into ride_rating ({_RATING})
        values (%(operator_id)s, %(ride_id)s, %(rider_id)s, %(rating)s, %(reasons)s, %(comment)s, %(at)s)
        on conflict do nothing
        """,
        {**msgspec.structs.asdict(rating), "reasons": list(rating.reasons)},
    )
    return written == 1


async def find_rating(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> Rating | None:
    return await tx.find(
        _rating_row,
        f"select {_RATING} from ride_rating where operator_id = %(operator_id)s and ride_id = %(ride_id)s",
        {"operator_id": operator_id, "ride_id": ride_id},
    )


def _rating_row(*, reasons: list[str], **columns: Any) -> Rating:
    return Rating(reasons=tuple(reasons), **columns)


async def forget_words(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> None:
    """What a rider wrote; what they chose from lists stays. By ride_rating_rider."""
    await tx.execute(
        "update ride_rating set comment = '' where operator_id = %(operator_id)s and rider_id = %(rider_id)s and comment <> ''",
        {"operator_id": operator_id, "rider_id": rider_id},
    )

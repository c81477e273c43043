"""Drivers near a pick-up who could take a trip now: what prices and lists of drivers are made from.

A driver is fit when they are ACTIVE, online and heard of (`heartbeat_s`), their position counts (`position_s`), they are
within `radius_maximum_m` in a straight line, have no trip, and drive the class; for cash also: they take it, and owe the
operator no more than `driver_debt_minor`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import cos, radians
from typing import Final

from isotope.domain.maps import Roads, RoadsUnavailable
from isotope.domain.maps.model import Matrix
from isotope.domain.taxi.errors import roads_unavailable
from isotope.domain.tenants.model import Operator, TaxiSettings
from isotope.infra.db import Tx
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import DriverId, TaxiClassId

_METRES_A_DEGREE: Final = 111_195.0
# So many of the nearest drivers of each class are looked at by road.
NEAREST: Final = 8


@dataclass(frozen=True, slots=True, kw_only=True)
class NearDriver:
    """A fit driver of a class. `first_name` and the vehicle are for riders; a rating None: too few have rated."""

    driver_id: DriverId
    class_id: TaxiClassId
    at: Point
    first_name: str
    rating: float | None
    vehicle_title: str
    vehicle_color: str
    seats: int


@dataclass(frozen=True, slots=True)
class Way:
    """By road from a driver to the pick-up."""

    duration_s: int
    distance_m: int


async def list_near_drivers(
    tx: Tx,
    operator: Operator,
    at: Point,
    now: datetime,
    *,
    is_cash: bool,
    driver_id: DriverId | None = None,
    each: int = NEAREST,
) -> list[NearDriver]:
    """The nearest fit drivers of each class, nearest first; of one driver only, if named.

    By driver_state_online: every driver of the operator who is online is looked at.
    """
    settings = operator.settings.taxi
    high = settings.radius_maximum_m / _METRES_A_DEGREE
    wide = min(180.0, high / max(0.01, cos(radians(at.lat))))
    rows = await tx.tuples(
        """
        with near as (
            select s.driver_id, s.class_ids, s.lat, s.lon, d.name, d.rating_sum, d.rating_count, v.title, v.color, v.seats,
                   (s.lat - %(lat)s) ^ 2 + ((s.lon - %(lon)s) * cos(radians(%(lat)s))) ^ 2 as off
              from driver_state s
              join driver d on d.operator_id = s.operator_id and d.id = s.driver_id
              join taxi_vehicle v on v.operator_id = s.operator_id and v.id = s.vehicle_id
              left join ledger_account a
                on a.operator_id = s.operator_id and a.driver_id = s.driver_id and a.currency = %(currency)s
             where s.operator_id = %(operator_id)s and s.is_online and s.idle_since is not null
               and s.seen_at >= %(heard)s and s.position_at >= %(placed)s
               and s.lat between %(lat)s - %(high)s and %(lat)s + %(high)s
               and s.lon between %(lon)s - %(wide)s and %(lon)s + %(wide)s
               and d.status = 'ACTIVE'
               and (not %(is_cash)s or d.cash_allowed and coalesce(a.balance_minor, 0) >= -%(debt)s)
               and (%(driver_id)s::bigint is null or s.driver_id = %(driver_id)s::bigint)
        )
        select driver_id, class_id, lat, lon, name, rating_sum, rating_count, title, color, seats
          from (select near.*, c.class_id, row_number() over (partition by c.class_id order by off, driver_id) as place
                  from near, unnest(class_ids) as c (class_id)) ranked
         where place <= %(each)s
         order by off, driver_id, class_id
        """,
        {
            "operator_id": operator.id,
            "currency": operator.currency,
            "lat": at.lat,
            "lon": at.lon,
            "high": high,
            "wide": wide,
            "heard": now - timedelta(seconds=settings.heartbeat_s),
            "placed": now - timedelta(seconds=settings.position_s),
            "is_cash": is_cash,
            "debt": settings.driver_debt_minor,
            "driver_id": driver_id,
            "each": each,
        },
    )
    found = [_near(settings, *row) for row in rows]
    return [one for one in found if distance_m(one.at, at) <= settings.radius_maximum_m]


def _near(
    settings: TaxiSettings,
    driver_id: int,
    class_id: int,
    lat: float,
    lon: float,
    name: str,
    rating_sum: int,
    rating_count: int,
    title: str,
    color: str,
    seats: int,
) -> NearDriver:
    is_rated = rating_count >= settings.ratings_shown_from
    return NearDriver(
        driver_id=DriverId(driver_id),
        class_id=TaxiClassId(class_id),
        at=Point(lat, lon),
        first_name=name.split(" ", 1)[0],
        rating=round(rating_sum / rating_count, 1) if is_rated else None,
        vehicle_title=title,
        vehicle_color=color,
        seats=seats,
    )


async def find_ways(roads: Roads, drivers: Sequence[NearDriver], to: Point) -> dict[DriverId, Way]:
    """From each to the pick-up; who cannot get there is not in it. A network call.

    Raises:
        Refusal: `roads_unavailable`.
    """
    points = {one.driver_id: one.at for one in drivers}
    if not points:
        return {}
    try:
        matrix: Matrix = await roads.get_matrix(list(points.values()), [to])
    except RoadsUnavailable as error:
        raise roads_unavailable() from error
    ways: dict[DriverId, Way] = {}
    for nr, driver_id in enumerate(points):
        duration, distance = matrix.durations_s[nr][0], matrix.distances_m[nr][0]
        if duration is not None and distance is not None:
            ways[driver_id] = Way(duration, distance)
    return ways

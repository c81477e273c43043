"""How far a trip was driven, by the driver's positions."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.taxi import store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.queries import find_driven_trip
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import DriverId

# A car is never so fast; a position that says so is wrong.
_FASTEST_M_S: Final = 70.0
# Closer positions are the noise of one that stands.
_LEAST_M: Final = 5.0


@dataclass(frozen=True, slots=True)
class Fix:
    """Where a driver was, and when."""

    at: datetime
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class TrackTrip:
    """Positions of a driver, in any order; those before the last one that counted are not counted again."""

    operator: Operator
    driver_id: DriverId
    fixes: Sequence[Fix]


async def track_trip(rt: Runtime, command: TrackTrip) -> Trip | None:
    """The trip that the driver is in, with its metres; None: there is none. Whoever looks at it is told."""
    operator = command.operator
    async with rt.db.glance() as tx:
        seen = await find_driven_trip(tx, operator.id, command.driver_id)
    if seen is None:
        return None
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, operator.id, seen.id)
        if trip is None or trip.driver_id != command.driver_id or not trip.status.has_driver:
            return None
        if trip.status is TripStatus.STARTED:
            trip = await _count(tx, trip, command.fixes)
        await store.tell(tx, trip)
        return trip


async def _count(tx: Tx, trip: Trip, fixes: Sequence[Fix]) -> Trip:
    driven_m, last = counted(trip, fixes)
    if last is None:
        return trip
    return await store.change_trip(
        tx, trip, driven_m=driven_m, track_lat=last.point.lat, track_lon=last.point.lon, track_at=last.at
    )


def counted(trip: Trip, fixes: Sequence[Fix]) -> tuple[float, Fix | None]:
    """How far it was by these, and the newest that counts; None: none of them does.

    | a position | counts |
    |---|---|
    | is not later than the last one, or before the start | no |
    | is farther than a car gets in that time | no |
    | is nearer than what a standing unit wanders | moves the time, not the place |
    """
    driven_m, last = trip.driven_m, None
    before = None
    if trip.track_at is not None and trip.track_lat is not None and trip.track_lon is not None:
        before = Fix(trip.track_at, Point(trip.track_lat, trip.track_lon))
    for fix in sorted(fixes, key=lambda one: one.at):
        if trip.started_at is None or fix.at < trip.started_at:
            continue
        if before is None:
            before = last = fix
            continue
        seconds = (fix.at - before.at).total_seconds()
        step_m = distance_m(before.point, fix.point)
        if seconds <= 0 or step_m > seconds * _FASTEST_M_S:
            continue
        if step_m < _LEAST_M:
            before = last = Fix(fix.at, before.point)
            continue
        driven_m += step_m
        before = last = fix
    return driven_m, last

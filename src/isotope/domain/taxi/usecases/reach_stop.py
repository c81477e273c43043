"""A stop on the way is reached."""

from dataclasses import dataclass

from isotope.domain.taxi import driving_errors, errors, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.queries import list_stops
from isotope.domain.taxi.usecases.locking import lock_driven_trip
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.ids import DriverId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReachStop:
    """`nr`: 1 is the first stop after the pick-up; the destination is not reached but ends the trip."""

    operator: Operator
    driver_id: DriverId
    trip_id: TripId
    nr: int


async def reach_stop(rt: Runtime, command: ReachStop) -> Trip:
    """The trip, as it was. Said twice, it is said once.

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `validation_failed`: no such stop on the way.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
        if trip.status is not TripStatus.STARTED:
            raise errors.trip_status(trip.status, [TripStatus.STARTED])
        stops = await list_stops(tx, operator.id, trip.id)
        if not 0 < command.nr < len(stops) - 1:
            raise driving_errors.unknown_stop([nr for nr in range(1, len(stops) - 1) if stops[nr].reached_at is None])
        if stops[command.nr].reached_at is None:
            await store.reach_stop(tx, trip, command.nr, now)
            await store.add_event(tx, trip, "stop_reached", now, driver_actor(command.driver_id), nr=command.nr)
            await store.tell(tx, trip)
        return trip

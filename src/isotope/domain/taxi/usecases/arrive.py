"""The driver is at the pick-up."""

from dataclasses import dataclass

from isotope.domain.drivers import lock_state
from isotope.domain.taxi import driving_errors, machine, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.queries import list_stops
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.taxi.usecases.locking import lock_driven_trip, must
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.geo import distance_m
from isotope.kernel.ids import DriverId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrive:
    operator: Operator
    driver_id: DriverId
    trip_id: TripId


async def arrive(rt: Runtime, command: Arrive) -> Trip:
    """The trip, ARRIVED: waiting counts from now on. Said twice, it is said once.

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `driver_position_unknown`, `too_far_from_pick_up`.
    """
    operator, now, settings = command.operator, rt.clock.now(), command.operator.settings.taxi
    async with rt.db.write() as tx:
        trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
        if trip.status is TripStatus.ARRIVED:
            return trip
        actor = driver_actor(command.driver_id)
        must(machine.may_change(trip.status, TripStatus.ARRIVED, "driver"))
        point = (await lock_state(tx, operator.id, command.driver_id)).fresh_point(settings, now)
        if point is None:
            raise driving_errors.position_unknown(settings.position_s)
        pick_up = (await list_stops(tx, operator.id, trip.id))[0]
        away_m = distance_m(point, pick_up.point)
        if away_m > settings.arrive_m:
            raise driving_errors.too_far_from_pick_up(round(away_m), settings.arrive_m)
        arrived = await store.move_trip(tx, trip, TripStatus.ARRIVED, actor, now, arrived_at=now)
        await store.reach_stop(tx, arrived, 0, now)
        await tell_rider_of(tx, rt, operator, arrived, "trip_arrived")
        return arrived

"""The rider is on board."""

import hmac
from dataclasses import dataclass

from isotope.domain.drivers import lock_state
from isotope.domain.taxi import driving_errors, machine, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.usecases.locking import lock_driven_trip, must
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.ids import DriverId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class StartTrip:
    """`pin`: four digits that the rider reads out, where the operator wants them."""

    operator: Operator
    driver_id: DriverId
    trip_id: TripId
    pin: str | None = None


async def start_trip(rt: Runtime, command: StartTrip) -> Trip:
    """The trip, STARTED: from here on it is measured. Said twice, it is said once.

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `wrong_pin`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
        if trip.status is TripStatus.STARTED:
            return trip
        must(machine.may_change(trip.status, TripStatus.STARTED, "driver"))
        if trip.pin is not None and not hmac.compare_digest(trip.pin.encode(), (command.pin or "").strip().encode()):
            raise driving_errors.wrong_pin()
        point = (await lock_state(tx, operator.id, command.driver_id)).fresh_point(operator.settings.taxi, now)
        return await store.move_trip(
            tx,
            trip,
            TripStatus.STARTED,
            driver_actor(command.driver_id),
            now,
            started_at=now,
            track_lat=None if point is None else point.lat,
            track_lon=None if point is None else point.lon,
            track_at=None if point is None else now,
        )

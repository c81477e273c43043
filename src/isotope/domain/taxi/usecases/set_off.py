"""A driver sets off to a trip that they promised."""

from dataclasses import dataclass

from isotope.domain.drivers import (
    DriverStatus,
    driver_blocked,
    driver_busy,
    driver_offline,
    get_driver,
    lock_state,
    set_busy,
)
from isotope.domain.taxi import driver_rules, errors, machine, offer_store, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.queries import find_driven_trip
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.taxi.usecases.locking import lock_driven_trip, must
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.ids import DriverId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetOff:
    operator: Operator
    driver_id: DriverId
    trip_id: TripId


async def set_off(rt: Runtime, command: SetOff) -> Trip:
    """The trip, ACCEPTED, in whatever the driver is online in. Said twice, it is said once.

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `too_early_to_set_off`, `driver_blocked`, `driver_offline`,
            `driver_busy`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
        if trip.status is TripStatus.ACCEPTED:
            return trip
        if trip.status is not TripStatus.SCHEDULED:
            raise errors.trip_status(trip.status, [TripStatus.SCHEDULED])
        must(machine.may_change(trip.status, TripStatus.ACCEPTED, "driver"))
        must(driver_rules.may_set_off(trip, operator.settings.taxi, now))
        if (await get_driver(tx, operator.id, command.driver_id)).status is not DriverStatus.ACTIVE:
            raise driver_blocked()
        state = await lock_state(tx, operator.id, command.driver_id)
        if not state.is_online or state.vehicle_id is None:
            raise driver_offline()
        if await find_driven_trip(tx, operator.id, command.driver_id) is not None:
            raise driver_busy()
        accepted = await store.move_trip(
            tx,
            trip,
            TripStatus.ACCEPTED,
            driver_actor(command.driver_id),
            now,
            vehicle_id=state.vehicle_id,
            accepted_at=now,
            next_at=None,
        )
        await set_busy(tx, operator.id, command.driver_id)
        await offer_store.withdraw_others(tx, operator.id, command.driver_id, now)
        await tell_rider_of(tx, rt, operator, accepted, "trip_accepted")
        return accepted

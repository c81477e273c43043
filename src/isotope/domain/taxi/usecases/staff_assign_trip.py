"""A dispatcher gives a trip to a driver, who is not asked."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.drivers import (
    DriverState,
    DriverStatus,
    driver_blocked,
    driver_busy,
    driver_not_found,
    driver_offline,
    find_driver,
    lock_state,
    set_busy,
)
from isotope.domain.maps import estimate_way
from isotope.domain.taxi import driving_errors, machine, offer_store, staff_errors, staff_rules, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.queries import find_driven_trip, list_stops
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.taxi.usecases.locking import lock_own_trip, must
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import DriverId, TripId

_MS_A_KMH: Final = 3.6


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffAssignTrip:
    operator: Operator
    role: Role
    trip_id: TripId
    driver_id: DriverId
    actor: Actor
    reason: str | None = None


async def staff_assign_trip(rt: Runtime, command: StaffAssignTrip) -> Trip:
    """The trip, ACCEPTED; one for later stays SCHEDULED, promised. Whoever else was offered it is not any more.

    A driver of another class may be named, and one whose last position is old; not one who is offline or has a trip.
    Assigned twice to the same driver it is assigned once.

    Raises:
        Refusal: `role_not_allowed`, `trip_not_found`, `driver_not_found`, `trip_status`, `trip_has_driver`,
            `driver_blocked`, `driver_offline`, `driver_busy`, `promise_clashes`.
    """
    must(staff_rules.may_dispatch(command.role))
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_own_trip(tx, operator.id, None, command.trip_id)
        driver = await find_driver(tx, operator.id, command.driver_id)
        if driver is None:
            raise driver_not_found()
        if trip.driver_id == driver.id and trip.status in (TripStatus.ACCEPTED, TripStatus.SCHEDULED):
            return trip
        if trip.status is not TripStatus.SCHEDULED:
            must(machine.may_change(trip.status, TripStatus.ACCEPTED, "staff"))
        if trip.driver_id is not None:
            raise staff_errors.trip_has_driver()
        if driver.status is not DriverStatus.ACTIVE:
            raise driver_blocked()
        state = await lock_state(tx, operator.id, driver.id)
        if trip.status is TripStatus.SCHEDULED:
            return await _promise(tx, command, trip, state, now)
        return await _give(tx, rt, command, trip, state, now)


async def _promise(tx: Tx, command: StaffAssignTrip, trip: Trip, state: DriverState, now: datetime) -> Trip:
    gap = timedelta(minutes=command.operator.settings.taxi.schedule_gap_min)
    if await offer_store.has_promise_near(tx, trip.operator_id, command.driver_id, trip, gap):
        raise driving_errors.promise_clashes()
    await offer_store.save_assigned(tx, trip, command.driver_id, now, eta_s=0, distance_m=0)
    await store.withdraw_offers(tx, trip, now, but=command.driver_id)
    promised = await store.change_trip(tx, trip, driver_id=command.driver_id, vehicle_id=state.vehicle_id)
    await store.add_event(
        tx, promised, "promised", now, command.actor, reason=command.reason, driver_id=command.driver_id
    )
    await store.tell(tx, promised)
    return promised


async def _give(tx: Tx, rt: Runtime, command: StaffAssignTrip, trip: Trip, state: DriverState, now: datetime) -> Trip:
    operator = command.operator
    if not state.is_online or state.vehicle_id is None:
        raise driver_offline()
    if await find_driven_trip(tx, operator.id, command.driver_id) is not None:
        raise driver_busy()
    away_m = eta_s = 0
    if state.point is not None:
        pick_up = (await list_stops(tx, operator.id, trip.id))[0]
        away_m, eta_s = estimate_way(state.point, pick_up.point)
    await offer_store.save_assigned(tx, trip, command.driver_id, now, eta_s=eta_s, distance_m=away_m)
    await store.withdraw_offers(tx, trip, now, but=command.driver_id)
    accepted = await store.move_trip(
        tx,
        trip,
        TripStatus.ACCEPTED,
        command.actor,
        now,
        reason=command.reason,
        driver_id=command.driver_id,
        vehicle_id=state.vehicle_id,
        accepted_at=now,
        pickup_eta_s=eta_s,
        next_at=None,
    )
    await set_busy(tx, operator.id, command.driver_id)
    await offer_store.withdraw_others(tx, operator.id, command.driver_id, now)
    await tell_rider_of(tx, rt, operator, accepted, "trip_accepted")
    return accepted

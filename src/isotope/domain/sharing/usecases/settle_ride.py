"""The third step of every ride command: what the vehicle said becomes what the ride is.

Called by the request that waits for the vehicle, and by the worker (`settle_waiting_rides`) in case that
request's process is gone. Whoever comes first writes; the other finds nothing to do.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.devices import await_word, give_up_command
from isotope.domain.fleet import VehicleStatus, lock_vehicle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.sharing import errors, queries, store
from isotope.domain.sharing.funds import STOP_NOT_CONFIRMED
from isotope.domain.sharing.model import BY_ITSELF, WAITING, EventKind, Outcome, Ride, RideStatus
from isotope.domain.sharing.rules import after_command, is_paused
from isotope.domain.sharing.usecases.close_ride import close_ride
from isotope.domain.sharing.usecases.fail_ride import fail_ride
from isotope.domain.sharing.usecases.watch_rides import watch_rides
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import CommandId, RideId

JOB: Final = "settle_ride"

WAIT_AFTER_EXPIRY_S: Final = 0.2
NO_ANSWER: Final = "no_answer"


@dataclass(frozen=True, slots=True)
class SettleRide:
    """Settle what `command_id` made of the ride."""

    operator: Operator
    ride_id: RideId
    command_id: CommandId


async def await_and_settle(rt: Runtime, cards: Cards, what: SettleRide) -> tuple[Ride, str | None]:
    """Wait for the vehicle's word, then record it. The ride as it is now, and the unit's code if it refused."""
    wait_s = what.operator.settings.rides.unlock_wait_s + WAIT_AFTER_EXPIRY_S
    await await_word(rt, what.operator.id, what.command_id, wait_s)
    return await settle_ride(rt, cards, what)


async def settle_ride(rt: Runtime, cards: Cards, what: SettleRide) -> tuple[Ride, str | None]:
    """Make the transition if it is still to be made, giving up a command that has no outcome yet. Safe to run twice.

    What a card is asked for is asked after the commit; the ride is as it is then.

    Raises:
        Refusal: `ride_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        ride = await store.lock_ride(tx, what.operator.id, what.ride_id)
        if ride is None:
            raise errors.ride_not_found()
        outcome = await give_up_command(tx, what.operator.id, what.command_id, now, NO_ANSWER)
        if ride.status not in WAITING or ride.command_id != what.command_id:
            return ride, outcome.code
        at = outcome.finished_at or now
        calls = await _record(tx, rt, cards, what.operator, ride, done=outcome.is_done, at=at, code=outcome.code)
    await carry_out_all(rt, cards, what.operator, calls)
    async with rt.db.glance() as tx:
        settled = await queries.find_ride(tx, what.operator.id, what.ride_id)
    if settled is None:
        raise errors.ride_not_found()
    return settled, outcome.code


async def _record(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, ride: Ride, *, done: bool, at: datetime, code: str | None
) -> list[CardCall]:
    events = await queries.list_events(tx, ride.operator_id, ride.id)
    status, event = after_command(ride.status, done=done, was_paused=is_paused(events))
    key = (ride.operator_id, ride.id)
    if status is RideStatus.ENDED:
        ended_at = ride.ending_at or at
        outcome = ride.outcome or Outcome.BY_RIDER
        return await close_ride(
            tx, rt, cards, operator, ride, events, ended_at=ended_at, outcome=outcome, now=at, plan=ride.end_plan
        )
    if status is RideStatus.FAILED:
        aside = VehicleStatus.NEED_INVESTIGATION
        return await fail_ride(tx, ride, Outcome.NOT_UNLOCKED, code=code, to_status=aside, at=at)
    if event is EventKind.STARTED:
        await store.set_started(tx, ride, at)
        await store.add_event(tx, key, event, at, SYSTEM)
        await watch_rides(tx, rt, cards, operator, ride.rider_id, rt.clock.now())
    elif event is EventKind.END_REFUSED:
        await store.set_status(tx, ride, status)
        found = await lock_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)
        odometer_m = ride.start_odometer_m if found.state is None else found.state.odometer_m
        reason = STOP_NOT_CONFIRMED if ride.outcome in BY_ITSELF else "lock_not_confirmed"
        data = {"reason": reason, "code": code, "odometer_m": odometer_m}
        await store.add_event(tx, key, event, ride.ending_at or at, SYSTEM, data)
    else:
        await store.set_status(tx, ride, status)
        if event is not None:
            await store.add_event(tx, key, event, at, SYSTEM)
            await watch_rides(tx, rt, cards, operator, ride.rider_id, rt.clock.now())
    return []

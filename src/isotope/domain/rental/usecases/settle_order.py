"""The third step of every order of a booking: what the vehicle said becomes what the booking is.

Called by the request that waits for the vehicle, and by the worker (`settle_orders`) in case that request's process is
gone. Whoever comes first writes; the other finds nothing to do.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.devices import await_word, find_outcome, give_up_command
from isotope.domain.fleet import AlertKind, VehicleStatus, clear_alerts, hold_vehicle, lock_vehicle, raise_alert
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import errors, queries, store
from isotope.domain.rental.driving import pick_up_until
from isotope.domain.rental.ending import OBEYED, RETURNED, UNCONFIRMED_LOCK, Ending, end_booking
from isotope.domain.rental.model import Booking, BookingStatus, OrderKind
from isotope.domain.rental.moving import change_vehicle, take_from
from isotope.domain.rental.ordering import odometer_of, settled
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, rider_actor
from isotope.kernel.ids import BookingId, CommandId

WAIT_AFTER_EXPIRY_S: Final = 0.2
NO_ANSWER: Final = "no_answer"


@dataclass(frozen=True, slots=True)
class SettleOrder:
    """Settle what `command_id` made of the booking."""

    operator: Operator
    booking_id: BookingId
    command_id: CommandId


async def await_and_settle(rt: Runtime, cards: Cards, what: SettleOrder) -> tuple[Booking, str | None]:
    """Wait for the vehicle's word, then record it. The booking as it is now, and the unit's code if it refused."""
    wait_s = what.operator.settings.rides.unlock_wait_s + WAIT_AFTER_EXPIRY_S
    await await_word(rt, what.operator.id, what.command_id, wait_s)
    return await settle_order(rt, cards, what)


async def settle_order(rt: Runtime, cards: Cards, what: SettleOrder) -> tuple[Booking, str | None]:
    """Make the transition if it is still to be made, giving up a command that has no outcome yet. Safe to run twice.

    What a card is asked for is asked after the commit; the booking is as it is then.

    | ordered | done                             | not done                                                         |
    |---------|----------------------------------|------------------------------------------------------------------|
    | PICK_UP | ACTIVE from the unit's word on   | UPCOMING, with another vehicle if one is free                    |
    | RETURN  | ENDED, as of the first try       | ACTIVE at the first try; ENDED at the next, as of the first      |
    | LOCK, UNLOCK | as before                   | as before                                                        |

    Raises:
        Refusal: `booking_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, what.operator.id, what.booking_id)
        if booking is None:
            raise errors.booking_not_found()
        outcome = await give_up_command(tx, what.operator.id, what.command_id, now, NO_ANSWER)
        if booking.order_kind is None or booking.command_id != what.command_id:
            return booking, outcome.code
        at = outcome.finished_at or now
        if outcome.is_done:
            calls = await _done(tx, rt, cards, what.operator, booking, at, now)
        else:
            calls = await _not_done(tx, rt, cards, what.operator, booking, _No(outcome.code, at, now))
    await carry_out_all(rt, cards, what.operator, calls)
    async with rt.db.glance() as tx:
        made = await queries.find_booking(tx, what.operator.id, what.booking_id)
    if made is None:
        raise errors.booking_not_found()
    return made, outcome.code


async def find_done(tx: Tx, what: SettleOrder) -> bool:
    """Whether the vehicle did it."""
    outcome = await find_outcome(tx, what.operator.id, what.command_id)
    return outcome is not None and outcome.is_done


async def _done(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, booking: Booking, at: datetime, now: datetime
) -> list[CardCall]:
    actor = rider_actor(booking.rider_id)
    match booking.order_kind:
        case OrderKind.PICK_UP:
            await _set_off(tx, booking, at)
        case OrderKind.RETURN:
            returned_at = booking.lock_refused_at or booking.ordered_at or at
            ending = Ending(returned_at=returned_at, outcome=RETURNED, actor=actor, lock_confirmed=True)
            return await end_booking(tx, rt, cards, operator, booking, ending, now)
        case OrderKind.LOCK | OrderKind.UNLOCK as kind:
            await settled(tx, booking)
            await store.add_event(tx, booking, "locked" if kind is OrderKind.LOCK else "unlocked", at, actor)
        case None:
            pass
    return []


async def _set_off(tx: Tx, booking: Booking, at: datetime) -> None:
    found = await lock_vehicle(tx, booking.operator_id, vehicle_id=booking.vehicle_id)
    actor = rider_actor(booking.rider_id)
    await hold_vehicle(tx, found.vehicle, holder=booking.holder, status=VehicleStatus.IN_USE, actor=actor, now=at)
    await take_from(tx, booking, at)
    await clear_alerts(tx, booking.operator_id, booking.vehicle_id, OBEYED, at)
    state = found.state
    await settled(
        tx,
        booking,
        status=BookingStatus.ACTIVE,
        picked_up_at=at,
        start_odometer_m=odometer_of(state),
        start_energy_pct=None if state is None else state.battery_pct,
    )
    await store.add_event(tx, booking, "picked_up", at, actor, vehicle=found.vehicle.nr)


@dataclass(frozen=True, slots=True)
class _No:
    """What the unit refused with, when, and when that is recorded: days later, if the worker slept."""

    code: str | None
    at: datetime
    now: datetime


async def _not_done(tx: Tx, rt: Runtime, cards: Cards, operator: Operator, booking: Booking, no: _No) -> list[CardCall]:
    match booking.order_kind:
        case OrderKind.PICK_UP:
            await _stay(tx, rt, operator, booking, no)
        case OrderKind.RETURN if booking.lock_refused_at is not None:
            actor = rider_actor(booking.rider_id)
            returned_at = booking.lock_refused_at
            ending = Ending(returned_at=returned_at, outcome=UNCONFIRMED_LOCK, actor=actor, lock_confirmed=False)
            return await end_booking(tx, rt, cards, operator, booking, ending, no.now)
        case OrderKind.RETURN:
            await settled(tx, booking, lock_refused_at=booking.ordered_at or no.at)
            reason = "lock_not_confirmed"
            await store.add_event(tx, booking, "return_refused", no.at, SYSTEM, reason=reason, code=no.code)
        case OrderKind.LOCK | OrderKind.UNLOCK as kind:
            await settled(tx, booking)
            word = "stop_not_locked" if kind is OrderKind.LOCK else "stop_not_unlocked"
            await store.add_event(tx, booking, word, no.at, SYSTEM, code=no.code)
        case None:
            pass
    return []


async def _stay(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, no: _No) -> None:
    """Its rider stands at a vehicle that does not unlock: another one, if there is one, else try again; staff are called."""
    waiting = await settled(tx, booking)
    await store.add_event(tx, waiting, "not_unlocked", no.at, SYSTEM, code=no.code)
    await raise_alert(
        tx,
        operator.id,
        booking.vehicle_id,
        AlertKind.LOCK_FAILS,
        actor=SYSTEM,
        now=no.at,
        data={"booking_id": booking.id, "code": no.code},
    )
    if no.now < pick_up_until(waiting):
        await change_vehicle(tx, rt, operator, waiting, "did_not_unlock", now=no.now)

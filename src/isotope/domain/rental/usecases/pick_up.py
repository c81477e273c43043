"""Pick a booked vehicle up: decide, ask for the deposit, unlock, record."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isotope.domain.evidence import KeptImage, Taken
from isotope.domain.fleet import lock_vehicle, vehicle_not_available
from isotope.domain.identity import RiderStatus, user_not_found
from isotope.domain.payments import (
    CardCall,
    Cards,
    RefusalCode,
    ask_now,
    card_declined,
    card_no_answer,
    carry_out_all,
    list_payments,
)
from isotope.domain.rental import errors, store
from isotope.domain.rental.deposits import ask_deposit, find_confirmation
from isotope.domain.rental.driving import may_pick_up
from isotope.domain.rental.methods import paying_card
from isotope.domain.rental.model import Booking, BookingStatus, DepositStatus, OrderKind
from isotope.domain.rental.moving import keep_vehicle
from isotope.domain.rental.ordering import find_own_booking, lock_own_booking, order, settled
from isotope.domain.rental.photos import add_photos, count_photos
from isotope.domain.rental.usecases.settle_order import SettleOrder, await_and_settle
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import BookingId, RiderId

# The deposit is not reserved, or nobody knows yet.
_TO_ASK = frozenset({DepositStatus.DUE, DepositStatus.REFUSED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PickUp:
    """A rider stands at the vehicle that is kept for them. `photos`: of how it looks.

    `return_url`: where their bank sends them back to, if it asks them about the deposit; None: it cannot.
    """

    operator: Operator
    rider_id: RiderId
    booking_id: BookingId
    actor: Actor
    photos: Sequence[KeptImage] = field(default=())
    return_url: str | None = None


@dataclass(frozen=True, slots=True)
class _Decided:
    """What a transaction came to: a card to ask, an unlocking to wait for, or a no that must survive it."""

    calls: tuple[CardCall, ...] = ()
    wait_for: SettleOrder | None = None
    refusal: Refusal | None = None


async def pick_up(rt: Runtime, cards: Cards, what: PickUp) -> Booking:
    """The booking, ACTIVE: its vehicle said that it is unlocked.

    The deposit comes first. A card that says no to it leaves the booking UPCOMING; so does a vehicle that does not
    unlock, in whose place another one is kept if there is one. In both cases the rider may try again.

    Raises:
        Refusal: `booking_not_found`, by the table of `driving.may_pick_up`, `vehicle_not_available` when neither the
            booked vehicle nor another one can be handed out, `deposit_too_high` of the wallet, `card_declined`,
            `deposit_to_confirm` with the bank's page, `card_no_answer`, `device_offline`, `rental_did_not_unlock`.
    """
    async with rt.db.glance() as tx:
        asked = await find_confirmation(
            tx, await find_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
        )
    if asked is not None:
        # The rider may just be back from their bank.
        await ask_now(rt, cards, what.operator, asked)
    async with rt.db.write() as tx:
        decided = await _decide(tx, rt, cards, what, rt.clock.now())
    if decided.calls:
        await carry_out_all(rt, cards, what.operator, decided.calls)
        async with rt.db.write() as tx:
            decided = await _after_deposit(tx, what, rt.clock.now())
    if decided.wait_for is None:
        raise decided.refusal or errors.booking_not_found()
    booking, code = await await_and_settle(rt, cards, decided.wait_for)
    if booking.status is BookingStatus.ACTIVE:
        return booking
    raise errors.rental_did_not_unlock(code)


async def _decide(tx: Tx, rt: Runtime, cards: Cards, what: PickUp, now: datetime) -> _Decided:
    operator = what.operator
    rider = await store.lock_rider(tx, operator.id, what.rider_id)
    if rider is None or rider is RiderStatus.DELETED:
        raise user_not_found()
    booking = await lock_own_booking(tx, operator.id, what.rider_id, what.booking_id)
    photos = await count_photos(tx, booking, Taken.BEFORE, what.photos)
    if no := may_pick_up(booking, operator.settings.rentals, now, blocked=rider is RiderStatus.BLOCKED, photos=photos):
        raise no
    booking, found, unfit = await keep_vehicle(tx, rt, operator, booking, actor=what.actor, now=now)
    if unfit is not None:
        raise vehicle_not_available(found.vehicle.status)
    await add_photos(tx, booking, Taken.BEFORE, what.photos, now)
    calls: list[CardCall] = []
    if booking.deposit_status in _TO_ASK:
        card = await paying_card(tx, cards, booking)
        booking, calls = await ask_deposit(tx, operator, booking, card, what.actor, now, return_url=what.return_url)
    if calls or booking.deposit_status is DepositStatus.ASKED:
        if not calls:
            # Asked at an earlier try, and nobody knows yet what the bank said.
            raise await _why_not_yet(tx, booking)
        await store.change_booking(tx, booking, order_kind=OrderKind.PICK_UP, command_id=None, ordered_at=now)
        return _Decided(calls=tuple(calls))
    waiting = await order(tx, operator, booking, found, OrderKind.PICK_UP, actor=what.actor, now=now)
    return _Decided(wait_for=_settlement(what, waiting))


async def _after_deposit(tx: Tx, what: PickUp, now: datetime) -> _Decided:
    operator = what.operator
    booking = await lock_own_booking(tx, operator.id, what.rider_id, what.booking_id)
    if booking.order_kind is not OrderKind.PICK_UP or booking.command_id is not None:
        # The worker did not wait for this request any longer.
        return _Decided(refusal=card_no_answer())
    if booking.deposit_status is not DepositStatus.HELD:
        await settled(tx, booking)
        if booking.deposit_status is DepositStatus.REFUSED:
            return _Decided(refusal=card_declined(await _why_declined(tx, booking)))
        return _Decided(refusal=await _why_not_yet(tx, booking))
    found = await lock_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    try:
        waiting = await order(tx, operator, booking, found, OrderKind.PICK_UP, actor=what.actor, now=now)
    except Refusal as no:
        await settled(tx, booking)
        return _Decided(refusal=no)
    return _Decided(wait_for=_settlement(what, waiting))


async def _why_declined(tx: Tx, booking: Booking) -> str:
    payments = await list_payments(tx, booking.operator_id, booking.deposit_cause)
    return next((payment.code for payment in reversed(payments) if payment.code), RefusalCode.DECLINED)


async def _why_not_yet(tx: Tx, booking: Booking) -> Refusal:
    asked = await find_confirmation(tx, booking)
    if asked is None or asked.redirect_url is None:
        return card_no_answer()
    return errors.deposit_to_confirm(asked.redirect_url)


def _settlement(what: PickUp, waiting: Booking) -> SettleOrder:
    if waiting.command_id is None:
        raise LookupError("an order has a command")
    return SettleOrder(what.operator, waiting.id, waiting.command_id)

"""A rider cancels a booking."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import deposits, errors, queries, store, transitions
from isotope.domain.rental.model import Booking, BookingStatus, DepositStatus, RefundKind
from isotope.domain.rental.paying import paid_minor, refund_booking
from isotope.domain.rental.prices import cancel_fee_minor
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId, RiderId

BY_RIDER: Final = "by_rider"
CANCELLABLE = (BookingStatus.AWAITING_PAYMENT, BookingStatus.UPCOMING)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelBooking:
    """A rider's own booking is to be cancelled, by the terms that were agreed."""

    operator: Operator
    booking_id: BookingId
    rider_id: RiderId
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancelled:
    """`fee_minor` was kept of `paid_minor`. `refunded_minor` is the rest, on its way where it came from."""

    booking: Booking
    paid_minor: int
    fee_minor: int
    refunded_minor: int


async def cancel_booking(rt: Runtime, cards: Cards, command: CancelBooking) -> Cancelled:
    """Cancelled by the terms that were agreed. Cancelling again says the same once more.

    Raises:
        Refusal: `booking_not_found`, `booking_status`, `booking_busy`.
    """
    async with rt.db.write() as tx:
        cancelled, calls = await _decide(tx, cards, command, rt.clock.now())
    await carry_out_all(rt, cards, command.operator, calls)
    return cancelled


async def _decide(tx: Tx, cards: Cards, command: CancelBooking, now: datetime) -> tuple[Cancelled, Sequence[CardCall]]:
    operator = command.operator
    booking = await store.lock_booking(tx, operator.id, command.booking_id)
    if booking is None or booking.rider_id != command.rider_id:
        raise errors.booking_not_found()
    if booking.status is BookingStatus.CANCELLED:
        return await _again(tx, booking), ()
    if booking.status not in CANCELLABLE:
        raise errors.booking_status(booking.status, CANCELLABLE)
    if booking.order_kind is not None:
        raise errors.booking_busy(booking.order_kind)
    paid = await paid_minor(tx, booking)
    fee = cancel_fee_minor(booking.terms, paid, booking.starts_at, now)
    closed = await transitions.close(tx, operator, booking, BookingStatus.CANCELLED, BY_RIDER, command.actor, now)
    calls: list[CardCall] = []
    if paid > fee:
        calls = await refund_booking(
            tx,
            cards,
            operator,
            closed,
            paid - fee,
            kind=RefundKind.CANCELLED,
            reason=BY_RIDER,
            actor=command.actor,
            now=now,
        )
    if closed.deposit_status is DepositStatus.HELD:
        closed, more = await deposits.end_deposit(tx, operator, closed, claim_minor=0, actor=command.actor, now=now)
        calls = [*calls, *more]
    return Cancelled(booking=closed, paid_minor=paid, fee_minor=fee, refunded_minor=paid - fee), calls


async def _again(tx: Tx, booking: Booking) -> Cancelled:
    """What the cancel did, as the store tells it."""
    kept = await paid_minor(tx, booking)
    refunds = await queries.list_refunds(tx, booking.operator_id, [booking.id])
    back = sum(one.amount_minor for one in refunds if one.kind is RefundKind.CANCELLED)
    return Cancelled(booking=booking, paid_minor=kept + back, fee_minor=kept, refunded_minor=back)

"""Staff cancel a booking: all that was paid for it goes back."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.identity import TellRider, tell_later
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import errors, staff_rules, store, transitions
from isotope.domain.rental.deposits import end_deposit
from isotope.domain.rental.model import Booking, BookingStatus, DepositStatus, RefundKind
from isotope.domain.rental.paying import paid_minor, refund_booking
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId
from isotope.kernel.money import Money

BY_STAFF = "by_staff"


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffCancelBooking:
    """The rider reads `reason` on the credit note."""

    operator: Operator
    role: Role
    booking_id: BookingId
    reason: str
    actor: Actor


async def staff_cancel_booking(rt: Runtime, cards: Cards, command: StaffCancelBooking) -> Booking:
    """CANCELLED, its vehicle free at once; cancelled twice it is cancelled once.

    One whose card is still asked is UNPAID, and what the card pays after all goes back.

    Raises:
        Refusal: `booking_not_found`, by the last table of `staff_rules`.
    """
    if no := staff_rules.may_treat(command.role):
        raise no
    async with rt.db.write() as tx:
        booking = await store.lock_booking(tx, command.operator.id, command.booking_id)
        if booking is None:
            raise errors.booking_not_found()
        if booking.outcome == BY_STAFF:
            return booking
        if no := staff_rules.may_cancel(command.role, booking):
            raise no
        cancelled, calls = await _cancel(tx, rt, cards, command, booking, rt.clock.now())
    await carry_out_all(rt, cards, command.operator, calls)
    return cancelled


async def _cancel(
    tx: Tx, rt: Runtime, cards: Cards, command: StaffCancelBooking, booking: Booking, now: datetime
) -> tuple[Booking, list[CardCall]]:
    operator = command.operator
    if booking.status is BookingStatus.AWAITING_PAYMENT:
        return await transitions.give_up(tx, booking, BY_STAFF, command.actor, now), []
    back_minor = await paid_minor(tx, booking)
    closed = await transitions.close(tx, operator, booking, BookingStatus.CANCELLED, BY_STAFF, command.actor, now)
    calls = await refund_booking(
        tx,
        cards,
        operator,
        closed,
        back_minor,
        kind=RefundKind.CANCELLED,
        reason=command.reason,
        actor=command.actor,
        now=now,
    )
    if closed.deposit_status is DepositStatus.HELD:
        closed, more = await end_deposit(tx, operator, closed, claim_minor=0, actor=command.actor, now=now)
        calls = [*calls, *more]
    params: dict[str, str | int] = {
        "back": Money(back_minor, booking.currency).text(),
        "reason": command.reason,
    }
    what = TellRider(operator=operator, rider_id=booking.rider_id, code="booking_cancelled_by_staff", params=params)
    await tell_later(tx, rt, what)
    return closed, calls

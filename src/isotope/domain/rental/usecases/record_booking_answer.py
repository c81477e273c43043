"""Write down what a card provider answered about a booking: the payment, the ledger, and the booking."""

from datetime import datetime
from typing import Final

from isotope.domain.payments import (
    Answer,
    CallKind,
    CardCall,
    CardPayment,
    Collect,
    PaymentStatus,
    Purpose,
    collect,
    find_card,
    get_payment,
    record_answer,
)
from isotope.domain.payments.model import After
from isotope.domain.rental import paying, queries, store, transitions
from isotope.domain.rental.extending import is_used, undo_extension
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingStatus,
    ChargeId,
    ChargeKind,
    ChargeStatus,
    DepositStatus,
    RefundId,
    RefundKind,
)
from isotope.domain.rental.receipts import issue_credit_note
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import BookingId

_CHARGE: Final = "booking_charge:"
_REFUND: Final = "booking_refund:"
_DEPOSIT: Final = "deposit:"


async def record_booking_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of bookings. Once for every call, in one transaction; safe to run twice.

    What was bought and is not paid is given back; what is paid too late is given back too, and the worker makes that call.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        # What a payment is for never changes: it is read before the booking is locked, and that before the payment.
        cause = (await get_payment(tx, operator.id, call.payment_id)).cause
        charge_id = ChargeId(int(cause.removeprefix(_CHARGE)))
        known = await queries.find_charge(tx, operator.id, charge_id)
        if known is None:
            raise LookupError(f"{cause} is no charge of a booking")
        booking = await store.lock_booking(tx, operator.id, known.booking_id)
        recorded = await record_answer(tx, operator, call, answer, now)
        # What stood there before the booking was locked may have changed.
        charge = await queries.find_charge(tx, operator.id, charge_id)
        if booking is None or charge is None or recorded.after is None:
            return
        if call.kind is CallKind.REFUND:
            await _settle_refund(tx, operator, booking, call, recorded.after, now)
        elif charge.status is ChargeStatus.PENDING:
            await _settle_charge(tx, rt, operator, booking, charge, recorded.payment, recorded.after, now)


async def record_deposit_answer(rt: Runtime, operator: Operator, call: CardCall, answer: Answer) -> None:
    """The `payments.Recorder` of deposits. One that turns out to be reserved for a booking that is over is let go."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        cause = (await get_payment(tx, operator.id, call.payment_id)).cause
        booking = await store.lock_booking(tx, operator.id, BookingId(int(cause.removeprefix(_DEPOSIT))))
        recorded = await record_answer(tx, operator, call, answer, now)
        if booking is None or recorded.after is None:
            return
        status = _deposit_status(call.kind, recorded.payment.status)
        if status is None:
            return
        captured = recorded.after.collected_minor
        changed = await store.change_booking(
            tx, booking, deposit_status=status, deposit_captured_minor=booking.deposit_captured_minor + captured
        )
        if status is DepositStatus.HELD and not changed.is_open:
            await _let_go(tx, operator, changed, now)


def _deposit_status(kind: CallKind, payment: PaymentStatus) -> DepositStatus | None:
    """None: nothing is known yet."""
    match payment:
        case PaymentStatus.AUTHORISED:
            # A release that was refused leaves it reserved; the bank lets go of it by itself.
            return DepositStatus.HELD if kind is CallKind.AUTHORISE else DepositStatus.RELEASED
        case PaymentStatus.CAPTURED:
            return DepositStatus.CAPTURED
        case PaymentStatus.RELEASED:
            return DepositStatus.RELEASED
        case PaymentStatus.FAILED:
            return DepositStatus.REFUSED if kind is CallKind.AUTHORISE else DepositStatus.RELEASED
        case _:
            return None


async def _let_go(tx: Tx, operator: Operator, booking: Booking, now: datetime) -> None:
    await collect(
        tx,
        Collect(
            operator_id=operator.id,
            purpose=Purpose.DEPOSIT,
            cause=booking.deposit_cause,
            card=None,
            currency=booking.currency,
            due_minor=0,
            actor=SYSTEM,
            now=now,
        ),
    )
    await store.change_booking(tx, booking, deposit_status=DepositStatus.ENDING)


async def _settle_charge(
    tx: Tx,
    rt: Runtime,
    operator: Operator,
    booking: Booking,
    charge: BookingCharge,
    payment: CardPayment,
    after: After,
    now: datetime,
) -> None:
    if not (after.collected_minor or after.unpaid_minor):
        return
    if payment.purpose is Purpose.BOOKING and after.unpaid_minor:
        await paying.undo_bought(tx, operator, booking, charge, after, payment.code, now)
        await _not_bought(tx, rt, operator, booking, charge, payment.code, now)
        return
    if payment.purpose is Purpose.BOOKING:
        paid = await paying.settle_bought(tx, operator, booking, charge, now)
    else:
        paid = await paying.settle_owed(tx, operator, booking, charge, after, now)
    if charge.kind is ChargeKind.BOOKING and booking.status is BookingStatus.AWAITING_PAYMENT:
        await transitions.confirm(tx, rt, operator, booking, SYSTEM, now)
    elif is_too_late(booking, paid):
        what = paying.RefundCharge(
            operator=operator,
            booking=booking,
            charge=paid,
            amount_minor=paid.total_minor,
            kind=RefundKind.TOO_LATE,
            reason="paid_too_late",
            actor=SYSTEM,
            now=now,
        )
        card = await find_card(tx, operator.id, booking.rider_id, payment.card_id)
        await paying.refund_charge(tx, None if card is None else card.provider, what)


def is_too_late(booking: Booking, charge: BookingCharge) -> bool:
    """Whether what was paid just now is not to be had any more.

    | charge     | booking                                               | too late |
    |------------|-------------------------------------------------------|----------|
    | BOOKING    | CANCELLED, NO_SHOW, UNPAID                            | yes      |
    | BOOKING    | else                                                  | no       |
    | EXTENSION  | UPCOMING, ACTIVE                                      | no       |
    | EXTENSION  | ENDED, brought back after the end before it           | no       |
    | EXTENSION  | else                                                  | yes      |
    | SETTLEMENT, CLAIM | any                                            | no       |
    """
    match charge.kind:
        case ChargeKind.BOOKING:
            return booking.status in (BookingStatus.CANCELLED, BookingStatus.NO_SHOW, BookingStatus.UNPAID)
        case ChargeKind.EXTENSION:
            return not booking.is_open and not is_used(booking, charge)
        case _:
            return False


async def _not_bought(
    tx: Tx, rt: Runtime, operator: Operator, booking: Booking, charge: BookingCharge, code: str | None, now: datetime
) -> None:
    if charge.kind is ChargeKind.EXTENSION:
        await undo_extension(tx, rt, operator, booking, charge, now)
    elif booking.status is BookingStatus.AWAITING_PAYMENT:
        await transitions.give_up(tx, booking, code or "card_declined", SYSTEM, now)


async def _settle_refund(
    tx: Tx,
    operator: Operator,
    booking: Booking,
    call: CardCall,
    after: After,
    now: datetime,
) -> None:
    refund = await queries.find_refund(tx, operator.id, RefundId(int(call.cause.removeprefix(_REFUND))))
    if refund is None:
        raise LookupError(f"{call.cause} is no refund of a booking")
    settled = await store.add_refund_outcome(
        tx,
        refund,
        returned_minor=after.returned_minor,
        to_debt_minor=after.kept_debt_minor,
        to_balance_minor=after.kept_minor - after.kept_debt_minor,
    )
    await issue_credit_note(tx, operator, booking, settled, now)

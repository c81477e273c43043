"""The receipts of what bookings cost, and the credit notes of what was given back."""

from datetime import datetime
from typing import Final

from isotope.domain.fleet import get_vehicle
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, credit_lines, issue_later
from isotope.domain.rental.model import Booking, BookingCharge, BookingRefund, ChargeKind, ChargeStatus, RefundKind
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx

# What a credit note calls it: the code of its lines.
_CREDIT_CODES: Final = {
    RefundKind.CANCELLED: "booking_cancelled",
    RefundKind.EARLY_RETURN: "early_return",
    RefundKind.STAFF: "refund",
    RefundKind.TOO_LATE: "booking_cancelled",
}


async def issue_receipt(tx: Tx, operator: Operator, booking: Booking, charge: BookingCharge, now: datetime) -> None:
    """Once it is known what paid all of it. What cost nothing has no receipt."""
    if charge.status is not ChargeStatus.PAID or not charge.total_minor:
        return
    supplied_from, supplied_until = _supplied(booking, charge)
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=booking.rider_id,
            kind=ReceiptKind.BOOKING,
            cause=charge.cause,
            currency=charge.currency,
            lines=charge.lines,
            taxes=charge.taxes,
            paid=Paid(
                bonus_minor=charge.charged_bonus_minor,
                balance_minor=charge.charged_balance_minor,
                card_minor=charge.charged_card_minor,
                debt_minor=charge.debt_minor,
            ),
            issued_at=now,
            subject=await _subject(tx, booking, charge.reason),
            supplied_from=supplied_from,
            supplied_until=supplied_until,
        ),
    )


async def issue_credit_note(tx: Tx, operator: Operator, booking: Booking, refund: BookingRefund, now: datetime) -> None:
    """Once it is known where all of the money went."""
    if refund.card_pending_minor:
        return
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=booking.rider_id,
            kind=ReceiptKind.CREDIT_NOTE,
            cause=refund.cause,
            currency=booking.currency,
            lines=credit_lines(refund.taxes, _CREDIT_CODES[refund.kind]),
            taxes=refund.taxes,
            paid=Paid(
                bonus_minor=refund.to_bonus_minor,
                balance_minor=refund.to_balance_minor,
                card_minor=refund.to_card_minor,
                debt_minor=refund.to_debt_minor,
            ),
            issued_at=now,
            corrects=f"booking_charge:{refund.charge_id}",
            subject=refund.reason if refund.kind is RefundKind.STAFF else "",
        ),
    )


async def _subject(tx: Tx, booking: Booking, reason: str | None) -> str:
    """The model, which was booked: the vehicle itself may change until the pick-up. And why staff claim something."""
    title = (await get_vehicle(tx, booking.operator_id, vehicle_id=booking.vehicle_id)).model.title
    return title if reason is None else f"{title}: {reason}"


def _supplied(booking: Booking, charge: BookingCharge) -> tuple[datetime, datetime]:
    """The time that was bought; of what came up later, the time in which the vehicle was out."""
    if charge.kind is ChargeKind.EXTENSION and charge.ends_at is not None and charge.ended_at_before is not None:
        return charge.ended_at_before, charge.ends_at
    if charge.kind is ChargeKind.BOOKING or booking.picked_up_at is None or booking.returned_at is None:
        return booking.starts_at, booking.ends_at
    return booking.picked_up_at, booking.returned_at

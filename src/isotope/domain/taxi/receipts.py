"""The receipt of a trip, or of the fee of one that was not driven."""

from datetime import datetime

from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, issue_later
from isotope.domain.taxi.model import Trip
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx


async def issue_receipt(tx: Tx, operator: Operator, trip: Trip, now: datetime) -> None:
    """Once it is known what paid all of it. What cost nothing has no receipt."""
    if trip.card_pending_minor or trip.cash_due_minor or not trip.total_minor:
        return
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=trip.rider_id,
            kind=ReceiptKind.TRIP,
            cause=trip.cause,
            currency=trip.currency,
            lines=trip.lines,
            taxes=trip.taxes,
            paid=Paid(
                bonus_minor=trip.charged_bonus_minor,
                balance_minor=trip.charged_balance_minor,
                card_minor=trip.charged_card_minor,
                debt_minor=trip.debt_minor,
                cash_minor=trip.cash_minor,
            ),
            issued_at=now,
            subject=trip.terms.class_title,
            supplied_from=trip.started_at or trip.accepted_at or trip.requested_at,
            supplied_until=trip.closed_at or now,
        ),
    )

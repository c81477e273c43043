"""The receipts of fines, and the credit notes of refunds."""

from datetime import datetime

from isotope.domain.pricing import english
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, credit_lines, issue_later
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refunds import Fine, Refund
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx


def fine_taxes(fine: Fine) -> tuple[TaxLine, ...]:
    """A penalty is no supply of anything: it bears no tax."""
    return (TaxLine(rate="0", net_minor=fine.amount_minor, tax_minor=0, gross_minor=fine.amount_minor),)


async def issue_fine_receipt(tx: Tx, operator: Operator, ride: Ride, fine: Fine, now: datetime) -> None:
    """Once the fine's money is settled."""
    if fine.card_pending_minor:
        return
    line = Line(
        code="fine",
        text=english("line_fine"),
        quantity=1,
        unit_price_minor=fine.amount_minor,
        amount_minor=fine.amount_minor,
        tax_rate="0",
    )
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=ride.rider_id,
            kind=ReceiptKind.FINE,
            cause=fine.cause,
            currency=ride.currency,
            lines=(line,),
            taxes=fine_taxes(fine),
            paid=Paid(
                balance_minor=fine.charged_balance_minor,
                card_minor=fine.charged_card_minor,
                debt_minor=fine.debt_minor,
            ),
            issued_at=now,
            subject=fine.reason,
        ),
    )


async def issue_credit_note(tx: Tx, operator: Operator, ride: Ride, refund: Refund, now: datetime) -> None:
    """Once it is known where all of the money went."""
    if refund.card_pending_minor:
        return
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=ride.rider_id,
            kind=ReceiptKind.CREDIT_NOTE,
            cause=refund.cause,
            currency=ride.currency,
            lines=credit_lines(refund.taxes, refund.code),
            taxes=refund.taxes,
            paid=Paid(
                bonus_minor=refund.to_bonus_minor,
                balance_minor=refund.to_balance_minor,
                card_minor=refund.to_card_minor,
                debt_minor=refund.to_debt_minor,
            ),
            issued_at=now,
            corrects=refund.corrects,
            subject=refund.reason,
        ),
    )

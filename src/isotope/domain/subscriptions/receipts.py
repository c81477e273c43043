"""The price of a period, its tax, and its receipt."""

from datetime import datetime

from isotope.domain.pricing import tax_lines
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.receipts import Paid, ReceiptDraft, ReceiptKind, issue_later
from isotope.domain.subscriptions.model import Period, PlanSpec
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.ids import RiderId


def tax_of(spec: PlanSpec) -> TaxLine:
    """What a period costs: `gross_minor` is what is paid."""
    [tax] = tax_lines([(spec.tax_rate, spec.price_minor)], inclusive=spec.tax_inclusive)
    return tax


async def issue_receipt(tx: Tx, operator: Operator, rider_id: RiderId, period: Period, now: datetime) -> None:
    """Once a period is paid."""
    tax = tax_of(period.spec)
    line = Line(
        code="subscription",
        text=period.title,
        quantity=1,
        unit_price_minor=tax.gross_minor,
        amount_minor=tax.gross_minor,
        tax_rate=tax.rate,
    )
    await issue_later(
        tx,
        ReceiptDraft(
            operator=operator,
            rider_id=rider_id,
            kind=ReceiptKind.SUBSCRIPTION,
            cause=period.cause,
            currency=period.currency,
            lines=(line,),
            taxes=(tax,),
            paid=Paid(
                bonus_minor=period.charged_bonus_minor,
                balance_minor=period.charged_balance_minor,
                card_minor=period.charged_card_minor,
            ),
            issued_at=now,
            subject=period.title,
            supplied_from=period.starts_at,
            supplied_until=period.ends_at,
        ),
    )

"""Who stands on a receipt, and under which number."""

from collections.abc import Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from isotope.domain.pricing import english
from isotope.domain.pricing.model import Line, TaxLine
from isotope.domain.receipts.model import Paid, ReceiptDraft, ReceiptKind, Seller
from isotope.domain.tenants.model import Operator


def seller_of(operator: Operator) -> Seller:
    """The operator as its settings are now; without a legal name, under the name that riders know."""
    settings = operator.settings.receipts
    return Seller(
        legal_name=settings.legal_name or operator.name,
        address=settings.address,
        tax_number=settings.tax_number,
        email=settings.email,
        footer=settings.footer,
    )


def year_at(issued_at: datetime, time_zone: str) -> int:
    """The year whose numbers it gets: at midnight in Helsinki it is still yesterday in UTC."""
    return issued_at.astimezone(ZoneInfo(time_zone)).year


def number_text(prefix: str, year: int, number: int) -> str:
    """`ISO-2026-000001`; without a prefix `2026-000001`. Longer numbers are written out."""
    return "-".join([*([prefix] if prefix else []), f"{year:04d}", f"{number:06d}"])


def credit_lines(taxes: Sequence[TaxLine], code: str = "refund") -> tuple[Line, ...]:
    """The lines of a credit note: one a rate, tax included, so that they sum as the taxes do. `code`: what it is."""
    return tuple(
        Line(
            code=code,
            text=english(f"line_{code}"),
            quantity=1,
            unit_price_minor=tax.gross_minor,
            amount_minor=tax.gross_minor,
            tax_rate=tax.rate,
        )
        for tax in taxes
    )


def draft_fault(draft: ReceiptDraft) -> str | None:
    """What does not add up; a bug of the caller.

    ============================================  ========================
    taxes                                         net + tax = gross, each
    paid parts                                    sum to the taxes' gross
    lines                                         sum to the taxes' gross
    kind is CREDIT_NOTE                           corrects is given
    otherwise                                     corrects is not given
    ============================================  ========================
    """
    total_minor = sum(tax.gross_minor for tax in draft.taxes)
    if any(tax.net_minor + tax.tax_minor != tax.gross_minor for tax in draft.taxes):
        return "a tax line does not sum"
    if draft.paid.total_minor != total_minor:
        return f"{draft.paid.total_minor} paid of {total_minor}"
    if sum(line.amount_minor for line in draft.lines) != total_minor:
        return f"the lines do not sum to {total_minor}"
    if (draft.kind is ReceiptKind.CREDIT_NOTE) != (draft.corrects is not None):
        return "a credit note, and nothing else, corrects another receipt"
    if min(_parts(draft.paid)) < 0:
        return "a negative amount"
    return None


def _parts(paid: Paid) -> tuple[int, ...]:
    return (paid.bonus_minor, paid.balance_minor, paid.card_minor, paid.debt_minor, paid.cash_minor)

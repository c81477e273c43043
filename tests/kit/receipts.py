"""Receipts for tests."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from isotope.domain.pricing import Line, TaxLine, tax_lines
from isotope.domain.receipts import Paid, Receipt, ReceiptDraft, ReceiptId, ReceiptKind, Seller, credit_lines
from isotope.domain.tenants.model import Operator
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import START


def ride_lines(minutes: int = 10) -> tuple[Line, ...]:
    """Prices that contain their tax: 1.00 to unlock, 0.20 a minute at 25.5 %, a snack of 1.99 at 14 %."""
    return (
        _line("unlock", "Unlock", 1, 100, "0.255"),
        _line("ride_minutes", "Riding minutes", minutes, 20, "0.255"),
        _line("addon_fixed", "Snack", 1, 199, "0.14"),
    )


def taxes_of(lines: tuple[Line, ...]) -> tuple[TaxLine, ...]:
    return tax_lines(((line.tax_rate or "0", line.amount_minor) for line in lines), inclusive=True)


def ride_draft(
    operator: Operator,
    rider_id: RiderId,
    cause: str = "ride:1",
    *,
    at: datetime = START,
    lines: tuple[Line, ...] | None = None,
    card_minor: int = 0,
) -> ReceiptDraft:
    """A ride that the balance paid, or `card_minor` of it a card."""
    lines = ride_lines() if lines is None else lines
    total = sum(line.amount_minor for line in lines)
    return ReceiptDraft(
        operator=operator,
        rider_id=rider_id,
        kind=ReceiptKind.RIDE,
        cause=cause,
        currency=operator.currency,
        lines=lines,
        taxes=taxes_of(lines),
        paid=Paid(balance_minor=total - card_minor, card_minor=card_minor),
        issued_at=at,
        subject="A-1023",
        supplied_from=at - timedelta(minutes=10),
        supplied_until=at,
    )


def credit_draft(of: ReceiptDraft, taxes: tuple[TaxLine, ...], cause: str = "refund:1") -> ReceiptDraft:
    """What is given back of a receipt, to the balance, an hour later."""
    return msgspec.structs.replace(
        of,
        kind=ReceiptKind.CREDIT_NOTE,
        cause=cause,
        corrects=of.cause,
        lines=credit_lines(taxes),
        taxes=taxes,
        paid=Paid(balance_minor=sum(tax.gross_minor for tax in taxes)),
        issued_at=of.issued_at + timedelta(hours=1),
        subject="The lock did not open",
    )


def a_receipt(*, lines: tuple[Line, ...] | None = None, **changes: Any) -> Receipt:
    """A numbered receipt that never was in a store; paid by card unless `paid` says otherwise."""
    lines = ride_lines() if lines is None else lines
    taxes = changes.get("taxes", taxes_of(lines))
    total = sum(tax.gross_minor for tax in taxes)
    made = Receipt(
        operator_id=OperatorId(1),
        id=ReceiptId(1),
        rider_id=RiderId(77),
        kind=ReceiptKind.RIDE,
        cause="ride:1",
        corrects=None,
        corrects_number=None,
        subject="A-1023",
        supplied_from=START - timedelta(minutes=10),
        supplied_until=START,
        currency="EUR",
        lines=lines,
        taxes=taxes,
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=total,
        paid=Paid(card_minor=total),
        issued_at=START,
        time_zone="Europe/Helsinki",
        seller=Seller(
            legal_name="Isotope Mobility Oy",
            address="Mannerheimintie 1\n00100 Helsinki",
            tax_number="FI12345678",
            email="billing@isotope.example",
            footer="Domicile Helsinki",
        ),
        number="ISO-2026-000123",
    )
    return msgspec.structs.replace(made, **changes)


def _line(code: str, text: str, quantity: int, unit_price_minor: int, rate: str) -> Line:
    return Line(
        code=code,
        text=text,
        unit="once" if quantity == 1 else "minute",
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        amount_minor=quantity * unit_price_minor,
        tax_rate=rate,
    )

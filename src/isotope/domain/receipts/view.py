"""A receipt in its reader's words; the numbers and what was issued stay."""

import msgspec

from isotope.domain.pricing import Words, english, line_text
from isotope.domain.pricing.model import Line
from isotope.domain.receipts.model import Receipt, ReceiptKind


class PaidPart(msgspec.Struct, frozen=True, kw_only=True):
    """What paid a part. `code` is `bonus`, `balance`, `card` or `debt`."""

    code: str
    text: str
    amount_minor: int


class ReceiptView(msgspec.Struct, frozen=True, kw_only=True):
    """The words of a receipt.

    Attributes:
        title: what kind of paper it is.
        subject_title: what the receipt's `subject` is: a vehicle, a reason.
        lines: the receipt's, in the reader's words.
        paid_title: whether money came or went back.
        paid: the parts that are not zero.
    """

    title: str
    subject_title: str
    lines: tuple[Line, ...]
    paid_title: str
    paid: tuple[PaidPart, ...]


def view_receipt(receipt: Receipt, words: Words = english) -> ReceiptView:
    """`words` is bound to the reader's languages and the operator's wording."""
    kind = receipt.kind.lower()
    way = "returned" if receipt.kind is ReceiptKind.CREDIT_NOTE else "paid"
    parts = {
        "bonus": receipt.paid.bonus_minor,
        "balance": receipt.paid.balance_minor,
        "card": receipt.paid.card_minor,
        "debt": receipt.paid.debt_minor,
        "cash": receipt.paid.cash_minor,
    }
    return ReceiptView(
        title=words(f"receipt_title_{kind}"),
        subject_title=words(f"receipt_subject_{kind}"),
        lines=tuple(msgspec.structs.replace(line, text=line_text(line, words)) for line in receipt.lines),
        paid_title=words(f"receipt_{way}_by"),
        paid=tuple(
            PaidPart(code=code, text=words(f"receipt_{way}_{code}"), amount_minor=amount)
            for code, amount in parts.items()
            if amount
        ),
    )

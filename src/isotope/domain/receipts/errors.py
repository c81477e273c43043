"""Every no of the receipts room."""

from isotope.kernel.errors import Kind, Refusal


def receipt_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "receipt_not_found")

"""Room: receipts. What a rider gets in writing: numbered without gaps, never changed.

Whoever settles money calls `issue_later` in the same transaction; a refund issues a CREDIT_NOTE with
`taxes=proportional_tax(...)` of the receipt that it corrects and `lines=credit_lines(taxes)`. `read_receipts` and
`read_receipt` are for showing: what they answer has its number, and `view_receipt` puts it into the reader's words.
"""

from isotope.domain.receipts.errors import receipt_not_found
from isotope.domain.receipts.model import NumberFault, Paid, Receipt, ReceiptDraft, ReceiptId, ReceiptKind, Seller
from isotope.domain.receipts.queries import (
    check_receipts,
    find_receipt_by_cause,
    get_receipt,
    list_receipt_ids,
    list_receipts,
)
from isotope.domain.receipts.rules import credit_lines
from isotope.domain.receipts.usecases.issue_later import issue_later
from isotope.domain.receipts.usecases.number_receipts import number_receipts
from isotope.domain.receipts.usecases.read_receipts import read_receipt, read_receipts
from isotope.domain.receipts.view import PaidPart, ReceiptView, view_receipt

__all__ = [
    "NumberFault",
    "Paid",
    "PaidPart",
    "Receipt",
    "ReceiptDraft",
    "ReceiptId",
    "ReceiptKind",
    "ReceiptView",
    "Seller",
    "check_receipts",
    "credit_lines",
    "find_receipt_by_cause",
    "get_receipt",
    "issue_later",
    "list_receipt_ids",
    "list_receipts",
    "number_receipts",
    "read_receipt",
    "read_receipts",
    "receipt_not_found",
    "view_receipt",
]

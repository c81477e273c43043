"""A receipt is due: in the transaction that settles the money."""

from isotope.domain.receipts import rules, store
from isotope.domain.receipts.model import ReceiptDraft
from isotope.infra.db import Tx


async def issue_later(tx: Tx, draft: ReceiptDraft) -> bool:
    """Store the receipt; its number follows (see `number_receipts`). Locks nothing that others share.

    Returns:
        Whether it is new. A cause has one receipt: the first stays as it is.

    Raises:
        ValueError: the draft does not add up; a bug of the caller.
    """
    if fault := rules.draft_fault(draft):
        raise ValueError(f"receipt of {draft.cause}: {fault}")
    return await store.insert_receipt(tx, draft)

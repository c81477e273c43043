"""Show receipts: whoever asks before the worker came by has them numbered first."""

from isotope.domain.receipts import queries
from isotope.domain.receipts.model import Receipt, ReceiptId
from isotope.domain.receipts.usecases.number_receipts import number_receipts
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


async def read_receipts(
    rt: Runtime, operator_id: OperatorId, rider_id: RiderId, before: ReceiptId | None = None, limit: int = 20
) -> list[Receipt]:
    """A rider's receipts, newest first, all numbered; see `list_receipts`."""
    receipts = await _list(rt, operator_id, rider_id, before, limit)
    if any(receipt.number is None for receipt in receipts):
        await number_receipts(rt, operator_id)
        receipts = await _list(rt, operator_id, rider_id, before, limit)
    # What was issued since then waits for the next look.
    return [receipt for receipt in receipts if receipt.number is not None]


async def read_receipt(
    rt: Runtime, operator_id: OperatorId, receipt_id: ReceiptId, rider_id: RiderId | None = None
) -> Receipt:
    """One receipt, numbered; see `get_receipt`.

    Raises:
        Refusal: `receipt_not_found`.
    """
    async with rt.db.read() as tx:
        receipt = await queries.get_receipt(tx, operator_id, receipt_id, rider_id)
    if receipt.number is None or (receipt.corrects is not None and receipt.corrects_number is None):
        await number_receipts(rt, operator_id)
        async with rt.db.read() as tx:
            receipt = await queries.get_receipt(tx, operator_id, receipt_id, rider_id)
    return receipt


async def _list(
    rt: Runtime, operator_id: OperatorId, rider_id: RiderId, before: ReceiptId | None, limit: int
) -> list[Receipt]:
    async with rt.db.read() as tx:
        return await queries.list_receipts(tx, operator_id, rider_id, before, limit)

"""Write into the ledger: the single way in."""

from isotope.domain.wallet import lots, queries, store
from isotope.domain.wallet.model import Posted, Posting
from isotope.infra.db import Tx


async def post(tx: Tx, posting: Posting) -> Posted:
    """Write a transaction; when its cause was posted before with its reason, tell what was written then.

    Bonus that it gives becomes a lot, bonus that it takes is spent of the lots. Accounts are made when first needed. Whoever posts the same cause at the same time waits and then gets the other's
    entries.

    Raises:
        psycopg.errors.CheckViolation: a balance or bonus would fall below zero, a debt above; decide on a
            `lock_standing` first.
    """
    if await _write(tx, posting):
        return Posted(entries=posting.entries, is_new=True)
    before = await queries.find_entries(tx, posting.operator_id, posting.cause, posting.reason)
    if before:
        return Posted(entries=before, is_new=False)
    await store.create_accounts(tx, posting.operator_id, posting.currency, store.accounts_of(posting.entries))
    if await _write(tx, posting):
        return Posted(entries=posting.entries, is_new=True)
    # Somebody else posted the same cause while we waited to make the accounts.
    before = await queries.find_entries(tx, posting.operator_id, posting.cause, posting.reason)
    return Posted(entries=before, is_new=False)


async def _write(tx: Tx, posting: Posting) -> bool:
    if not await store.insert_posting(tx, posting):
        return False
    await lots.keep_lots(tx, posting)
    return True

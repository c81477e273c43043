"""Write into the ledger: the single way in."""

from isotope.domain.wallet import queries, store
from isotope.domain.wallet.model import Posted, Posting
from isotope.infra.db import Tx


async def post(tx: Tx, posting: Posting) -> Posted:
    """Write a transaction; when its cause was posted before with its reason, tell what was written then.

    Accounts are made when first needed. Whoever posts the same cause at the same time waits and then gets the other's
    entries.

    Raises:
        psycopg.errors.CheckViolation: a balance or bonus would fall below zero, a debt above; decide on a
            `lock_standing` first.
    """
    if await store.insert_posting(tx, posting):
        return Posted(entries=posting.entries, is_new=True)
    before = await queries.find_entries(tx, posting.operator_id, posting.cause, posting.reason)
    if before:
        return Posted(entries=before, is_new=False)
    await store.create_accounts(tx, posting.operator_id, posting.currency, store.accounts_of(posting.entries))
    if await store.insert_posting(tx, posting):
        return Posted(entries=posting.entries, is_new=True)
    # Somebody else posted the same cause while we waited to make the accounts.
    before = await queries.find_entries(tx, posting.operator_id, posting.cause, posting.reason)
    return Posted(entries=before, is_new=False)

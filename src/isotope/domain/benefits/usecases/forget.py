"""What this room no longer needs to know."""

from datetime import timedelta
from typing import Final

from isotope.domain.benefits import codes, store
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId

_BATCH: Final = 5_000
# The longest window that the limits look back.
KEEP: Final = timedelta(days=1)


async def forget_code_tries(rt: Runtime) -> int:
    """Periodic: one bounded batch of wrong codes; how many went. Safe to run twice and at once."""
    async with rt.db.write() as tx:
        return await codes.delete_tries(tx, rt.clock.now() - KEEP, _BATCH)


async def forget_rider(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """A rider was erased: their code brings nobody any more, they are in no group, and no address is theirs.

    Redemptions and referrals stay: they are why the ledger gave bonus, and name nobody. Safe to run twice.
    """
    async with rt.db.write() as tx:
        await codes.delete_referral_code(tx, operator_id, rider_id)
        await codes.delete_tries_of(tx, operator_id, rider_id)
        await store.end_membership(tx, operator_id, rider_id, SYSTEM, rt.clock.now())

"""A rider was erased: what they had bought ends with them."""

from isotope.domain.subscriptions import store
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


async def end_subscriptions(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """Nothing is renewed any more. Safe to run twice.

    No card is being asked: who has money in transit is not erased. The rows stay, as the receipts do that name them.
    """
    async with rt.db.write() as tx:
        await store.end_all(tx, operator_id, rider_id, rt.clock.now())

"""What riders wrote of their rides goes with them. What they rode and paid stays."""

from isotope.domain.sharing import history
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


async def forget_history_of(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """Safe to run twice."""
    async with rt.db.write() as tx:
        await history.forget_words(tx, operator_id, rider_id)

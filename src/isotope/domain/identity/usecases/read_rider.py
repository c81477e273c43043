"""Look a rider up."""

from isotope.domain.identity.model import Rider
from isotope.domain.identity.queries import get_rider
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


async def read_rider(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> Rider:
    """The rider of this operator. Raises `user_not_found`."""
    async with rt.db.glance() as tx:
        return await get_rider(tx, operator_id, rider_id)

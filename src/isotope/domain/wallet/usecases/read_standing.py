"""Look into a rider's wallet."""

from isotope.domain.tenants.model import Operator
from isotope.domain.wallet.model import Standing
from isotope.domain.wallet.queries import get_standing
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


async def read_standing(rt: Runtime, operator: Operator, rider_id: RiderId) -> Standing:
    """What the rider has and owes in the operator's currency."""
    async with rt.db.glance() as tx:
        return await get_standing(tx, operator.id, rider_id, operator.currency)

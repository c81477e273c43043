"""The ids of a rider's running rides."""

from isotope.domain.sharing import queries
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId, RiderId


async def list_active_rides(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> list[RideId]:
    """Of every running ride, oldest first; at most 20 (the limit of open rides)."""
    async with rt.db.glance() as tx:
        rides = await queries.list_running_rides(tx, operator_id, rider_id)
    return [ride.id for ride in rides]

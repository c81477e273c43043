"""A rider's rides, newest first."""

from isotope.domain.sharing import history
from isotope.domain.sharing.history import PastRide
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId, RiderId


async def list_rides(
    rt: Runtime, operator_id: OperatorId, rider_id: RiderId, before: RideId | None, limit: int
) -> list[PastRide] | None:
    """Those before `before`; None if that is no ride of the rider's that is over."""
    async with rt.db.read() as tx:
        if before is not None and await history.find_own_past_ride(tx, operator_id, rider_id, before) is None:
            return None
        return await history.list_past_rides(tx, operator_id, rider_id, before, limit)

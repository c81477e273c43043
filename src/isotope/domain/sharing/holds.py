"""Why an account cannot be deleted now, as far as rides go."""

from isotope.domain.sharing import errors, queries
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId


class RideHold:
    """Implements `identity.ports.DeletionHold`: a running ride must be ended first."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        return errors.ride_running() if await queries.has_open_ride(tx, operator_id, rider_id) else None

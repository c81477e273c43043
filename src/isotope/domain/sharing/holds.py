"""Why an account cannot be deleted, or a card removed, as far as rides go."""

from isotope.domain.payments import Card, payment_method_in_use
from isotope.domain.sharing import errors, queries
from isotope.domain.sharing.reservation_store import has_active
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId


class RideHold:
    """Implements `identity.ports.DeletionHold`: a running ride must be ended first, and a vehicle that is kept let go."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        if await queries.has_open_ride(tx, operator_id, rider_id):
            return errors.ride_running()
        return errors.reservation_running() if await has_active(tx, operator_id, rider_id) else None


class RideCardHold:
    """Implements `payments.ports.CardHold`: the card that a running ride is paid with stays."""

    async def reason(self, tx: Tx, card: Card) -> Refusal | None:
        is_needed = await queries.has_open_ride_on(tx, card.operator_id, card.rider_id, card.method_id)
        return payment_method_in_use() if is_needed else None

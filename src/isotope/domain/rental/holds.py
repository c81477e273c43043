"""Why an account cannot be deleted, or a card removed, as far as bookings go."""

from isotope.domain.payments import Card, payment_method_in_use
from isotope.domain.rental import errors, queries
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId


class BookingHold:
    """Implements `identity.ports.DeletionHold`: a booking that is not over stays, and one whose deposit is held."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        if await queries.has_open_booking(tx, operator_id, rider_id):
            return errors.booking_running()
        return errors.deposit_held() if await queries.has_deposit(tx, operator_id, rider_id) else None


class BookingCardHold:
    """Implements `payments.ports.CardHold`: the card that a booking is paid with stays, and one that bears a deposit."""

    async def reason(self, tx: Tx, card: Card) -> Refusal | None:
        is_needed = await queries.has_booking_on(tx, card.operator_id, card.rider_id, card.method_id)
        return payment_method_in_use() if is_needed else None

"""Why an account cannot be deleted, or a card removed, as far as trips go."""

from isotope.domain.payments import Card, payment_method_in_use
from isotope.domain.taxi import errors
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId


class TripHold:
    """Implements `identity.ports.DeletionHold`: a trip that is not over stays, and one whose cash nobody told of."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        found = await tx.scalar(
            """
            select exists (select from trip where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                              and (status not in ('ENDED', 'CANCELED') or cash_due_minor > 0))
            """,
            {"operator_id": operator_id, "rider_id": rider_id},
        )
        return errors.trip_running() if found else None


class TripCardHold:
    """Implements `payments.ports.CardHold`: the card that a trip is to be paid with stays."""

    async def reason(self, tx: Tx, card: Card) -> Refusal | None:
        found = await tx.scalar(
            """
            select exists (select from trip where operator_id = %(operator_id)s and rider_id = %(rider_id)s
                              and payment_method_id = %(method_id)s and status not in ('ENDED', 'CANCELED'))
            """,
            {"operator_id": card.operator_id, "rider_id": card.rider_id, "method_id": card.method_id},
        )
        return payment_method_in_use() if found else None

"""What the wallet has against the deletion of a rider."""

from isotope.domain.wallet import errors, queries
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, RiderId
from isotope.kernel.money import Money


class PaymentHold:
    """A rider whose card is being asked for money, or gets some back, is not deleted (`DeletionHold`)."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        found = await queries.find_in_transit(tx, operator_id, rider_id)
        return None if found is None else errors.payment_running(Money(found.amount_minor, found.currency))


class DebtHold:
    """A rider who owes something is not deleted (identity's port `DeletionHold`)."""

    async def reason(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Refusal | None:
        debt = await queries.find_debt(tx, operator_id, rider_id)
        return None if debt is None else errors.debt_open(Money(debt.debt_minor, debt.currency))

"""Something was bought, and its card did not pay: post all of it back, inside a transaction."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.payments.model import After
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, Posting, bonus_expiry, credit_entries, lock_standing, post
from isotope.infra.db import Tx
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class UndoPurchase:
    """What was posted for `cause`: the price with its tax, and which parts of it the wallet paid.

    `after` is what the card's answer came to; `reason` is the ledger's word.
    """

    operator: Operator
    rider_id: RiderId
    currency: str
    cause: str
    reason: str
    total_minor: int
    tax_minor: int
    bonus_minor: int
    balance_minor: int
    after: After
    now: datetime


async def undo_purchase(tx: Tx, what: UndoPurchase) -> None:
    """All that was posted, the other way round; what the card did pay of it becomes money of the wallet.

    The caller holds what was bought and the payment.
    """
    rider = what.rider_id
    standing = await lock_standing(tx, what.operator.id, rider, what.currency)
    entries = (
        Entry(kind=AccountKind.REVENUE, amount_minor=what.tax_minor - what.total_minor),
        Entry(kind=AccountKind.TAX, amount_minor=-what.tax_minor),
        Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=what.after.unpaid_minor, rider_id=rider),
        Entry(kind=AccountKind.RIDER_BONUS, amount_minor=what.bonus_minor, rider_id=rider),
        *credit_entries(rider, standing, what.balance_minor + what.after.collected_minor),
    )
    await post(
        tx,
        Posting(
            operator_id=what.operator.id,
            currency=what.currency,
            reason=what.reason,
            actor=SYSTEM,
            cause=what.cause,
            now=what.now,
            entries=tuple(entry for entry in entries if entry.amount_minor),
            bonus_expires_at=bonus_expiry(what.operator.settings.payments, what.now),
        ),
    )

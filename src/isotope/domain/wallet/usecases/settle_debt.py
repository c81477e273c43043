"""Pay what a rider owes from what the same rider has."""

from datetime import datetime
from typing import Final

import msgspec

from isotope.domain.wallet import rules, store
from isotope.domain.wallet.model import AccountKind, Posting
from isotope.domain.wallet.usecases.post import post
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RiderId

REASON: Final = "debt_settled"


class SettleDebt(msgspec.Struct, frozen=True, kw_only=True):
    """`cause` is what made the debt; one cause is settled once."""

    operator_id: OperatorId
    rider_id: RiderId
    currency: str
    actor: Actor
    cause: str
    now: datetime


async def settle_debt(tx: Tx, command: SettleDebt) -> int:
    """How much was settled, in minor units; 0 when the rider does not have balance and debt at once.

    Only money that a card was awaited for can become debt beside a balance: the rider topped up meanwhile.
    """
    standing = await store.lock_standing(tx, command.operator_id, command.rider_id, command.currency)
    entries = rules.settle_entries(command.rider_id, standing)
    if not entries:
        return 0
    posted = await post(
        tx,
        Posting(
            operator_id=command.operator_id,
            currency=command.currency,
            reason=REASON,
            actor=command.actor,
            cause=command.cause,
            now=command.now,
            entries=entries,
        ),
    )
    return posted.sum_minor(AccountKind.RIDER_DEBT) if posted.is_new else 0

"""A debt arose: collect it from the rider's card, by the operator's schedule."""

from datetime import datetime

from isotope.domain.payments import debts
from isotope.domain.payments.debt_rules import next_try
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import list_standings
from isotope.infra.db import Tx
from isotope.kernel.ids import RiderId


async def plan_debt_collection(
    tx: Tx, operator: Operator, rider_id: RiderId, currency: str, now: datetime, *, tried: bool = False
) -> None:
    """In the transaction that makes the debt, after the wallet was posted to.

    `tried`: a card has just refused this very debt, which was the try at once.
    """
    next_at = next_try(operator.settings.payments.debt_after_min, now, now if tried else None)
    await debts.plan(tx, operator.id, rider_id, currency, now=now, step=int(tried), next_at=next_at)


async def hurry_debt_collection(tx: Tx, operator: Operator, rider_id: RiderId, now: datetime) -> None:
    """The rider saved a card: what they owe, in any currency, is tried with it."""
    for standing in await list_standings(tx, operator.id, rider_id):
        if standing.debt_minor:
            await plan_debt_collection(tx, operator, rider_id, standing.currency, now)

"""Periodic: what riders owe is taken from their cards, by each operator's schedule."""

import asyncio
from datetime import datetime
from typing import Final
from uuid import uuid4

import structlog

from isotope.domain.payments import debts
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.debt_rules import next_try
from isotope.domain.payments.debts import LEASE, DebtCollection
from isotope.domain.payments.model import CardCall, Purpose
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import MAX_AMOUNT_MINOR, lock_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId

BATCH: Final = 50
AT_ONCE: Final = 4
# Money that is on its way already: look again when it has come, or has not.
ON_ITS_WAY: Final = (Purpose.DEBT, Purpose.AUTO_TOP_UP)

_log = structlog.get_logger(__name__)


async def collect_debts(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """How many debts were looked at. Safe to run twice; bounded: what is left over is done at the next run.

    A debt that a top-up pays while the card is being asked is paid twice, and the second time is balance
    (`credit_entries`): nothing is lost, and the rider can spend it.
    """
    if not cards.are_taken:
        return 0
    async with rt.db.write() as tx:
        due = await debts.claim_due(tx, rt.clock.now(), BATCH)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(debt: DebtCollection) -> None:
        async with slots:
            try:
                await collect_debt(rt, cards, await operators.get(debt.operator_id), debt.rider_id, debt.currency)
            except Refusal as no:
                _log.warning("debts.not_tried", code=no.code)

    await asyncio.gather(*(one(debt) for debt in due))
    return len(due)


async def collect_debt(rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, currency: str) -> None:
    """One try, whether it is due or not: decided, done, recorded."""
    async with rt.db.write() as tx:
        call = await _decide(tx, cards, operator, rider_id, currency, rt.clock.now())
    if call is not None:
        await carry_out(rt, cards, operator, call)


async def _decide(
    tx: Tx, cards: Cards, operator: Operator, rider_id: RiderId, currency: str, now: datetime
) -> CardCall | None:
    await debts.lock_rider(tx, operator.id, rider_id)
    standing = await lock_standing(tx, operator.id, rider_id, currency)
    found = await debts.find(tx, operator.id, rider_id, currency)
    if found is None:
        return None
    if standing.debt_minor == 0:
        await debts.end(tx, operator.id, rider_id, currency)
        return None
    if await debts.find_incoming(tx, operator.id, rider_id, ON_ITS_WAY) is not None:
        await debts.set_next(tx, found, step=found.step, next_at=now + LEASE)
        return None
    card = await debts.find_card_to_charge(tx, operator.id, rider_id, cards.get_provider().name)
    if card is None:
        await debts.set_next(tx, found, step=found.step, next_at=None)
        return None
    next_at = next_try(operator.settings.payments.debt_after_min, found.since_at, now)
    await debts.set_next(tx, found, step=found.step + 1, next_at=next_at)
    _payment, call = await open_payment(
        tx,
        OpenPayment(
            card=card,
            purpose=Purpose.DEBT,
            cause=debt_cause(rider_id, currency),
            currency=currency,
            amount_minor=min(standing.debt_minor, MAX_AMOUNT_MINOR),
            reserve=False,
            actor=SYSTEM,
            now=now,
        ),
    )
    return call


def debt_cause(rider_id: RiderId, currency: str) -> str:
    """Of one payment of a debt; each has its own."""
    return f"debt:{rider_id}:{currency}:{uuid4().hex}"

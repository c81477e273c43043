"""Money that is charged by itself: looked for when something was spent, done by a job of the same transaction."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

import structlog

from isotope.domain.payments import auto_topups, debts, queries
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.model import Card, CardCall, Purpose
from isotope.domain.payments.topup_rules import TopUpFacts, WhyNot, why_no_top_up
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.collect_debts import ON_ITS_WAY
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import get_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId

JOB: Final = "auto_topup"

# A charge that is not decided yet is looked at again so often, for two hours.
LOOK_AGAIN: Final = timedelta(minutes=1)
MOST_LOOKS: Final = 120

_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpByItself:
    """`cause` is what was spent for (`ride:12`): one cause tops up once.

    `spending_minor` is what running rides have cost so far and will take of bonus and balance.
    """

    operator: Operator
    rider_id: RiderId
    currency: str
    cause: str
    spending_minor: int = 0


async def after_spending(
    tx: Tx, rt: Runtime, operator: Operator, rider_id: RiderId, currency: str, cause: str, *, skip: bool = False
) -> None:
    """In the transaction that spent from the wallet, after the posting: the job comes with it, or not at all."""
    wanted = None if skip else await auto_topups.find(tx, operator.id, rider_id, currency)
    if wanted is None or not wanted.is_on or wanted.suspended_at is not None:
        return
    if (await get_standing(tx, operator.id, rider_id, currency)).balance_minor < wanted.threshold_minor:
        await _defer(tx, rt, TopUpByItself(operator=operator, rider_id=rider_id, currency=currency, cause=cause), 0)


async def _defer(tx: Tx, rt: Runtime, what: TopUpByItself, look: int, at: datetime | None = None) -> None:
    await rt.jobs.defer(
        tx,
        JOB,
        at=at,
        operator_id=what.operator.id,
        rider_id=what.rider_id,
        currency=what.currency,
        cause=what.cause,
        look=look,
    )


async def auto_topup(rt: Runtime, cards: Cards, what: TopUpByItself, look: int = 0) -> None:
    """The job: charge the card if that is still wanted. Safe to run twice: a cause has one payment.

    A refused charge suspends further ones (`follow_top_up`); an unclear one is found out by the worker, and until then
    nothing else is charged: this looks again. `look` counts how often.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        decided = await decide_top_up(tx, cards, what, now)
        if decided == "on_its_way" and look < MOST_LOOKS:
            await _defer(tx, rt, what, look + 1, now + LOOK_AGAIN)
    if isinstance(decided, CardCall):
        await carry_out(rt, cards, what.operator, decided)
    else:
        _log.info("auto_topup.not_now", why=decided)


async def decide_top_up(
    tx: Tx, cards: Cards, what: TopUpByItself, now: datetime
) -> CardCall | WhyNot | Literal["done_before"]:
    """The call to carry out after the commit, or why none is made. Locks the rider: first of all locks."""
    operator, rider_id = what.operator, what.rider_id
    await debts.lock_rider(tx, operator.id, rider_id)
    cause = f"auto_top_up:{what.cause}"
    if await queries.list_payments(tx, operator.id, cause):
        return "done_before"
    why_not, card, amount_minor = await _look(
        tx, cards, operator.id, rider_id, what.currency, spending_minor=what.spending_minor, skip=False
    )
    if why_not is not None or card is None:
        return why_not or "no_card"
    _payment, call = await open_payment(
        tx,
        OpenPayment(
            card=card,
            purpose=Purpose.AUTO_TOP_UP,
            cause=cause,
            currency=what.currency,
            amount_minor=amount_minor,
            reserve=False,
            actor=SYSTEM,
            now=now,
        ),
    )
    return call


async def wants_auto_topup(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> bool:
    """Whether the rider wants automatic top-ups and no card has refused: one index read."""
    wanted = await auto_topups.find(tx, operator_id, rider_id, currency)
    return wanted is not None and wanted.is_on and wanted.suspended_at is None


@dataclass(frozen=True, slots=True)
class TopUpLook:
    """Why no automatic top-up is made now (None: one would be), and below which balance the rider wants one."""

    why_not: WhyNot | None
    threshold_minor: int


async def look_at_top_up(
    tx: Tx,
    cards: Cards,
    operator_id: OperatorId,
    rider_id: RiderId,
    currency: str,
    *,
    spending_minor: int = 0,
    skip: bool = False,
) -> TopUpLook:
    """For who watches a running ride."""
    wanted = await auto_topups.find(tx, operator_id, rider_id, currency)
    why_not, _card, _amount = await _look(
        tx, cards, operator_id, rider_id, currency, spending_minor=spending_minor, skip=skip
    )
    return TopUpLook(why_not, 0 if wanted is None else wanted.threshold_minor)


async def _look(
    tx: Tx,
    cards: Cards,
    operator_id: OperatorId,
    rider_id: RiderId,
    currency: str,
    *,
    spending_minor: int,
    skip: bool,
) -> tuple[WhyNot | None, Card | None, int]:
    # What is open is read first: a refusal that is recorded in between is then seen as a suspension, or as both.
    incoming = await debts.find_incoming(tx, operator_id, rider_id, ON_ITS_WAY)
    wanted = await auto_topups.find(tx, operator_id, rider_id, currency)
    if wanted is None:
        return "off", None, 0
    standing = await get_standing(tx, operator_id, rider_id, currency)
    card = (
        None
        if cards.provider is None
        else await debts.find_card_to_charge(tx, operator_id, rider_id, cards.provider.name, wanted.card_id)
    )
    facts = TopUpFacts(
        wanted=wanted,
        balance_minor=standing.balance_minor - max(0, spending_minor - standing.bonus_minor),
        on_its_way=incoming is not None,
        has_card=card is not None,
        skip=skip,
    )
    return why_no_top_up(facts), card, wanted.amount_minor


async def is_topping_up(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    """Whether money is on its way from a card into the rider's wallet: the app may wait for it."""
    purposes = (Purpose.TOP_UP, Purpose.AUTO_TOP_UP, Purpose.DEBT)
    return await debts.find_incoming(tx, operator_id, rider_id, purposes) is not None

"""Periodic: periods that are over are followed by the next, or by the end."""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.payments import CardCall, Cards, carry_out, find_usable_card
from isotope.domain.subscriptions import paying, plans, queries, renewal_rules, store
from isotope.domain.subscriptions.model import Subscription, SubscriptionId
from isotope.domain.subscriptions.receipts import tax_of
from isotope.domain.subscriptions.renewal_rules import Todo
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import lock_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.ids import RiderId

BATCH: Final = 50
AT_ONCE: Final = 4

_log = structlog.get_logger(__name__)


async def renew_subscriptions(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """How many subscriptions were looked at. Safe to run twice; bounded: what is left over is done at the next run."""
    async with rt.db.write() as tx:
        due = await store.claim_due(tx, rt.clock.now(), BATCH)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(subscription: Subscription) -> None:
        async with slots:
            try:
                operator = await operators.get(subscription.operator_id)
                await renew_subscription(rt, cards, operator, subscription.rider_id, subscription.id)
            except Refusal as no:
                _log.warning("subscriptions.not_renewed", subscription=subscription.id, code=no.code)
            except Exception:  # noqa: BLE001 - a bug about one must not keep the others waiting
                _log.exception("subscriptions.renewal_failed", subscription=subscription.id)

    await asyncio.gather(*(one(subscription) for subscription in due))
    return len(due)


async def renew_subscription(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, subscription_id: SubscriptionId
) -> None:
    """One subscription: renewed, tried again later, ended, or left as it is. Safe at the same time: one charge."""
    async with rt.db.write() as tx:
        call = await _decide(tx, rt, cards, operator, rider_id, subscription_id)
    if call is not None:
        await carry_out(rt, cards, operator, call)


async def _decide(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, subscription_id: SubscriptionId
) -> CardCall | None:
    now = rt.clock.now()
    rider_stays = await _rider_stays(tx, operator, rider_id)
    subscription = await store.lock_subscription(tx, operator.id, subscription_id)
    if subscription is None:
        raise LookupError(f"subscription {subscription_id} is gone")
    plan = await plans.get_plan(tx, operator.id, subscription.plan_id)
    pending = await queries.find_pending_period(tx, subscription)
    todo = renewal_rules.what_to_do(subscription, plan, now, rider_stays=rider_stays, card_is_asked=pending is not None)
    paid = await queries.find_paid_period(tx, subscription)
    if todo is Todo.NOTHING or paid is None or subscription.period_end is None:
        await store.set_next(tx, subscription, None)
        return None
    if todo is Todo.WAIT:
        await store.set_next(tx, subscription, subscription.period_end)
        return None
    if todo is not Todo.RENEW:
        if todo is Todo.END_AND_TELL:
            await paying.tell(tx, rt, operator, subscription, "subscription_plan_ended", paid.title)
        await store.set_ended(tx, subscription, now)
        return None
    notice = timedelta(days=operator.settings.subscriptions.notice_days)
    title, spec = renewal_rules.terms_of_renewal(subscription, plan, paid, subscription.period_end, notice)
    what = paying.OpenPeriod(
        operator=operator,
        subscription=subscription,
        title=title,
        spec=spec,
        card=await find_usable_card(tx, cards, operator.id, rider_id, subscription.card_id),
        actor=SYSTEM,
        now=now,
    )
    if code := await _why_not(tx, what):
        await paying.note_unpaid(tx, rt, operator, subscription, title, code, now)
        return None
    _subscription, _period, call = await paying.open_period(tx, rt, what)
    return call


async def _why_not(tx: Tx, what: paying.OpenPeriod) -> str | None:
    """Why no card need be asked, in the code of the refusal that buying would answer."""
    operator, subscription = what.operator, what.subscription
    if subscription.card_id is not None and what.card is None:
        return "card_not_found"
    standing = await lock_standing(tx, operator.id, subscription.rider_id, operator.currency)
    if standing.debt_minor:
        return "debt_open"
    if what.card is None and paying.spendable_minor(operator, standing) < tax_of(what.spec).gross_minor:
        return "subscription_unaffordable"
    return None


async def _rider_stays(tx: Tx, operator: Operator, rider_id: RiderId) -> bool:
    try:
        return await store.lock_rider(tx, operator.id, rider_id)
    except Refusal as no:
        if no.kind is not Kind.NOT_FOUND:
            raise
        return False

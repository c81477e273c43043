"""Periodic: riders whose plan has other terms than they know are told, long before these count for them."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.domain.subscriptions import paying, plans, queries, renewal_rules, store
from isotope.domain.subscriptions.model import Subscription
from isotope.domain.subscriptions.receipts import tax_of
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.money import Money

BATCH: Final = 50
MOST_BATCHES: Final = 20


async def tell_new_terms(rt: Runtime, operators: Operators) -> int:
    """How many were looked at. Safe to run twice; bounded: what is left over is done at the next run."""
    looked = 0
    for _batch in range(MOST_BATCHES):
        async with rt.db.read() as tx:
            found = await queries.list_untold(tx, BATCH)
        for one in found:
            operator = await operators.get(one.operator_id)
            async with rt.db.write() as tx:
                await _tell(tx, rt, operator, one)
        looked += len(found)
        if len(found) < BATCH:
            break
    return looked


async def _tell(tx: Tx, rt: Runtime, operator: Operator, seen: Subscription) -> None:
    now = rt.clock.now()
    subscription = await store.lock_subscription(tx, operator.id, seen.id)
    if subscription is None or subscription.told_version != seen.told_version or subscription.period_end is None:
        return
    plan = await plans.get_plan(tx, operator.id, subscription.plan_id)
    paid = await queries.find_paid_period(tx, subscription)
    if paid is not None and (paid.title, paid.spec) != (plan.title, plan.spec):
        notice = timedelta(days=operator.settings.subscriptions.notice_days)
        begins_at = renewal_rules.new_terms_begin_at(subscription.period_end, paid.spec.length, now, notice)
        await paying.tell(
            tx,
            rt,
            operator,
            subscription,
            "subscription_new_terms",
            plan.title,
            price=Money(tax_of(plan.spec).gross_minor, operator.currency).text(),
            days=plan.spec.days,
            date=_date(operator, begins_at),
        )
    await store.set_told(tx, subscription, plan, now)


def _date(operator: Operator, at: datetime) -> str:
    return at.astimezone(ZoneInfo(operator.time_zone)).date().isoformat()

"""A rider's subscriptions as they are now."""

from datetime import datetime, timedelta

import msgspec

from isotope.domain.payments import CardPayment, Cards, PaymentStatus, ask_now, list_payments
from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions import errors, queries, renewal_rules
from isotope.domain.subscriptions.model import (
    Period,
    PeriodStatus,
    Plan,
    PlanSpec,
    Subscription,
    SubscriptionId,
    SubscriptionStatus,
)
from isotope.domain.subscriptions.receipts import tax_of
from isotope.domain.subscriptions.windows import Window, quota_left, window_at
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


class SubscriptionView(msgspec.Struct, frozen=True, kw_only=True):
    """A subscription with what is left of it.

    Attributes:
        period: the one that was paid last; before the first payment, the one that is being paid or was not.
        left: of the quota in the running window; nothing outside of a paid period.
        window: the running one.
        payment: the card payment that is awaited.
        renews_at: when the next period is bought; None: it ends.
        renewal_minor: what that will cost as far as is known now.
    """

    subscription: Subscription
    period: Period
    left: Quota
    window: Window | None
    payment: CardPayment | None
    renews_at: datetime | None
    renewal_minor: int | None

    @property
    def spec(self) -> PlanSpec:
        return self.period.spec


async def read_subscriptions(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId
) -> list[SubscriptionView]:
    """The rider's own, those that are not over first. A payment that the rider has confirmed is known of here at once."""
    return await _read(rt, cards, operator, rider_id, None)


async def read_subscription(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, subscription_id: SubscriptionId
) -> SubscriptionView:
    """One of them.

    Raises:
        Refusal: `subscription_not_found`, also for one of somebody else.
    """
    found = await _read(rt, cards, operator, rider_id, subscription_id)
    if not found:
        raise errors.subscription_not_found()
    return found[0]


async def _read(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, subscription_id: SubscriptionId | None
) -> list[SubscriptionView]:
    views = await look_at_subscriptions(rt, operator, rider_id, subscription_id)
    waiting = [view.payment for view in views if view.payment is not None]
    if not any(payment.status is PaymentStatus.ACTION_REQUIRED for payment in waiting):
        return views
    for payment in waiting:
        await ask_now(rt, cards, operator, payment)
    return await look_at_subscriptions(rt, operator, rider_id, subscription_id)


async def look_at_subscriptions(
    rt: Runtime, operator: Operator, rider_id: RiderId, subscription_id: SubscriptionId | None = None
) -> list[SubscriptionView]:
    """As `read_subscriptions`, without asking any provider; of one only if it is named."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        found = await queries.list_subscriptions(tx, operator.id, rider_id, subscription_id)
        ids = [one.id for one in found]
        periods = await queries.list_newest_periods(tx, operator.id, ids)
        known = await queries.list_plans_of(tx, operator.id, [one.plan_id for one in found])
        shown = {one.id: _period_of(one, periods) for one in found}
        windows = {one.id: _window(one, shown[one.id], now) for one in found}
        used = await queries.list_used(
            tx, operator.id, [(key, window) for key, window in windows.items() if window is not None]
        )
        views = []
        for one in found:
            period, window = shown[one.id], windows[one.id]
            renews_at, renewal_minor = _renewal(one, period, known[one.plan_id], operator)
            views.append(
                SubscriptionView(
                    subscription=one,
                    period=period,
                    left=Quota() if window is None else quota_left(period.spec.quota, used.get(one.id, Quota())),
                    window=window,
                    payment=await _payment(tx, operator, one, periods),
                    renews_at=renews_at,
                    renewal_minor=renewal_minor,
                )
            )
    return views


def _period_of(subscription: Subscription, periods: list[Period]) -> Period:
    own = [period for period in periods if period.subscription_id == subscription.id]
    paid = [period for period in own if period.status is PeriodStatus.PAID]
    return (paid or own)[-1]


def _window(subscription: Subscription, period: Period, now: datetime) -> Window | None:
    if subscription.status is not SubscriptionStatus.ACTIVE or period.starts_at is None or period.ends_at is None:
        return None
    return window_at(period.spec.limits, period.starts_at, period.ends_at, now)


async def _payment(tx: Tx, operator: Operator, subscription: Subscription, periods: list[Period]) -> CardPayment | None:
    """At most one card is asked for a subscription, and of a rider's few are asked for any."""
    for period in periods:
        if period.subscription_id == subscription.id and period.status is PeriodStatus.PENDING:
            found = await list_payments(tx, operator.id, period.cause)
            return found[-1] if found else None
    return None


def _renewal(
    subscription: Subscription, period: Period, plan: Plan, operator: Operator
) -> tuple[datetime | None, int | None]:
    is_on = subscription.is_live and subscription.renews and plan.retired_at is None and plan.spec.renews
    if not is_on or subscription.period_end is None:
        return None, None
    notice = timedelta(days=operator.settings.subscriptions.notice_days)
    _title, spec = renewal_rules.terms_of_renewal(subscription, plan, period, subscription.period_end, notice)
    return subscription.next_at, tax_of(spec).gross_minor

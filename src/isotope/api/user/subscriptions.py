"""Subscriptions: what can be bought, what a rider bought, and what is left of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.subscription_types import (
    BuySubscriptionRequest,
    CancelSubscriptionRequest,
    Quota,
    Subscription,
    SubscriptionPlan,
    SubscriptionPlans,
    SubscriptionPlansRequest,
    Subscriptions,
)
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.api.user_types import UserRequest
from isotope.domain import pricing, subscriptions
from isotope.domain.fleet import list_models, model_not_found
from isotope.domain.payments import CARD_PREFIX, WALLET, PaymentStatus
from isotope.kernel.errors import Kind
from isotope.kernel.money import to_decimal

_QUOTA: Final = {"unlocks": 2, "ride_minutes": 30, "pause_minutes": 0, "km": 0}
_PLAN: Final = {
    "plan_id": 1,
    "title": "Commuter",
    "description": "Two rides of 15 minutes on every day.",
    "price": 29.9,
    "currency_code": "EUR",
    "days": 30,
    "limits": "DAILY",
    "quota": _QUOTA,
    "discount_percent": 20,
    "model_ids": [],
    "renews": True,
}
_SUBSCRIPTION: Final = {
    "subscription_id": 17,
    "plan_id": 1,
    "title": "Commuter",
    "status": "ACTIVE",
    "is_usable": True,
    "reason": None,
    "redirect_url": None,
    "price": 29.9,
    "currency_code": "EUR",
    "payment_method_id": "card_12",
    "bought_at": 1_780_000_000,
    "period_start": 1_780_000_000,
    "period_end": 1_782_592_000,
    "limits": "DAILY",
    "quota": _QUOTA,
    "quota_left": {**_QUOTA, "unlocks": 1, "ride_minutes": 18},
    "resets_at": 1_780_086_400,
    "discount_percent": 20,
    "model_ids": [],
    "renews": True,
    "renews_at": 1_782_592_000,
    "renewal_price": 29.9,
    "cancelled_at": None,
}


@operation(
    id="get_subscription_plans",
    tag=TAG,
    title="Get subscription plans",
    method="POST",
    path=f"{BASE}/get-subscription-plans",
    auth=Auth.PUBLIC_AND_CALLER,
    request=SubscriptionPlansRequest,
    response=SubscriptionPlans,
    refusals=(NO_RIDER, (Kind.NOT_FOUND, "model_not_found")),
    response_example={"plans": [_PLAN]},
)
async def get_subscription_plans(call: Call[SubscriptionPlansRequest]) -> SubscriptionPlans:
    """What can be bought: so much free riding in a day or in a period, and per cent off the rest.

    With `model_id` only what is for rides on such vehicles.
    """
    async with call.services.rt.db.read() as tx:
        models = {model.ref: model.id for model in await list_models(tx, call.operator.id)}
        ref = next((ref for ref, model_id in models.items() if model_id == call.body.model_id), None)
        if call.body.model_id is not None and ref is None:
            raise model_not_found()
        plans = await subscriptions.list_plans(tx, call.operator.id, ref)
    return SubscriptionPlans(plans=[_shown_plan(call, plan, models) for plan in plans])


@operation(
    id="buy_subscription",
    tag=TAG,
    title="Buy subscription",
    method="POST",
    path=f"{BASE}/buy-subscription",
    auth=Auth.PUBLIC_AND_CALLER,
    request=BuySubscriptionRequest,
    response=Subscription,
    refusals=(
        NO_RIDER,
        (Kind.NOT_FOUND, "plan_not_found"),
        (Kind.NOT_FOUND, "card_not_found"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.PAYMENT, "subscription_unaffordable"),
        (Kind.CONFLICT, "cards_unavailable"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "subscription_running"),
        (Kind.CONFLICT, "unknown_payment_method"),
    ),
    request_example={"plan_id": 1, "payment_method_id": "wallet"},
    response_example=_SUBSCRIPTION,
    idempotent=True,
)
async def buy_subscription(call: Call[BuySubscriptionRequest]) -> Subscription:
    """Pay the first period of a plan. It can be used from the moment in which it is paid, and is never bought on debt.

    The balance is spent first (bonus too, where the operator lets it), then the card. The bank may want the rider to
    confirm: then it is `PENDING`, open `redirect_url` and ask `get-subscriptions` when the rider is back. A subscription
    that is `PAST_DUE` is paid by this call, and from then on with this method.
    """
    view = await subscriptions.buy_subscription(
        call.services.rt,
        call.services.cards,
        subscriptions.BuySubscription(
            operator=call.operator,
            rider_id=call.rider_id(),
            plan_id=call.body.plan_id,
            actor=call.actor,
            method_id=call.body.payment_method_id,
            return_url=call.services.cards.done_url,
        ),
    )
    return (await _shown(call, [view]))[0]


@operation(
    id="get_subscriptions",
    tag=TAG,
    title="Get subscriptions",
    method="POST",
    path=f"{BASE}/get-subscriptions",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserRequest,
    response=Subscriptions,
    refusals=(NO_RIDER,),
    response_example={"subscriptions": [_SUBSCRIPTION]},
)
async def get_subscriptions(call: Call[UserRequest]) -> Subscriptions:
    """What the rider bought, what is left of it now, and when it is renewed for how much.

    A ride uses what was left when it began, of the subscription that was bought first. A payment that the rider has
    confirmed is known of here at once.
    """
    found = await subscriptions.read_subscriptions(
        call.services.rt, call.services.cards, call.operator, call.rider_id()
    )
    return Subscriptions(subscriptions=await _shown(call, found))


@operation(
    id="cancel_subscription",
    tag=TAG,
    title="Cancel subscription",
    method="POST",
    path=f"{BASE}/cancel-subscription",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CancelSubscriptionRequest,
    response=Subscription,
    refusals=(NO_RIDER, (Kind.NOT_FOUND, "subscription_not_found")),
    request_example={"subscription_id": 17},
    response_example={**_SUBSCRIPTION, "renews": False, "renews_at": None, "renewal_price": None},
    idempotent=True,
)
async def cancel_subscription(call: Call[CancelSubscriptionRequest]) -> Subscription:
    """No further period is paid; it can be used to the end of the one that is. Cancelling again is answered the same."""
    rt, operator, rider_id = call.services.rt, call.operator, call.rider_id()
    cancelled = await subscriptions.cancel_subscription(
        rt,
        subscriptions.CancelSubscription(
            operator=operator, rider_id=rider_id, subscription_id=call.body.subscription_id
        ),
    )
    view = await subscriptions.read_subscription(rt, call.services.cards, operator, rider_id, cancelled)
    return (await _shown(call, [view]))[0]


async def _shown(call: Call[Any], views: Sequence[subscriptions.SubscriptionView]) -> list[Subscription]:
    async with call.services.rt.db.glance() as tx:
        models = {model.ref: int(model.id) for model in await list_models(tx, call.operator.id)}
    return [_shown_one(view, models) for view in views]


def _shown_one(view: subscriptions.SubscriptionView, models: dict[str, int]) -> Subscription:
    one, period, spec = view.subscription, view.period, view.spec
    waits = view.payment is not None and view.payment.status is PaymentStatus.ACTION_REQUIRED
    is_daily_again = view.window is not None and view.window.end != period.ends_at
    return Subscription(
        subscription_id=one.id,
        plan_id=one.plan_id,
        title=period.title,
        status=one.status.value,
        is_usable=view.window is not None,
        reason=one.failed_code,
        redirect_url=view.payment.redirect_url if view.payment is not None and waits else None,
        price=to_decimal(period.total_minor, period.currency),
        currency_code=period.currency,
        payment_method_id=WALLET if one.card_id is None else f"{CARD_PREFIX}{one.card_id}",
        bought_at=_unix(one.bought_at),
        period_start=_unix(one.period_start),
        period_end=_unix(one.period_end),
        limits="DAILY" if spec.limits == "daily" else "WHOLE",
        quota=_quota(spec.quota),
        quota_left=_quota(view.left),
        resets_at=_unix(view.window.end) if view.window is not None and is_daily_again else None,
        discount_percent=spec.pct,
        model_ids=_model_ids(spec, models),
        renews=one.renews and one.is_live,
        renews_at=_unix(view.renews_at),
        renewal_price=None if view.renewal_minor is None else to_decimal(view.renewal_minor, period.currency),
        cancelled_at=_unix(one.cancelled_at),
    )


def _shown_plan(
    call: Call[SubscriptionPlansRequest], plan: subscriptions.Plan, models: dict[str, Any]
) -> SubscriptionPlan:
    spec, currency = plan.spec, call.operator.currency
    return SubscriptionPlan(
        plan_id=plan.id,
        title=plan.title,
        description=spec.description,
        price=to_decimal(subscriptions.tax_of(spec).gross_minor, currency),
        currency_code=currency,
        days=spec.days,
        limits="DAILY" if spec.limits == "daily" else "WHOLE",
        quota=_quota(spec.quota),
        discount_percent=spec.pct,
        model_ids=_model_ids(spec, models),
        renews=spec.renews,
    )


def _quota(quota: pricing.Quota) -> Quota:
    return Quota(unlocks=quota.unlocks, ride_minutes=quota.ride_min, pause_minutes=quota.pause_min, km=quota.km)


def _model_ids(spec: subscriptions.PlanSpec, models: dict[str, int]) -> list[int]:
    return [models[ref] for ref in spec.models if ref in models]


def _unix(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())

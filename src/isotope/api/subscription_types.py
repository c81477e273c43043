"""Requests and answers of the section User that are about subscriptions."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, UserId
from isotope.api.money_types import CardMethodId, Currency, Unix
from isotope.api.user_types import Amount, UserRequest

_Limits = Literal["DAILY", "WHOLE"]


class SubscriptionPlansRequest(UserRequest, frozen=True, kw_only=True):
    """For which vehicles."""

    model_id: Annotated[Id | None, Meta(description="A model of vehicles; null: all plans.")] = None


class BuySubscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What, and what pays it."""

    user_id: UserId = None
    plan_id: Annotated[Id, Meta(description="Of `get-subscription-plans`.")]
    payment_method_id: Annotated[
        CardMethodId | None,
        Meta(
            description="`wallet`, or a card of `get-user-payment-methods`, which pays what the wallet does not cover. "
            "Null: what pays the rider's rides. Renewals are paid the same way.",
            examples=["card_12"],
        ),
    ] = None


class CancelSubscriptionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which one."""

    user_id: UserId = None
    subscription_id: Annotated[Id, Meta(description="Of `get-subscriptions`.")]


class Quota(msgspec.Struct, frozen=True, kw_only=True):
    """So much is free of charge."""

    unlocks: int
    ride_minutes: int
    pause_minutes: int
    km: int


class SubscriptionPlan(msgspec.Struct, frozen=True, kw_only=True):
    """What can be bought."""

    plan_id: int
    title: str
    description: str
    price: Annotated[Amount, Meta(description="For one period, tax included.")]
    currency_code: Currency
    days: Annotated[int, Meta(description="Length of a period, each day of 24 hours.")]
    limits: Annotated[
        _Limits, Meta(description="`DAILY`: the quota comes back every 24 hours after the purchase. `WHOLE`: never.")
    ]
    quota: Quota
    discount_percent: Annotated[int, Meta(description="Off the ride price that the quota does not cover.")]
    model_ids: Annotated[list[int], Meta(description="Vehicle models that it is for; empty: all.")]
    renews: Annotated[bool, Meta(description="Bought again at the end of a period, until it is cancelled.")]


class SubscriptionPlans(msgspec.Struct, frozen=True, kw_only=True):
    """What can be bought, the cheapest first."""

    plans: list[SubscriptionPlan]


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider bought, and what is left of it."""

    subscription_id: int
    plan_id: int
    title: str
    status: Annotated[
        Literal["PENDING", "ACTIVE", "PAST_DUE", "ENDED", "FAILED"],
        Meta(
            description="`PENDING`: the card is being asked; open `redirect_url` if there is one, then ask "
            "`get-subscriptions`. `ACTIVE`: paid. `PAST_DUE`: a renewal was not paid; it is tried again, and can be paid "
            "with `buy-subscription`. `ENDED`: it is over. `FAILED`: it was never paid."
        ),
    ]
    is_usable: Annotated[bool, Meta(description="Whether a ride that starts now uses it.")]
    reason: Annotated[str | None, Meta(description="Why the last payment failed: the code of a refusal or of a card.")]
    redirect_url: Annotated[str | None, Meta(description="The bank's page, on which the rider confirms the payment.")]
    price: Annotated[Amount, Meta(description="Of this period, tax included.")]
    currency_code: Currency
    payment_method_id: str
    bought_at: Unix | None
    period_start: Unix | None
    period_end: Annotated[Unix | None, Meta(description="From then on it is renewed, or over.")]
    limits: _Limits
    quota: Quota
    quota_left: Annotated[Quota, Meta(description="Until `resets_at`; nothing while it cannot be used.")]
    resets_at: Annotated[Unix | None, Meta(description="When the quota comes back; null: not within this period.")]
    discount_percent: Annotated[int, Meta(description="Off the ride price that the quota does not cover.")]
    model_ids: Annotated[list[int], Meta(description="Vehicle models that it is for; empty: all.")]
    renews: bool
    renews_at: Annotated[Unix | None, Meta(description="When the next payment is tried; null: none is.")]
    renewal_price: Annotated[Amount | None, Meta(description="What it costs then, as far as is known.")]
    cancelled_at: Unix | None


class Subscriptions(msgspec.Struct, frozen=True, kw_only=True):
    """A rider's own: those that are not over first, then the newest; a hundred at most."""

    subscriptions: list[Subscription]

"""Room: subscriptions. Plans that riders buy: so much free or cheaper riding, renewed until they end it."""

from isotope.domain.subscriptions.model import (
    Period,
    Plan,
    PlanDraft,
    PlanId,
    PlanSpec,
    Subscription,
    SubscriptionId,
    SubscriptionStatus,
)
from isotope.domain.subscriptions.plans import find_plan, list_plans, retire_plans, upsert_plan
from isotope.domain.subscriptions.quotas import find_subscription, list_quotas_left, lock_quota_left, use_quota
from isotope.domain.subscriptions.receipts import tax_of
from isotope.domain.subscriptions.usecases.buy_subscription import BuySubscription, buy_subscription
from isotope.domain.subscriptions.usecases.cancel_subscription import CancelSubscription, cancel_subscription
from isotope.domain.subscriptions.usecases.end_subscriptions import end_subscriptions
from isotope.domain.subscriptions.usecases.read_subscriptions import (
    SubscriptionView,
    read_subscription,
    read_subscriptions,
)
from isotope.domain.subscriptions.usecases.record_subscription_answer import record_subscription_answer
from isotope.domain.subscriptions.usecases.renew_subscriptions import renew_subscription, renew_subscriptions
from isotope.domain.subscriptions.usecases.tell_new_terms import tell_new_terms

__all__ = [
    "BuySubscription",
    "CancelSubscription",
    "Period",
    "Plan",
    "PlanDraft",
    "PlanId",
    "PlanSpec",
    "Subscription",
    "SubscriptionId",
    "SubscriptionStatus",
    "SubscriptionView",
    "buy_subscription",
    "cancel_subscription",
    "end_subscriptions",
    "find_plan",
    "find_subscription",
    "list_plans",
    "list_quotas_left",
    "lock_quota_left",
    "read_subscription",
    "read_subscriptions",
    "record_subscription_answer",
    "renew_subscription",
    "renew_subscriptions",
    "retire_plans",
    "tax_of",
    "tell_new_terms",
    "upsert_plan",
    "use_quota",
]

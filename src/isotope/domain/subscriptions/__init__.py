"""Room: subscriptions. Plans that riders buy: so much free or cheaper riding, renewed until they end it."""

from isotope.domain.subscriptions.model import Plan, PlanDraft, PlanSpec, Subscription, SubscriptionStatus
from isotope.domain.subscriptions.quotas import find_subscription, lock_quota_left, use_quota

__all__ = [
    "Plan",
    "PlanDraft",
    "PlanSpec",
    "Subscription",
    "SubscriptionStatus",
    "find_subscription",
    "lock_quota_left",
    "use_quota",
]

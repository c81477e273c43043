"""Rows to nouns."""

from typing import Any, Final

import msgspec

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions.model import (
    Period,
    PeriodStatus,
    Plan,
    PlanSpec,
    Subscription,
    SubscriptionStatus,
)

PLAN_COLUMNS: Final = "operator_id, id, ref, title, spec, version, retired_at"
SUBSCRIPTION_COLUMNS: Final = """
    operator_id, id, rider_id, plan_id, status, card_id, renews, requested_at, bought_at, period_nr, period_start,
    period_end, next_at, tries, failed_code, told_version, told_at, cancelled_at, ended_at
"""
PERIOD_COLUMNS: Final = """
    operator_id, id, subscription_id, nr, title, spec, status, currency, total_minor, tax_minor, charged_bonus_minor,
    charged_balance_minor, charged_card_minor, card_pending_minor, code, actor, opened_at, settled_at, starts_at, ends_at
"""
QUOTA_COLUMNS: Final = "unlocks, ride_min, pause_min, km"


def plan_row(*, spec: Any, **columns: Any) -> Plan:
    return Plan(spec=spec_of(spec), **columns)


def subscription_row(*, status: str, **columns: Any) -> Subscription:
    return Subscription(status=SubscriptionStatus(status), **columns)


def period_row(*, spec: Any, status: str, **columns: Any) -> Period:
    return Period(spec=spec_of(spec), status=PeriodStatus(status), **columns)


def quota_row(*, unlocks: int | None, ride_min: int | None, pause_min: int | None, km: int | None) -> Quota:
    """Of a left join too: nothing was used where there is no row."""
    return Quota(unlocks=unlocks or 0, ride_min=ride_min or 0, pause_min=pause_min or 0, km=km or 0)


def spec_of(spec: Any) -> PlanSpec:
    return msgspec.convert(spec, PlanSpec)

"""The noes of subscriptions."""

from datetime import datetime

from isotope.kernel.errors import Kind, Refusal
from isotope.kernel.money import Money


def plan_not_found() -> Refusal:
    """The operator has no such plan, or offers it no more."""
    return Refusal(Kind.NOT_FOUND, "plan_not_found")


def subscription_not_found() -> Refusal:
    """The rider has no such subscription."""
    return Refusal(Kind.NOT_FOUND, "subscription_not_found")


def subscription_running(subscription_id: int, until: datetime | None) -> Refusal:
    """One of this plan is paid already; `until` is the end of its period."""
    return Refusal(
        Kind.CONFLICT,
        "subscription_running",
        details={
            "subscription_id": subscription_id,
            "period_end": None if until is None else int(until.timestamp()),
        },
    )


def subscription_unaffordable(has: Money, needs: Money) -> Refusal:
    """The wallet does not cover the price, and a subscription is never bought on debt."""
    return Refusal(
        Kind.PAYMENT,
        "subscription_unaffordable",
        {"has": has.text(), "needs": needs.text()},
        {"has_minor": has.amount_minor, "needs_minor": needs.amount_minor, "currency": has.currency},
    )

"""Plans that riders buy, what they bought, and the periods that were paid."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Annotated, Literal, NewType

import msgspec
from msgspec import Meta

from isotope.domain.pricing.model import Pct, Quota, TaxRate
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RiderId

PlanId = NewType("PlanId", int)
SubscriptionId = NewType("SubscriptionId", int)
PeriodId = NewType("PeriodId", int)

Limits = Literal["daily", "whole"]


class PlanSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a plan gives and costs. This is also its JSON form in `subscription_plan.spec` and in `pricing.yaml`.

    Raises:
        ValueError: it gives nothing (as a ValidationError when converted).
    """

    price_minor: Annotated[int, Meta(ge=1, le=1_000_000_000, description="for one period")]
    days: Annotated[int, Meta(ge=1, le=3_650, description="length of a period, each of 24 hours")]
    limits: Annotated[
        Limits, Meta(description="daily: the quota comes back every 24 hours after the purchase; whole: never")
    ] = "whole"
    quota: Annotated[Quota, Meta(description="free of charge in a day, or in the whole period; 0: none of it")] = (
        Quota()
    )
    pct: Annotated[Pct, Meta(description="per cent off the ride price that the quota does not cover")] = 0
    models: Annotated[
        tuple[Annotated[str, Meta(max_length=120)], ...],
        Meta(max_length=500, description="refs of the models it is for; none: all"),
    ] = ()
    renews: Annotated[bool, Meta(description="bought again at the end of a period, until the rider cancels")] = True
    tax_rate: TaxRate = "0"
    tax_inclusive: Annotated[bool, Meta(description="the price contains the tax; otherwise it is added")] = True
    description: Annotated[str, Meta(max_length=1_000, description="what riders read")] = ""

    def __post_init__(self) -> None:
        if self.quota == Quota() and self.pct == 0:
            raise ValueError("a plan gives something: a quota, or pct above 0")

    @property
    def length(self) -> timedelta:
        """Of a period."""
        return timedelta(days=self.days)

    def fits(self, model_ref: str) -> bool:
        """Whether rides on vehicles of a model use it."""
        return not self.models or model_ref in self.models


class PlanDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as an operator describes it; `ref` is its name in the folder."""

    ref: str
    title: str
    spec: PlanSpec


class Plan(msgspec.Struct, frozen=True, kw_only=True):
    """A plan as it is now. `version` rises whenever its title or its terms change."""

    operator_id: OperatorId
    id: PlanId
    ref: str
    title: str
    spec: PlanSpec
    version: int
    retired_at: datetime | None = None


class SubscriptionStatus(StrEnum):
    """Where a subscription stands.

    PENDING   a card is asked for the first period, nothing can be used yet
    ACTIVE    its period is paid; at the end of it a renewal follows, or the end
    PAST_DUE  a renewal was not paid: nothing can be used until it is
    ENDED     it was used, and is over
    FAILED    it was never paid
    """

    PENDING = "PENDING"
    ACTIVE = "ACTIVE"
    PAST_DUE = "PAST_DUE"
    ENDED = "ENDED"
    FAILED = "FAILED"


class Subscription(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider bought.

    Attributes:
        card_id: what pays the periods; None: the wallet.
        period_nr, period_start, period_end: of the period that was paid last (0 and None before the first).
        next_at: when the worker looks at it; None while a card is being asked, and after the end.
        tries: renewals of the next period that failed; `failed_code` says why the last payment did.
        told_version, told_at: the newest version of the plan that the rider was told of, and when.
    """

    operator_id: OperatorId
    id: SubscriptionId
    rider_id: RiderId
    plan_id: PlanId
    status: SubscriptionStatus
    card_id: int | None
    renews: bool
    requested_at: datetime
    bought_at: datetime | None
    period_nr: int
    period_start: datetime | None
    period_end: datetime | None
    next_at: datetime | None
    tries: int
    failed_code: str | None
    told_version: int
    told_at: datetime
    cancelled_at: datetime | None
    ended_at: datetime | None

    @property
    def is_live(self) -> bool:
        """Whether it may still be used, now or after a payment."""
        return self.ended_at is None


class PeriodStatus(StrEnum):
    """PENDING: a card is asked for it."""

    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"


class Period(msgspec.Struct, frozen=True, kw_only=True):
    """One try to buy one period (the `nr`-th) under the terms `spec`.

    `total_minor` is what bonus, balance and card paid and what the card is still asked for; of one that FAILED
    everything was given back. `starts_at` and `ends_at` are known when it is paid; the end belongs to it no more.
    """

    operator_id: OperatorId
    id: PeriodId
    subscription_id: SubscriptionId
    nr: int
    title: str
    spec: PlanSpec
    status: PeriodStatus
    currency: str
    total_minor: int
    tax_minor: int
    charged_bonus_minor: int
    charged_balance_minor: int
    charged_card_minor: int
    card_pending_minor: int
    code: str | None
    actor: Actor
    opened_at: datetime
    settled_at: datetime | None
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def cause(self) -> str:
        """What payments, postings and receipts say."""
        return period_cause(self.id)


def period_cause(period_id: PeriodId) -> str:
    """The cause of the payment, the posting and the receipt of a period."""
    return f"subscription:{period_id}"

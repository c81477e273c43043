"""When money is charged to a card by itself, because a rider wants it so. Pure.

Why not now (first match):

| fact                                                              | word         |
|-------------------------------------------------------------------|--------------|
| never set, or switched off                                        | off          |
| a card said no since it was set                                   | suspended    |
| the ride that spends was started with skip_auto_topup             | skipped      |
| balance (bonus does not count) at or above the threshold          | enough       |
| a charge of a debt or a top-up by itself is not decided yet       | on_its_way   |
| no card that can be used                                          | no_card      |
| else                                                              | (None: now)  |

Only `on_its_way` passes by itself: whoever asked looks again.

Source: domain rules, "Auto top-up: threshold + amount; after a failed charge do not loop".
"""

from dataclasses import dataclass
from typing import Literal

from isotope.domain.payments.errors import amount_out_of_bounds, threshold_out_of_bounds
from isotope.domain.payments.model import AutoTopUp
from isotope.domain.tenants.model import PaymentSettings
from isotope.kernel.errors import Refusal
from isotope.kernel.money import Money

WhyNot = Literal["off", "suspended", "skipped", "enough", "on_its_way", "no_card"]


@dataclass(frozen=True, slots=True, kw_only=True)
class TopUpFacts:
    """What an automatic top-up is decided on.

    Attributes:
        wanted: what the rider set; None: nothing.
        balance_minor: without bonus; during a ride less what it costs so far, so it may be below zero.
        on_its_way: a payment into the wallet is open.
        has_card: there is one to charge.
        skip: the ride asks to leave it.
    """

    wanted: AutoTopUp | None
    balance_minor: int
    on_its_way: bool
    has_card: bool
    skip: bool


def why_no_top_up(facts: TopUpFacts) -> WhyNot | None:
    """By the table above."""
    if facts.wanted is None or not facts.wanted.is_on:
        return "off"
    if facts.wanted.suspended_at is not None:
        return "suspended"
    if facts.skip:
        return "skipped"
    if facts.balance_minor >= facts.wanted.threshold_minor:
        return "enough"
    if facts.on_its_way:
        return "on_its_way"
    return None if facts.has_card else "no_card"


def may_set_amount(settings: PaymentSettings, amount_minor: int, currency: str) -> Refusal | None:
    """A single top-up is bounded by the operator, by hand or by itself."""
    if settings.top_up_minimum_minor <= amount_minor <= settings.top_up_maximum_minor:
        return None
    return amount_out_of_bounds(
        Money(settings.top_up_minimum_minor, currency), Money(settings.top_up_maximum_minor, currency)
    )


def may_set_threshold(settings: PaymentSettings, threshold_minor: int, currency: str) -> Refusal | None:
    """From nothing to as much as a top-up may be."""
    if 0 <= threshold_minor <= settings.top_up_maximum_minor:
        return None
    return threshold_out_of_bounds(Money(0, currency), Money(settings.top_up_maximum_minor, currency))

"""Which subscription a ride uses. Pure.

Of those that are paid for now and fit the model (first match):

=====================================================  ==========================
facts                                                  used
=====================================================  ==========================
none                                                   none
some have quota left in their window                   of them the first bought
some take per cent off                                 the one with the most, of equal ones the first bought
else                                                   none
=====================================================  ==========================
"""

from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions.model import PlanSpec, SubscriptionId


@dataclass(frozen=True, slots=True)
class Usable:
    """A subscription whose period is paid, with what is left of its quota in the running window."""

    id: SubscriptionId
    title: str
    spec: PlanSpec
    left: Quota


def choose(usable: Sequence[Usable]) -> Usable | None:
    """By the table above; ids rise as they are bought."""
    by_age = sorted(usable, key=lambda one: one.id)
    with_quota = next((one for one in by_age if one.left != Quota()), None)
    if with_quota is not None:
        return with_quota
    cheaper = [one for one in by_age if one.spec.pct]
    return max(cheaper, key=lambda one: one.spec.pct, default=None)

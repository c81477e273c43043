"""Units that are begun, and what each costs. Pure.

A minute or a kilometre that is begun is paid whole. Units are priced one after the other, each by the tier in which it
lies, so that what so many units cost never falls as there are more.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from isotope.domain.pricing.model import KmTier, Tariff, Tier

_MINUTE_S: Final = 60
_KILOMETRE_M: Final = 1000


@dataclass(frozen=True, slots=True)
class Portion:
    """Units that follow one another at one price; at least one."""

    quantity: int
    unit_price_minor: int

    @property
    def amount_minor(self) -> int:
        return self.quantity * self.unit_price_minor


def minutes(seconds: int) -> int:
    """A started minute is a minute: 0 s are 0, 60 s are 1, 61 s are 2."""
    return -(-seconds // _MINUTE_S)


def kilometres(metres: int) -> int:
    """A started kilometre is a kilometre: 0 m are 0, 1000 m are 1, 1001 m are 2."""
    return -(-metres // _KILOMETRE_M)


def free_minutes(tariff: Tariff, used_min: int) -> int:
    """How many of `used_min` riding minutes were free ones at the beginning of the tariff, used up by riding.

    A tariff whose every minute is free has none that could be used up.
    """
    given = 0
    for tier in tariff.minute_tiers:
        if tier.price_minor:
            return min(used_min, given)
        given = tier.upto_min or 0
    return 0


def portions(tiers: Sequence[Tier | KmTier], total: int, skipped: int = 0) -> tuple[Portion, ...]:
    """What `total` units cost, by tier, when unit k costs what the tiers say for unit k + `skipped`.

    Free units are a portion too: they explain the rest.
    """
    found = []
    below, end = skipped, skipped + total
    for tier in tiers:
        upto = tier.upto_min if isinstance(tier, Tier) else tier.upto_km
        reached = end if upto is None else min(end, upto)
        if reached > below:
            found.append(Portion(reached - below, tier.price_minor))
            below = reached
    return tuple(found)


def parted(units: Iterable[Portion], quota: int) -> tuple[tuple[Portion, ...], tuple[Portion, ...]]:
    """The first `quota` units that cost something, and the others.

    The first ones, because what is left to pay then never falls as more units are used. Free units use up no quota.
    """
    covered: list[Portion] = []
    others: list[Portion] = []
    for portion in units:
        taken = min(quota, portion.quantity) if portion.unit_price_minor else 0
        quota -= taken
        covered += [Portion(taken, portion.unit_price_minor)] if taken else []
        others += [Portion(portion.quantity - taken, portion.unit_price_minor)] if taken < portion.quantity else []
    return tuple(covered), tuple(others)

"""The price of the ride itself, without package price, add-ons, reservation and zone charges. Pure.

Its lines, in this order; each is left out when it is nothing, but for free minutes and kilometres:

=========================  ============================================================================================
unlock                     once
ride_minutes               each started minute by tier; `free_minutes_used` free ones at the beginning do not come again
pause_minutes              each started minute by tier
km                         each started kilometre by tier
surcharge_pct              of all above, rounded half up
surcharge_fixed            once
surcharge_minutes          each started riding minute
package_unlock, ...        less: what the package includes, the first units that cost something
subscription_unlock, ...   less: what is left of the subscription's quota, of what the package does not cover
subscription_discount      less: per cent of what is left
minimum                    more: up to the tariff's minimum; neither with a package nor with a subscription
group_discount             less: per cent of what is left
promo_discount             less: per cent of what is left
ride_cap                   less: what is above the tariff's limit for a ride
day_cap                    less: what is above what the rider's other rides left of the tariff's limit for a day
=========================  ============================================================================================

Quotas leave the price of the units that follow theirs; each line after them is what a function that never falls, and is
never negative, makes of what is left before it: so the price never falls as a ride grows.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from isotope.domain.pricing.lines import line
from isotope.domain.pricing.model import Agreed, AtEnd, Line, Quota, Unit, Usage
from isotope.domain.pricing.tax import round_half_up, same_rate
from isotope.domain.pricing.tiers import Portion, free_minutes, kilometres, minutes, parted, portions
from isotope.domain.pricing.words import Words


@dataclass(frozen=True, slots=True)
class RidePrice:
    """The lines sum to `ride_minor`, which is never negative. `quota_used` is the subscription's."""

    lines: tuple[Line, ...]
    ride_minor: int
    quota_used: Quota


@dataclass(frozen=True, slots=True)
class _Part:
    """Unlocking, riding, pausing or distance."""

    code: str
    unit: Unit
    portions: tuple[Portion, ...]


# What a quota's lines are called after `package_` and `subscription_`, and which of its fields it is, in the order of
# the parts.
QUOTA_PARTS: Final = (
    ("unlock", "unlocks"),
    ("minutes", "ride_min"),
    ("pause_minutes", "pause_min"),
    ("km", "km"),
)


def ride_price(agreed: Agreed, used: Usage, at_end: AtEnd, words: Words) -> RidePrice:
    """By the table above. `at_end` tells what is left of quotas and of the day's limit."""
    return _Pricing(agreed, used, at_end, words).priced()


class _Pricing:
    """One pricing: lines are added, in order, to what was priced so far."""

    def __init__(self, agreed: Agreed, used: Usage, at_end: AtEnd, words: Words) -> None:
        self._agreed = agreed
        self._used = used
        self._at_end = at_end
        self._words = words
        self._rate = same_rate(agreed.tariff.tax_rate)
        self._lines: list[Line] = []
        self._left_minor = 0

    def priced(self) -> RidePrice:
        parts = tuple(_parts(self._agreed, self._used))
        for part in parts:
            self._add_metered(part)
        self._add_surcharges()
        quota_used = self._take_quotas(parts)
        self._add_minimum()
        self._take_discounts()
        self._take_caps()
        return RidePrice(tuple(self._lines), self._left_minor, quota_used)

    def _add(self, code: str, portion: Portion, unit: Unit = "once", **params: str | int) -> None:
        self._lines.append(line(self._words, code, portion, unit, self._rate, **params))
        self._left_minor += portion.amount_minor

    def _add_once(self, code: str, amount_minor: int, **params: str | int) -> None:
        """One more or, with a negative amount, one less; nothing has no line."""
        if amount_minor:
            self._add(code, Portion(1, amount_minor), "once", **params)

    def _add_metered(self, part: _Part) -> None:
        for portion in part.portions:
            self._add(part.code, portion, part.unit)

    def _add_surcharges(self) -> None:
        metered_minor = self._left_minor
        ride_min = minutes(self._used.ride_s)
        for surcharge in self._agreed.surcharges:
            share_minor = round_half_up(Fraction(metered_minor * surcharge.pct, 100))
            self._add_once("surcharge_pct", share_minor, title=surcharge.title, pct=surcharge.pct)
            self._add_once("surcharge_fixed", surcharge.amount_minor, title=surcharge.title)
            if surcharge.per_minute_minor and ride_min:
                portion = Portion(ride_min, surcharge.per_minute_minor)
                self._add("surcharge_minutes", portion, "minute", title=surcharge.title)

    def _take_quotas(self, parts: Sequence[_Part]) -> Quota:
        """Package before subscription. Returns what of the subscription's was used."""
        package, subscription = self._agreed.package, self._agreed.subscription
        open_parts = parts
        if package is not None:
            open_parts, _used = self._take_quota("package", package.title, package.quota, open_parts)
        if subscription is None:
            return Quota()
        _open_parts, used = self._take_quota("subscription", subscription.title, self._at_end.quota_left, open_parts)
        self._take_pct("subscription_discount", subscription.title, subscription.pct)
        return used

    def _take_quota(
        self, owner: str, title: str, quota: Quota, parts: Sequence[_Part]
    ) -> tuple[tuple[_Part, ...], Quota]:
        """What is not covered, and what of the quota was used."""
        left_over: list[_Part] = []
        used: dict[str, int] = {}
        for part, (name, field) in zip(parts, QUOTA_PARTS, strict=True):
            covered, others = parted(part.portions, getattr(quota, field))
            for portion in covered:
                off = Portion(portion.quantity, -portion.unit_price_minor)
                self._add(f"{owner}_{name}", off, part.unit, title=title)
            left_over.append(_Part(part.code, part.unit, others))
            used[field] = sum(portion.quantity for portion in covered)
        return tuple(left_over), Quota(**used)

    def _add_minimum(self) -> None:
        if self._agreed.package is None and self._agreed.subscription is None:
            self._add_once("minimum", max(0, self._agreed.tariff.minimum_minor - self._left_minor))

    def _take_discounts(self) -> None:
        for kind in ("group", "promo"):
            for discount in self._agreed.discounts:
                if discount.kind == kind:
                    self._take_pct(f"{kind}_discount", discount.title, discount.pct)

    def _take_pct(self, code: str, title: str, pct: int) -> None:
        self._add_once(code, -round_half_up(Fraction(self._left_minor * pct, 100)), title=title, pct=pct)

    def _take_caps(self) -> None:
        tariff = self._agreed.tariff
        if tariff.ride_cap_minor is not None:
            self._add_once("ride_cap", min(0, tariff.ride_cap_minor - self._left_minor))
        if tariff.day_cap_minor is not None:
            day_left_minor = max(0, tariff.day_cap_minor - self._at_end.spent_today_minor)
            self._add_once("day_cap", min(0, day_left_minor - self._left_minor))


def _parts(agreed: Agreed, used: Usage) -> Iterator[_Part]:
    """In the order of `QUOTA_PARTS`."""
    tariff = agreed.tariff
    used_before = free_minutes(tariff, agreed.free_minutes_used)
    yield _Part("unlock", "once", (Portion(1, tariff.unlock_minor),) if tariff.unlock_minor else ())
    yield _Part("ride_minutes", "minute", portions(tariff.minute_tiers, minutes(used.ride_s), used_before))
    yield _Part("pause_minutes", "minute", portions(tariff.pause_tiers, minutes(used.pause_s)))
    yield _Part("km", "km", portions(tariff.km_tiers, kilometres(used.distance_m)))

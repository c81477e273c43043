"""The price of a ride once more, by somebody who walks along with it: every second and metre, every unit by itself."""

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext

from isotope.domain.pricing import Agreed, AtEnd, KmTier, Quota, Tariff, Tier, Usage

ONE = Decimal(1)


class SlowPrice:
    """What is asked for before tax: `sums` by rate, of which `ride` is the ride itself; `used` of the subscription."""

    def __init__(self, agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
        self.sums: dict[Decimal, int] = {}
        self.ride = 0
        self.used = dict.fromkeys(("unlocks", "ride_min", "pause_min", "km"), 0)
        correction = at_end.correction
        if correction is None:
            self._walk(agreed, used, at_end)
        elif correction.counted is not None:
            counted = correction.counted
            both = Usage(
                ride_s=min(used.ride_s, counted.ride_s),
                pause_s=min(used.pause_s, counted.pause_s),
                distance_m=min(used.distance_m, counted.distance_m),
            )
            self._walk(agreed, both, at_end)

    def tax(self, tariff: Tariff) -> int:
        return sum(slow_tax(amount, rate, inclusive=tariff.tax_inclusive) for rate, amount in self.sums.items())

    def total(self, tariff: Tariff) -> int:
        return sum(self.sums.values()) + (0 if tariff.tax_inclusive else self.tax(tariff))

    def _walk(self, agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
        tariff = agreed.tariff
        ride_min, pause_min = begun(used.ride_s, 60), begun(used.pause_s, 60)
        km = begun(used.distance_m, 1000)
        asked = {
            "unlocks": [tariff.unlock_minor],
            "ride_min": without_free(tariff.minute_tiers, len(ride_min), agreed.free_minutes_used),
            "pause_min": [price_of(tariff.pause_tiers, nr) for nr in pause_min],
            "km": [price_of(tariff.km_tiers, nr) for nr in km],
        }
        extra = 0
        metered = sum(sum(prices) for prices in asked.values())
        for surcharge in agreed.surcharges:
            extra += half_up(Decimal(metered) * surcharge.pct / 100) + surcharge.amount_minor
            extra += sum(surcharge.per_minute_minor for _minute in ride_min)
        left = extra + sum(self._not_covered(agreed, at_end, kind, prices) for kind, prices in asked.items())
        self.ride = self._reduced(agreed, at_end, left)
        own = Decimal(tariff.tax_rate)
        self._ask(own, self.ride)
        if agreed.package is not None:
            self._ask(own_or(agreed.package.tax_rate, own), agreed.package.price_minor)
        for addon in agreed.addons:
            times = {"FIXED": 1, "PER_MINUTE": len(ride_min), "PER_KM": len(km)}[addon.kind]
            for _time in range(times):
                self._ask(own_or(addon.tax_rate, own), addon.price_minor)
        if agreed.reservation is not None and not agreed.reservation.credited:
            self._ask(own, agreed.reservation.amount_minor)
        for charge in at_end.zone_charges:
            self._ask(own_or(charge.tax_rate, own), charge.amount_minor)

    def _not_covered(self, agreed: Agreed, at_end: AtEnd, kind: str, prices: Iterable[int]) -> int:
        package = getattr(agreed.package.quota if agreed.package else Quota(), kind)
        subscription = getattr(at_end.quota_left if agreed.subscription else Quota(), kind)
        to_pay = 0
        for price in prices:
            if price and package:
                package -= 1
            elif price and subscription:
                subscription -= 1
                self.used[kind] += 1
            else:
                to_pay += price
        return to_pay

    def _reduced(self, agreed: Agreed, at_end: AtEnd, left: int) -> int:
        tariff = agreed.tariff
        if agreed.subscription is not None:
            left -= half_up(Decimal(left) * agreed.subscription.pct / 100)
        if agreed.package is None and agreed.subscription is None and left < tariff.minimum_minor:
            left = tariff.minimum_minor
        for discount in sorted(agreed.discounts, key=lambda one: one.kind == "promo"):
            left -= half_up(Decimal(left) * discount.pct / 100)
        if tariff.ride_cap_minor is not None and left > tariff.ride_cap_minor:
            left = tariff.ride_cap_minor
        if tariff.day_cap_minor is not None:
            while_left = tariff.day_cap_minor - at_end.spent_today_minor
            left = min(left, while_left) if while_left > 0 else 0
        return left

    def _ask(self, rate: Decimal, amount: int) -> None:
        self.sums[rate] = self.sums.get(rate, 0) + amount


def begun(length: int, unit: int) -> list[int]:
    """The number of every unit that is begun on the way, one second or metre after the other."""
    return [step // unit + 1 for step in range(length) if step % unit == 0]


def price_of(tiers: Sequence[Tier] | Sequence[KmTier], nr: int) -> int:
    """What unit `nr` costs: of all tiers that reach so far the first."""
    for tier in tiers:
        upto = tier.upto_min if isinstance(tier, Tier) else tier.upto_km
        if upto is None or nr <= upto:
            return tier.price_minor
    return 0


def without_free(tiers: Sequence[Tier], length: int, gone: int) -> list[int]:
    """The prices of the minutes, of which the first free ones were ridden before."""
    prices = [price_of(tiers, nr) for nr in range(1, length + 50)]
    if any(prices):
        while gone and prices[0] == 0:
            prices.pop(0)
            gone -= 1
    return prices[:length]


def own_or(rate: str | None, tariffs: Decimal) -> Decimal:
    return tariffs if rate is None else Decimal(rate)


def half_up(exact: Decimal) -> int:
    with localcontext(prec=80):
        return int(exact.quantize(ONE, ROUND_HALF_UP))


def slow_tax(amount_minor: int, rate: Decimal, *, inclusive: bool) -> int:
    with localcontext(prec=80):
        return half_up(amount_minor * rate / (1 + rate) if inclusive else amount_minor * rate)

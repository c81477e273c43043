"""A price told before the ride, in the lines of the bill to come."""

from collections.abc import Iterator, Sequence
from typing import Final

from isotope.domain.pricing.model import (
    AddonKind,
    AddonPrice,
    Agreed,
    AgreedPackage,
    KmTier,
    Quota,
    Quote,
    QuoteItem,
    ReservationFee,
    Tariff,
    Tier,
    Unit,
    rate_pct,
)
from isotope.domain.pricing.ride_price import QUOTA_PARTS
from isotope.domain.pricing.tax import same_rate
from isotope.domain.pricing.tiers import free_minutes
from isotope.domain.pricing.words import Words, english
from isotope.kernel.money import Money

_UNITS: Final[dict[str, Unit]] = {"unlock": "once", "minutes": "minute", "pause_minutes": "minute", "km": "km"}
_PER: Final[dict[Unit, str]] = {"minute": "quote_per_minute", "km": "quote_per_km"}
_NO_QUOTA: Final = Quota()


def quote_texts(agreed: Agreed, currency: str, quota_left: Quota = _NO_QUOTA, words: Words = english) -> Quote:
    """What `get-vehicle-pricing` shows: everything that a bill of `agreed` can have a line of, in the bill's order.

    What is known only where the ride ends (zone charges, corrections) has no place in it.

    Args:
        agreed: what the ride would begin with.
        currency: the operator's; a tariff that names its own keeps it.
        quota_left: of the subscription.
        words: the catalogue of the reader's language.
    """
    tariff = agreed.tariff
    teller = _Teller(tariff.currency or currency, words)
    items = tuple(teller.items(agreed, quota_left))
    parts = [item.text for item in items]
    if tariff.tax:
        parts.append(
            words("quote_tax_included" if tariff.tax_inclusive else "quote_tax_added", rate_pct=tariff.tax_pct)
        )
    rated: list[AddonPrice | AgreedPackage] = [*agreed.addons, *([] if agreed.package is None else [agreed.package])]
    parts += [
        words("quote_tax_of_addon", title=one.title, rate_pct=rate_pct(one.tax_rate))
        for one in rated
        if one.tax_rate is not None and same_rate(one.tax_rate) != same_rate(tariff.tax_rate)
    ]
    return Quote(
        text="; ".join(parts),
        items=items,
        currency=teller.currency,
        tax_rate=tariff.tax_rate,
        tax_inclusive=tariff.tax_inclusive,
    )


def package_items(
    package: AgreedPackage, tariff: Tariff, currency: str, words: Words = english
) -> tuple[QuoteItem, ...]:
    """What taking a package adds to the lines."""
    teller = _Teller(tariff.currency or currency, words)
    return (teller.package(package), *teller.quota("package", package.title, package.quota, tariff))


class _Teller:
    """Says prices of one currency in one language."""

    def __init__(self, currency: str, words: Words) -> None:
        self.currency = currency
        self._words = words

    def items(self, agreed: Agreed, quota_left: Quota) -> Iterator[QuoteItem]:
        """In the order of `ride_price`'s table, and of `bill`."""
        tariff, package, subscription = agreed.tariff, agreed.package, agreed.subscription
        if package is not None:
            yield self.package(package)
        yield from self._metered(tariff, agreed.free_minutes_used)
        yield from self._surcharges(agreed)
        if package is not None:
            yield from self.quota("package", package.title, package.quota, tariff)
        if subscription is not None:
            yield from self.quota("subscription", subscription.title, quota_left, tariff)
            yield from self._discount("subscription_discount", subscription.title, subscription.pct)
        if package is None and subscription is None:
            yield from self._limit("minimum", tariff.minimum_minor or None)
        for kind in ("group", "promo"):
            for discount in agreed.discounts:
                if discount.kind == kind:
                    yield from self._discount(f"{kind}_discount", discount.title, discount.pct)
        yield from self._limit("ride_cap", tariff.ride_cap_minor)
        yield from self._limit("day_cap", tariff.day_cap_minor)
        for addon in agreed.addons:
            yield self._addon(addon)
        yield from self._reservation(agreed.reservation)

    def package(self, package: AgreedPackage) -> QuoteItem:
        return self._priced("package", self._words("line_package", title=package.title), package.price_minor)

    def quota(self, owner: str, title: str, quota: Quota, tariff: Tariff) -> Iterator[QuoteItem]:
        """What of the tariff's prices is included."""
        priced = (
            tariff.unlock_minor,
            *(any(tier.price_minor for tier in t) for t in (tariff.minute_tiers, tariff.pause_tiers, tariff.km_tiers)),
        )
        for (name, field), has_price in zip(QUOTA_PARTS, priced, strict=True):
            included = getattr(quota, field)
            if included and has_price:
                yield QuoteItem(
                    code=f"{owner}_{name}",
                    text=self._words(f"quote_{owner}_{name}", title=title, included=included),
                    unit=_UNITS[name],
                    price_minor=0,
                    included=included,
                )

    def _metered(self, tariff: Tariff, free_minutes_used: int) -> Iterator[QuoteItem]:
        if tariff.unlock_minor:
            yield self._priced("unlock", self._words("line_unlock"), tariff.unlock_minor)
        used_before = free_minutes(tariff, free_minutes_used)
        yield from self._tiers("ride_minutes", "minute", tariff.minute_tiers, used_before)
        yield from self._tiers("pause_minutes", "minute", tariff.pause_tiers or (Tier(price_minor=0),))
        yield from self._tiers("km", "km", tariff.km_tiers)

    def _surcharges(self, agreed: Agreed) -> Iterator[QuoteItem]:
        for surcharge in agreed.surcharges:
            if surcharge.pct:
                yield self._pct("surcharge_pct", "quote_surcharge_pct", surcharge.title, surcharge.pct)
            if surcharge.amount_minor:
                yield self._priced("surcharge_fixed", surcharge.title, surcharge.amount_minor)
            if surcharge.per_minute_minor:
                yield self._priced("surcharge_minutes", surcharge.title, surcharge.per_minute_minor, "minute")

    def _addon(self, addon: AddonPrice) -> QuoteItem:
        if addon.kind is AddonKind.PER_MINUTE:
            return self._priced("addon_minutes", addon.title, addon.price_minor, "minute")
        if addon.kind is AddonKind.PER_KM:
            return self._priced("addon_km", addon.title, addon.price_minor, "km")
        return self._priced("addon_fixed", addon.title, addon.price_minor)

    def _reservation(self, reservation: ReservationFee | None) -> Iterator[QuoteItem]:
        if reservation is not None and reservation.amount_minor:
            title = self._words("line_reservation_fee", minutes=reservation.minutes)
            yield self._priced("reservation_fee", title, reservation.amount_minor)
            if reservation.credited:
                title = self._words("line_reservation_credit")
                yield self._priced("reservation_credit", title, -reservation.amount_minor)

    def _discount(self, code: str, title: str, pct: int) -> Iterator[QuoteItem]:
        if pct:
            yield self._pct(code, "quote_discount", title, pct)

    def _priced(self, code: str, title: str, price_minor: int, unit: Unit = "once") -> QuoteItem:
        text = self._words("quote_once", title=title, price=self._price(price_minor, unit))
        return QuoteItem(code=code, text=text, unit=unit, price_minor=price_minor)

    def _pct(self, code: str, text_code: str, title: str, pct: int) -> QuoteItem:
        text = self._words(text_code, title=title, pct=pct)
        return QuoteItem(code=code, text=text, unit="once", price_minor=0, pct=pct)

    def _limit(self, code: str, limit_minor: int | None) -> Iterator[QuoteItem]:
        if limit_minor is not None:
            text = self._words(f"quote_{code}", price=self._money(limit_minor))
            yield QuoteItem(code=code, text=text, unit="once", price_minor=limit_minor)

    def _tiers(
        self, code: str, unit: Unit, tiers: Sequence[Tier | KmTier], used_before: int = 0
    ) -> Iterator[QuoteItem]:
        """Unit k is told at the price of unit k + `used_before`."""
        below = 0
        for tier in tiers:
            upto = tier.upto_min if isinstance(tier, Tier) else tier.upto_km
            end = None if upto is None else upto - used_before
            if end is None or end > below:
                yield self._tier(code, unit, tier.price_minor, below + 1, end)
                below = end or below

    def _tier(self, code: str, unit: Unit, price_minor: int, from_nr: int, upto_nr: int | None) -> QuoteItem:
        if from_nr == 1 and upto_nr is None:
            kind = "all"
        elif upto_nr is None:
            kind = "after"
        else:
            kind = "upto"
        text = self._words(
            f"quote_km_{kind}" if unit == "km" else f"quote_tier_{kind}",
            title=self._words(f"quote_{code}"),
            price=self._price(price_minor, unit) if price_minor else self._words("quote_free"),
            **{"from_km" if unit == "km" else "from_min": from_nr},
            **({} if upto_nr is None else {"upto_km" if unit == "km" else "upto_min": upto_nr}),
        )
        return QuoteItem(code=code, text=text, unit=unit, price_minor=price_minor, from_nr=from_nr, upto_nr=upto_nr)

    def _price(self, price_minor: int, unit: Unit) -> str:
        money = self._money(price_minor)
        return self._words(_PER[unit], price=money) if unit in _PER else money

    def _money(self, amount_minor: int) -> str:
        return Money(amount_minor, self.currency).text()

"""A tariff told before the ride."""

from collections.abc import Iterator, Sequence

from isotope.domain.pricing.model import AddonKind, AddonPrice, Quote, QuoteItem, Tariff, Tier, rate_pct
from isotope.domain.pricing.tax import same_rate
from isotope.domain.pricing.words import Words, english
from isotope.kernel.money import Money


def quote_texts(tariff: Tariff, currency: str, addons: Sequence[AddonPrice] = (), words: Words = english) -> Quote:
    """What `get-vehicle-pricing` shows: every price of the tariff in the order of the bill's lines.

    `currency` is the operator's; a tariff that names its own keeps it.
    """
    unit = tariff.currency or currency
    items = tuple(_items(tariff, addons, unit, words))
    parts = [item.text for item in items]
    if tariff.tax:
        parts.append(
            words("quote_tax_included" if tariff.tax_inclusive else "quote_tax_added", rate_pct=tariff.tax_pct)
        )
    parts += [
        words("quote_tax_of_addon", title=addon.title, rate_pct=rate_pct(addon.tax_rate))
        for addon in addons
        if addon.tax_rate is not None and same_rate(addon.tax_rate) != same_rate(tariff.tax_rate)
    ]
    return Quote(
        text="; ".join(parts),
        items=items,
        currency=unit,
        tax_rate=tariff.tax_rate,
        tax_inclusive=tariff.tax_inclusive,
    )


def _items(tariff: Tariff, addons: Sequence[AddonPrice], currency: str, words: Words) -> Iterator[QuoteItem]:
    if tariff.unlock_minor:
        yield _once("unlock", words("line_unlock"), tariff.unlock_minor, currency, words)
    yield from _tier_items("ride_minutes", tariff.minute_tiers, currency, words)
    yield from _tier_items("pause_minutes", tariff.pause_tiers or (Tier(price_minor=0),), currency, words)
    for addon in addons:
        if addon.kind is AddonKind.FIXED:
            yield _once("addon_fixed", addon.title, addon.price_minor, currency, words)
        else:
            price = words("quote_per_minute", price=Money(addon.price_minor, currency).text())
            yield QuoteItem(
                code="addon_minutes",
                text=words("quote_once", title=addon.title, price=price),
                unit="minute",
                price_minor=addon.price_minor,
            )


def _once(code: str, title: str, price_minor: int, currency: str, words: Words) -> QuoteItem:
    text = words("quote_once", title=title, price=Money(price_minor, currency).text())
    return QuoteItem(code=code, text=text, unit="once", price_minor=price_minor)


def _tier_items(code: str, tiers: Sequence[Tier], currency: str, words: Words) -> Iterator[QuoteItem]:
    title = words(f"quote_{code}")
    below = 0
    for tier in tiers:
        yield QuoteItem(
            code=code,
            text=_tier_text(title, tier, below, currency, words),
            unit="minute",
            price_minor=tier.price_minor,
            from_min=below + 1,
            upto_min=tier.upto_min,
        )
        below = tier.upto_min or below


def _tier_text(title: str, tier: Tier, below: int, currency: str, words: Words) -> str:
    price = (
        words("quote_per_minute", price=Money(tier.price_minor, currency).text())
        if tier.price_minor
        else words("quote_free")
    )
    if below == 0 and tier.upto_min is None:
        return words("quote_tier_all", title=title, price=price)
    if tier.upto_min is None:
        return words("quote_tier_after", title=title, price=price, from_min=below + 1)
    return words("quote_tier_upto", title=title, price=price, from_min=below + 1, upto_min=tier.upto_min)

"""From how long it took to what it costs. Integers and fractions only; nothing is rounded but minutes and tax."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from typing import Final

from isotope.domain.pricing.model import AddonKind, AddonPrice, Agreed, AtEnd, Bill, Line, Tariff, Tier, Unit, Usage
from isotope.domain.pricing.tax import same_rate, tax_lines
from isotope.domain.pricing.words import Words, english

_MINUTE_S: Final = 60
NOTHING_AT_END: Final = AtEnd()


def bill(agreed: Agreed, used: Usage, at_end: AtEnd = NOTHING_AT_END, words: Words = english) -> Bill:
    """The price of a ride: of one that runs, of a finished one, and, with a made-up usage, the quote of one to come.

    unlock + riding minutes by tier + pause minutes by tier + add-ons (+ tax, where prices come without it). Tax is
    computed once per rate on the whole, rounded half up.
    """
    del at_end
    tariff = agreed.tariff
    priced = tuple(_lines(tariff, agreed.addons, used, words))
    taxes = tax_lines(
        ((line.tax_rate or tariff.tax_rate, line.amount_minor) for line in priced), inclusive=tariff.tax_inclusive
    )
    if not tariff.tax_inclusive:
        priced += tuple(
            _line("tax", words("line_tax", rate_pct=tax.pct), "once", 1, tax.tax_minor)
            for tax in taxes
            if Fraction(tax.rate)
        )
    return Bill(
        lines=priced,
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=sum(tax.gross_minor for tax in taxes),
        taxes=taxes,
    )


def minutes(seconds: int) -> int:
    """A started minute is a minute: 0 s are 0, 60 s are 1, 61 s are 2."""
    return -(-seconds // _MINUTE_S)


def _lines(tariff: Tariff, addons: Sequence[AddonPrice], used: Usage, words: Words) -> Iterator[Line]:
    rate = same_rate(tariff.tax_rate)
    ride_min = minutes(used.ride_s)
    if tariff.unlock_minor:
        yield _line("unlock", words("line_unlock"), "once", 1, tariff.unlock_minor, rate)
    yield from _minute_lines("ride_minutes", tariff.minute_tiers, ride_min, rate, words)
    yield from _minute_lines("pause_minutes", tariff.pause_tiers, minutes(used.pause_s), rate, words)
    for addon in addons:
        own_rate = rate if addon.tax_rate is None else same_rate(addon.tax_rate)
        if addon.kind is AddonKind.FIXED:
            text = words("line_addon_fixed", title=addon.title)
            yield _line("addon_fixed", text, "once", 1, addon.price_minor, own_rate)
        elif ride_min:
            text = words("line_addon_minutes", title=addon.title)
            yield _line("addon_minutes", text, "minute", ride_min, addon.price_minor, own_rate)


def _minute_lines(code: str, tiers: Sequence[Tier], total_min: int, rate: str, words: Words) -> Iterator[Line]:
    """A line for each tier that the minutes reach; free minutes are shown too, because they explain the rest."""
    below = 0
    for tier in tiers:
        reached = total_min if tier.upto_min is None else min(total_min, tier.upto_min)
        if reached > below:
            text = words(f"line_{code}" if tier.price_minor else f"line_{code}_free")
            yield _line(code, text, "minute", reached - below, tier.price_minor, rate)
            below = reached


def _line(code: str, text: str, unit: Unit, quantity: int, unit_price_minor: int, tax_rate: str | None = None) -> Line:
    return Line(
        code=code,
        text=text,
        unit=unit,
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        amount_minor=quantity * unit_price_minor,
        tax_rate=tax_rate,
    )

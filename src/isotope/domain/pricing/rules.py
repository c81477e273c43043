"""From how long it took to what it costs. Integers and fractions only; nothing is rounded but minutes and tax."""

from collections.abc import Iterator, Sequence
from fractions import Fraction

from isotope.domain.pricing.model import AddonKind, AddonPrice, Bill, Line, Tariff, Tier, Unit, Usage
from isotope.domain.pricing.words import Words, english

_MINUTE_S = 60


def bill(tariff: Tariff, addons: Sequence[AddonPrice], used: Usage, words: Words = english) -> Bill:
    """The price of a ride: of one that runs, of a finished one, and, with a made-up usage, the quote of one to come.

    unlock + riding minutes by tier + pause minutes by tier + add-ons (+ tax, where prices come without it). Tax is
    computed once on the whole, rounded half up.
    """
    priced = tuple(_lines(tariff, addons, used, words))
    amount_minor = sum(line.amount_minor for line in priced)
    if tariff.tax_inclusive:
        tax_minor = round_half_up(amount_minor * tariff.tax / (1 + tariff.tax))
        return Bill(lines=priced, net_minor=amount_minor - tax_minor, tax_minor=tax_minor, total_minor=amount_minor)
    tax_minor = round_half_up(amount_minor * tariff.tax)
    if tariff.tax:
        priced += (_line("tax", words("line_tax", rate_pct=tariff.tax_pct), "once", 1, tax_minor),)
    return Bill(lines=priced, net_minor=amount_minor, tax_minor=tax_minor, total_minor=amount_minor + tax_minor)


def minutes(seconds: int) -> int:
    """A started minute is a minute: 0 s are 0, 60 s are 1, 61 s are 2."""
    return -(-seconds // _MINUTE_S)


def round_half_up(exact: Fraction) -> int:
    """Of a non-negative amount in minor units: 0.5 becomes 1."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _lines(tariff: Tariff, addons: Sequence[AddonPrice], used: Usage, words: Words) -> Iterator[Line]:
    ride_min = minutes(used.ride_s)
    if tariff.unlock_minor:
        yield _line("unlock", words("line_unlock"), "once", 1, tariff.unlock_minor)
    yield from _minute_lines("ride_minutes", tariff.minute_tiers, ride_min, words)
    yield from _minute_lines("pause_minutes", tariff.pause_tiers, minutes(used.pause_s), words)
    for addon in addons:
        if addon.kind is AddonKind.FIXED:
            yield _line("addon_fixed", words("line_addon_fixed", title=addon.title), "once", 1, addon.price_minor)
        elif ride_min:
            text = words("line_addon_minutes", title=addon.title)
            yield _line("addon_minutes", text, "minute", ride_min, addon.price_minor)


def _minute_lines(code: str, tiers: Sequence[Tier], total_min: int, words: Words) -> Iterator[Line]:
    """A line for each tier that the minutes reach; free minutes are shown too, because they explain the rest."""
    below = 0
    for tier in tiers:
        reached = total_min if tier.upto_min is None else min(total_min, tier.upto_min)
        if reached > below:
            text = words(f"line_{code}" if tier.price_minor else f"line_{code}_free")
            yield _line(code, text, "minute", reached - below, tier.price_minor)
            below = reached


def _line(code: str, text: str, unit: Unit, quantity: int, unit_price_minor: int) -> Line:
    return Line(
        code=code,
        text=text,
        unit=unit,
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        amount_minor=quantity * unit_price_minor,
    )

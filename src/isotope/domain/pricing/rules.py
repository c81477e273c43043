"""From what was used to what it costs.

Integers and fractions only; nothing is rounded but units that are begun, percentages and tax.
"""

from collections.abc import Callable, Iterator
from fractions import Fraction
from typing import Final

from isotope.domain.pricing.lines import line
from isotope.domain.pricing.model import (
    AddonKind,
    AddonPrice,
    Agreed,
    AtEnd,
    Bill,
    Correction,
    Line,
    Quota,
    Unit,
    Usage,
)
from isotope.domain.pricing.ride_price import RidePrice, ride_price
from isotope.domain.pricing.tax import same_rate, tax_lines
from isotope.domain.pricing.tiers import Portion, kilometres, minutes
from isotope.domain.pricing.words import Words, english

NOTHING_AT_END: Final = AtEnd()
_AT_FIRST_SECOND: Final = Usage(ride_s=1, pause_s=0)


def bill(agreed: Agreed, used: Usage, at_end: AtEnd = NOTHING_AT_END, words: Words = english) -> Bill:
    """The price of a ride: of one that runs, of a finished one, and, with a made-up usage, the quote of one to come.

    package + the ride itself (`ride_price`) + add-ons + reservation + zone charges - correction (+ tax, where prices
    come without it). Tax is computed once per rate on the whole, rounded half up.

    Total, net and tax never fall as the usage grows in any of its parts, as long as `at_end` stays what it is.
    """
    tariff = agreed.tariff
    ride, priced = _priced(agreed, used, at_end, words)
    if at_end.correction is not None:
        ride, asked = _asked_for(agreed, used, at_end, at_end.correction, words)
        priced += tuple(_correction_lines(at_end.correction.code, priced, asked, words))
    taxes = tax_lines(
        ((one.tax_rate or tariff.tax_rate, one.amount_minor) for one in priced), inclusive=tariff.tax_inclusive
    )
    if not tariff.tax_inclusive:
        priced += tuple(
            line(words, "tax", Portion(1, tax.tax_minor), rate_pct=tax.pct) for tax in taxes if Fraction(tax.rate)
        )
    return Bill(
        lines=priced,
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=sum(tax.gross_minor for tax in taxes),
        taxes=taxes,
        ride_minor=ride.ride_minor,
        quota_used=ride.quota_used,
    )


def least(agreed: Agreed, at_end: AtEnd = NOTHING_AT_END) -> int:
    """What a ride costs at its first second, tax included: it never costs less, but for a correction."""
    return bill(agreed, _AT_FIRST_SECOND, at_end).total_minor


# Code, unit and quantity of an add-on's line.
_ADDONS: Final[dict[AddonKind, Callable[[Usage], tuple[str, Unit, int]]]] = {
    AddonKind.FIXED: lambda _used: ("addon_fixed", "once", 1),
    AddonKind.PER_MINUTE: lambda used: ("addon_minutes", "minute", minutes(used.ride_s)),
    AddonKind.PER_KM: lambda used: ("addon_km", "km", kilometres(used.distance_m)),
}
_FREE: Final = RidePrice(lines=(), ride_minor=0, quota_used=Quota())


def _priced(agreed: Agreed, used: Usage, at_end: AtEnd, words: Words) -> tuple[RidePrice, tuple[Line, ...]]:
    """The ride itself, and all lines before correction and tax. Of no rate do they sum to less than nothing."""
    ride = ride_price(agreed, used, at_end, words)
    lines = (
        *_package_line(agreed, words),
        *ride.lines,
        *(one for addon in agreed.addons for one in _addon_line(agreed, addon, used, words)),
        *_reservation_lines(agreed, words),
        *_zone_lines(agreed, at_end, words),
    )
    return ride, lines


def _package_line(agreed: Agreed, words: Words) -> Iterator[Line]:
    package = agreed.package
    if package is not None:
        rate = _own_rate(agreed, package.tax_rate)
        yield line(words, "package", Portion(1, package.price_minor), "once", rate, title=package.title)


def _addon_line(agreed: Agreed, addon: AddonPrice, used: Usage, words: Words) -> Iterator[Line]:
    code, unit, quantity = _ADDONS[addon.kind](used)
    if quantity:
        rate = _own_rate(agreed, addon.tax_rate)
        yield line(words, code, Portion(quantity, addon.price_minor), unit, rate, title=addon.title)


def _reservation_lines(agreed: Agreed, words: Words) -> Iterator[Line]:
    reservation, rate = agreed.reservation, _own_rate(agreed, None)
    if reservation is None or not reservation.amount_minor:
        return
    fee = Portion(1, reservation.amount_minor)
    yield line(words, "reservation_fee", fee, "once", rate, minutes=reservation.minutes)
    if reservation.credited:
        yield line(words, "reservation_credit", Portion(1, -reservation.amount_minor), "once", rate)


def _zone_lines(agreed: Agreed, at_end: AtEnd, words: Words) -> Iterator[Line]:
    for charge in at_end.zone_charges:
        rate = _own_rate(agreed, charge.tax_rate)
        yield line(words, charge.code, Portion(1, charge.amount_minor), "once", rate, title=charge.title)


def _asked_for(
    agreed: Agreed, used: Usage, at_end: AtEnd, correction: Correction, words: Words
) -> tuple[RidePrice, tuple[Line, ...]]:
    """As `_priced`, of what is asked for. More than was metered never is."""
    counted = correction.counted
    if counted is None:
        return _FREE, ()
    less = Usage(
        ride_s=min(counted.ride_s, used.ride_s),
        pause_s=min(counted.pause_s, used.pause_s),
        distance_m=min(counted.distance_m, used.distance_m),
    )
    return _priced(agreed, less, at_end, words)


def _correction_lines(code: str, metered: tuple[Line, ...], asked: tuple[Line, ...], words: Words) -> Iterator[Line]:
    """One a rate, in the order in which rates stand on the bill, for what is taken off; never more than it has."""
    off_minor: dict[str, int] = {}
    for sign, lines in ((1, asked), (-1, metered)):
        for one in lines:
            rate = one.tax_rate or "0"
            off_minor[rate] = off_minor.get(rate, 0) + sign * one.amount_minor
    for rate, amount_minor in off_minor.items():
        if amount_minor:
            yield line(words, f"correction_{code}", Portion(1, amount_minor), "once", rate)


def _own_rate(agreed: Agreed, tax_rate: str | None) -> str:
    """What has no rate of its own bears the tariff's."""
    return same_rate(agreed.tariff.tax_rate if tax_rate is None else tax_rate)

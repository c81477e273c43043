"""What a trip costs. Pure.

A fare is quoted from the route and holds, unless the drive was another one:

| the drive | the fare |
|---|---|
| nobody knows how far it was | as quoted |
| ended at the destination, within `fare_distance_loop_m` and `fare_time_s` of the quote | as quoted |
| ended elsewhere | of what was driven |
| ended at the destination, farther or shorter by more, or longer or quicker by more | of what was driven |
| has a stop that was not reached | of what was driven, without that stop |

Waiting comes on top either way: each started minute after the free ones, before the start. The factor by which the quote
was raised (surge) stays what it was. Amounts are rounded half up once a line.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from math import ceil

from isotope.domain.pricing import Line, TaxLine, Words, rate_pct, tax_lines
from isotope.domain.taxi.model import FarePrice, TaxiTariff, TripTerms
from isotope.domain.tenants.model import TaxiSettings

_KM_M = 1000
_MINUTE_S = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Driven:
    """What is known of a drive when it ends.

    Attributes:
        distance_m: by the driver's positions; None where there are too few.
        duration_s: from the start to the end.
        waited_s: from the arrival to the start.
        stops: how many stops on the way were reached.
        planned_stops: how many there were to be.
        at_destination: whether it ended within `end_m` of it; None where nobody knows.
    """

    distance_m: float | None
    duration_s: int
    waited_s: int
    stops: int
    planned_stops: int
    at_destination: bool | None


def quote_price(
    tariff: TaxiTariff,
    *,
    distance_m: int,
    duration_s: int,
    stops: int,
    surge: Decimal,
    is_scheduled: bool,
    words: Words,
) -> FarePrice:
    """The fare of a route with so many stops on the way; `surge` 1 raises nothing."""
    return _price(
        _fare_lines(
            tariff,
            distance_m=distance_m,
            duration_s=duration_s,
            stops=stops,
            surge=surge,
            is_scheduled=is_scheduled,
            words=words,
        ),
        tariff,
        words,
    )


def final_price(
    terms: TripTerms, driven: Driven, settings: TaxiSettings, words: Words, *, is_scheduled: bool
) -> FarePrice:
    """The fare at the end, by the table above."""
    tariff = terms.tariff
    if not is_another_drive(terms, driven, settings):
        kept = [line for line in terms.quoted.lines if line.code != "tax"]
        return _price([*kept, *_waiting(tariff, driven.waited_s, words)], tariff, words)
    distance_m = terms.distance_m if driven.distance_m is None else round(driven.distance_m)
    lines = _fare_lines(
        tariff,
        distance_m=distance_m,
        duration_s=driven.duration_s,
        stops=driven.stops,
        surge=Decimal(terms.surge),
        is_scheduled=is_scheduled,
        words=words,
    )
    return _price([*lines, *_waiting(tariff, driven.waited_s, words)], tariff, words)


def is_another_drive(terms: TripTerms, driven: Driven, settings: TaxiSettings) -> bool:
    """Whether the fare is made anew."""
    if driven.distance_m is None:
        return False
    if driven.stops < driven.planned_stops or driven.at_destination is False:
        return True
    allowed_m = settings.fare_distance_m if driven.at_destination is None else settings.fare_distance_loop_m
    is_longer = abs(driven.distance_m - terms.distance_m) > allowed_m
    return is_longer or abs(driven.duration_s - terms.duration_s) > settings.fare_time_s


def fee_price(tariff: TaxiTariff, code: str, fee_minor: int, words: Words) -> FarePrice:
    """The fee of a trip that was not driven; `code` is `taxi_cancel_fee` or `taxi_no_show_fee`."""
    return _price([_line(words, code, fee_minor, tariff)] if fee_minor else [], tariff, words)


def earning_minor(total_minor: int, commission_pct: Decimal) -> int:
    """What of a fare is the driver's: the commission is rounded half up to a minor unit."""
    kept = (Decimal(total_minor) * commission_pct / 100).quantize(Decimal(1), rounding=ROUND_HALF_UP)
    return total_minor - int(kept)


def _fare_lines(
    tariff: TaxiTariff,
    *,
    distance_m: int,
    duration_s: int,
    stops: int,
    surge: Decimal,
    is_scheduled: bool,
    words: Words,
) -> list[Line]:
    km_minor = _rounded(Fraction(distance_m * tariff.km_minor, _KM_M))
    minutes_minor = _rounded(Fraction(duration_s * tariff.minute_minor, _MINUTE_S))
    lines = [
        _line(words, "taxi_base", tariff.base_minor, tariff),
        _line(words, "taxi_distance", km_minor, tariff, km=_tenths(distance_m, _KM_M)),
        _line(words, "taxi_time", minutes_minor, tariff, minutes=_tenths(duration_s, _MINUTE_S)),
        _line(words, "taxi_stops", stops * tariff.stop_minor, tariff, stops=stops),
    ]
    ride_minor = sum(line.amount_minor for line in lines)
    lines.append(_line(words, "taxi_minimum", max(0, tariff.minimum_minor - ride_minor), tariff))
    raised_minor = max(ride_minor, tariff.minimum_minor)
    extra = _rounded(Fraction(raised_minor) * (Fraction(surge) - 1))
    lines.append(_line(words, "taxi_surge", extra, tariff, factor=f"{surge.normalize():f}"))
    if is_scheduled:
        lines.append(_line(words, "taxi_schedule", tariff.schedule_minor, tariff))
    return [line for line in lines if line.amount_minor]


def _waiting(tariff: TaxiTariff, waited_s: int, words: Words) -> Iterable[Line]:
    minutes = ceil(max(0, waited_s - tariff.free_wait_s) / _MINUTE_S)
    if minutes and tariff.wait_minute_minor:
        yield _line(words, "taxi_wait", minutes * tariff.wait_minute_minor, tariff, minutes=minutes)


def _line(words: Words, code: str, amount_minor: int, tariff: TaxiTariff, **params: str | int) -> Line:
    return Line(
        code=code,
        text=words(f"line_{code}", **params),
        quantity=1,
        unit_price_minor=amount_minor,
        amount_minor=amount_minor,
        tax_rate=tariff.tax_rate,
        params=params,
    )


def _price(lines: Sequence[Line], tariff: TaxiTariff, words: Words) -> FarePrice:
    """Where prices contain the tax it has no line of its own."""
    taxes = tax_lines(((line.tax_rate or "0", line.amount_minor) for line in lines), inclusive=tariff.tax_inclusive)
    added = [] if tariff.tax_inclusive else [_tax_line(tax, words) for tax in taxes if tax.tax_minor]
    return FarePrice(
        lines=(*lines, *added),
        taxes=taxes,
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=sum(tax.gross_minor for tax in taxes),
    )


def _tax_line(tax: TaxLine, words: Words) -> Line:
    params: dict[str, str | int] = {"rate_pct": rate_pct(tax.rate)}
    return Line(
        code="tax",
        text=words("line_tax", **params),
        quantity=1,
        unit_price_minor=tax.tax_minor,
        amount_minor=tax.tax_minor,
        params=params,
    )


def _rounded(amount: Fraction) -> int:
    """Half up; no amount is below zero."""
    return int(amount + Fraction(1, 2))


def _tenths(amount: int, unit: int) -> str:
    return f"{_rounded(Fraction(amount * 10, unit)) / 10:.1f}"

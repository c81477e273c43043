"""What a booking, more time, its end and its cancellation cost. Pure; every amount in minor units, with its tax.

| what          | price                                                                                            |
|---------------|--------------------------------------------------------------------------------------------------|
| booking       | the package, and time beyond its hours by the rates; or all time by the rates; add-ons           |
| extension     | what the booking costs with the new end, less what it cost with the old one                      |
| end           | kilometres over the allowance; late time at `late_pct` of the rates and `late_fee_minor`, later  |
|               | than the grace; points of tank or battery that are missing, and the service once                 |
| cancellation  | `fee_pct` of what was paid, of the tier of the time that is left; all after the last tier        |
| no-show       | `no_show_pct` of what was paid                                                                   |
| early return  | `early_return_pct` of what the booking cost, less what it would have cost until the return, back |

Source: domain rules, Rental booking.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fractions import Fraction

from isotope.domain.pricing import Words, english, rate_pct, same_rate, tax_lines
from isotope.domain.pricing.model import Line, TaxLine, Unit
from isotope.domain.rental.local_time import started_days
from isotope.domain.rental.model import AddonKind, BookingPrice, BookingTerms, Interval, Rates
from isotope.domain.rental.rates import Span, cheapest, spans


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementFacts:
    """How a booking was used. None: the vehicle did not tell."""

    booked: Interval
    picked_up_at: datetime
    returned_at: datetime
    distance_m: int | None
    energy_missing_pct: int | None


def booking_price(
    terms: BookingTerms, interval: Interval, words: Words, laid: Sequence[Span] | None = None
) -> BookingPrice:
    """`laid`: the spans of the interval, where somebody has them for several models."""
    lines: list[Line] = []
    by_rates: Interval | None = interval
    if terms.package is not None:
        spec, title = terms.package.spec, terms.package.title
        lines.append(_line(words, "rental_package", 1, spec.price_minor, terms.tariff.tax_rate, title=title))
        covered = interval.start + timedelta(hours=spec.hours)
        by_rates = Interval(covered, interval.end) if covered < interval.end else None
        laid = None
    if by_rates is not None:
        laid = spans(by_rates, terms.time_zone) if laid is None else laid
        lines.extend(_time_lines(terms.tariff.rates, laid, terms.tariff.tax_rate, words))
    days = started_days(interval, terms.time_zone)
    for addon in terms.addons:
        is_daily = addon.spec.kind is AddonKind.PER_DAY
        lines.append(
            _line(
                words,
                "rental_addon_days" if is_daily else "rental_addon",
                days if is_daily else 1,
                addon.spec.price_minor,
                addon.spec.tax_rate or terms.tariff.tax_rate,
                "day" if is_daily else "once",
                title=addon.title,
            )
        )
    return _price(lines, words, inclusive=terms.tariff.tax_inclusive)


def extension_price(terms: BookingTerms, old: Interval, new_end: datetime, words: Words) -> BookingPrice:
    """Never below zero, in no tax rate: no part of a price falls with a later end."""
    before = _by_rate(booking_price(terms, old, words).taxes)
    after = _by_rate(booking_price(terms, Interval(old.start, new_end), words).taxes)
    taxes = tuple(tax for rate in after if (tax := _more(after[rate], before.get(rate))).gross_minor)
    inclusive = terms.tariff.tax_inclusive
    lines = [
        _line(words, "rental_extension", 1, tax.gross_minor if inclusive else tax.net_minor, tax.rate) for tax in taxes
    ]
    return _priced(lines, taxes, words, inclusive=inclusive)


def settlement_price(terms: BookingTerms, facts: SettlementFacts, words: Words) -> BookingPrice | None:
    """None: nothing came up."""
    lines = [*_km_lines(terms, facts, words), *_late_lines(terms, facts, words), *_energy_lines(terms, facts, words)]
    lines = [line for line in lines if line.amount_minor]
    return _price(lines, words, inclusive=terms.tariff.tax_inclusive) if lines else None


def included_km(terms: BookingTerms, booked: Interval) -> int | None:
    """Kilometres that cost nothing more; None: all."""
    if terms.package is not None and terms.package.spec.included_km is not None:
        return terms.package.spec.included_km
    per_day = terms.tariff.included_km_per_day
    return None if per_day is None else per_day * started_days(booked, terms.time_zone)


def cancel_pct(terms: BookingTerms, starts_at: datetime, now: datetime) -> int:
    """What is kept of the price, in per cent, when it is cancelled now."""
    left = starts_at - now
    kept = (tier.fee_pct for tier in terms.tariff.cancel if left >= timedelta(minutes=tier.before_min))
    return next(kept, 100) if left > timedelta(0) else 100


def cancel_fee_minor(terms: BookingTerms, paid_minor: int, starts_at: datetime, now: datetime) -> int:
    return part_of(paid_minor, cancel_pct(terms, starts_at, now))


def no_show_fee_minor(terms: BookingTerms, paid_minor: int) -> int:
    return part_of(paid_minor, terms.tariff.no_show_pct)


def early_return_minor(terms: BookingTerms, interval: Interval, returned_at: datetime) -> int:
    """What is given back because it was not used."""
    pct = terms.tariff.early_return_pct
    if pct == 0 or returned_at >= interval.end:
        return 0
    used = Interval(interval.start, max(returned_at, interval.start + timedelta(minutes=1)))
    unused_minor = booking_price(terms, interval, english).total_minor - booking_price(terms, used, english).total_minor
    return max(0, unused_minor) * pct // 100


def part_of(amount_minor: int, pct: int) -> int:
    """Rounded half up."""
    return (amount_minor * pct + 50) // 100


def _time_lines(rates: Rates, laid: Sequence[Span], tax_rate: str, words: Words) -> Iterable[Line]:
    paid = cheapest(rates, laid)
    units: tuple[tuple[Unit, int, int | None], ...] = (
        ("month", paid.months, rates.month_minor),
        ("week", paid.weeks, rates.week_minor),
        ("day", paid.days, rates.day_minor),
        ("hour", paid.hours, rates.hour_minor),
        ("minute", paid.minutes, rates.minute_minor),
    )
    for unit, count, price_minor in units:
        if count and price_minor is not None:
            yield _line(words, f"rental_{unit}s", count, price_minor, tax_rate, unit)


def _km_lines(terms: BookingTerms, facts: SettlementFacts, words: Words) -> Iterable[Line]:
    allowed = included_km(terms, facts.booked)
    if allowed is None or facts.distance_m is None:
        return
    over = -(-(facts.distance_m - allowed * 1_000) // 1_000)
    if over > 0:
        yield _line(words, "rental_km", over, terms.tariff.km_minor, terms.tariff.tax_rate, "km", included_km=allowed)


def _late_lines(terms: BookingTerms, facts: SettlementFacts, words: Words) -> Iterable[Line]:
    tariff, end = terms.tariff, facts.booked.end
    if facts.returned_at <= end + timedelta(minutes=terms.late_grace_min):
        return
    late = Interval(end, facts.returned_at)
    minutes = -(-int((late.end - late.start).total_seconds()) // 60)
    by_rates_minor = cheapest(tariff.rates, spans(late, terms.time_zone)).total_minor
    yield _line(
        words,
        "rental_late",
        1,
        part_of(by_rates_minor, tariff.late_pct),
        tariff.tax_rate,
        minutes=minutes,
        pct=tariff.late_pct,
    )
    yield _line(words, "rental_late_fee", 1, tariff.late_fee_minor, tariff.tax_rate)


def _energy_lines(terms: BookingTerms, facts: SettlementFacts, words: Words) -> Iterable[Line]:
    tariff = terms.tariff
    points = (facts.energy_missing_pct or 0) - tariff.energy_tolerance_pct
    if points > 0:
        yield _line(words, "rental_energy", points, tariff.energy_pct_minor, tariff.tax_rate, "pct")
        yield _line(words, "rental_energy_service", 1, tariff.energy_service_minor, tariff.tax_rate)


def _line(
    words: Words,
    code: str,
    quantity: int,
    unit_price_minor: int,
    tax_rate: str | None,
    unit: Unit = "once",
    **params: str | int,
) -> Line:
    return Line(
        code=code,
        text=words(f"line_{code}", **params),
        unit=unit,
        quantity=quantity,
        unit_price_minor=unit_price_minor,
        amount_minor=quantity * unit_price_minor,
        tax_rate=tax_rate,
        params=params,
    )


def _price(lines: Sequence[Line], words: Words, *, inclusive: bool) -> BookingPrice:
    taxes = tax_lines(((line.tax_rate or "0", line.amount_minor) for line in lines), inclusive=inclusive)
    return _priced(lines, taxes, words, inclusive=inclusive)


def _priced(lines: Sequence[Line], taxes: Sequence[TaxLine], words: Words, *, inclusive: bool) -> BookingPrice:
    """Where prices contain the tax it has no line of its own."""
    asked = () if inclusive else tuple(tax for tax in taxes if Fraction(tax.rate))
    return BookingPrice(
        lines=(*lines, *(_line(words, "tax", 1, tax.tax_minor, None, rate_pct=rate_pct(tax.rate)) for tax in asked)),
        taxes=tuple(taxes),
        net_minor=sum(tax.net_minor for tax in taxes),
        tax_minor=sum(tax.tax_minor for tax in taxes),
        total_minor=sum(tax.gross_minor for tax in taxes),
    )


def _by_rate(taxes: Sequence[TaxLine]) -> dict[str, TaxLine]:
    return {same_rate(tax.rate): tax for tax in taxes}


def _more(after: TaxLine, before: TaxLine | None) -> TaxLine:
    if before is None:
        return after
    return TaxLine(
        rate=after.rate,
        net_minor=after.net_minor - before.net_minor,
        tax_minor=after.tax_minor - before.tax_minor,
        gross_minor=after.gross_minor - before.gross_minor,
    )

"""The price of time: the cheapest combination of months, weeks, days, hours and minutes that covers it. Pure.

From the start first whole months and days of the calendar are laid (weeks are seven of its days), then hours and minutes
of the clock that never changes. What covers a booking covers every shorter one too, so that a later end is never cheaper.

30 hours at 10 an hour and 40 a day: 1 day and 6 hours are 100, 2 days are 80.

Not every number of days is tried. While days have 24 hours, seven days more cost the same at every place, and so do the
hours that they save; hence the best number is among the first seven, the last seven, and the seven on either side of a
day on which clocks are changed.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from isotope.domain.rental.local_time import months_later, shifted
from isotope.domain.rental.model import Interval, Rates

_WEEK: Final = 7
_HOUR: Final = 60
_DAY: Final = timedelta(days=1)
_MINUTE: Final = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Span:
    """So many months and then days of the calendar are laid; `left_min` started minutes are still to be covered."""

    months: int
    days: int
    left_min: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Combination:
    """How many of each are paid."""

    total_minor: int
    months: int = 0
    weeks: int = 0
    days: int = 0
    hours: int = 0
    minutes: int = 0

    @property
    def rank(self) -> tuple[int, int, tuple[int, ...]]:
        """Of two that cost the same, the one with fewer lines, then with more of what is longer."""
        counts = (self.months, self.weeks, self.days, self.hours, self.minutes)
        return self.total_minor, sum(count > 0 for count in counts), tuple(-count for count in counts)


def spans(interval: Interval, time_zone: str) -> tuple[Span, ...]:
    """The ways to lay months and days that can be the cheapest, by any rates. One calculation for all tariffs."""
    return tuple(_spans(interval, _Calendar(interval.start, time_zone)))


class _Calendar:
    """Instants so many months and days after a start; many ways lead to the same date, and it is looked up once."""

    def __init__(self, start: datetime, time_zone: str) -> None:
        self._start = start
        self._time_zone = time_zone
        self._first = start.astimezone(ZoneInfo(time_zone)).date()
        self._reached: dict[int, datetime] = {}

    def month(self, months: int) -> int:
        """Days from the start to the date so many months later."""
        return (months_later(self._first, months) - self._first).days

    def reached(self, days: int) -> datetime:
        if days not in self._reached:
            self._reached[days] = shifted(self._start, self._time_zone, days=days)
        return self._reached[days]


def _spans(interval: Interval, calendar: _Calendar) -> Iterator[Span]:
    months = 0
    while True:
        first = calendar.month(months)
        reached = [calendar.reached(first)]
        while reached[-1] < interval.end:
            reached.append(calendar.reached(first + len(reached)))
        for days in _worth_trying(reached):
            yield Span(months, days, max(0, -((reached[days] - interval.end) // _MINUTE)))
        if len(reached) == 1:
            return
        months += 1


def _worth_trying(reached: Sequence[datetime]) -> list[int]:
    """Numbers of days, by the rule above; `reached` has what each of them reaches."""
    last = len(reached) - 1
    bends = [0, last, *(nr for nr in range(1, last) if reached[nr] - reached[nr - 1] != _DAY)]
    return sorted({nr for bend in bends for nr in range(bend - _WEEK, bend + _WEEK) if 0 <= nr <= last})


def cheapest(rates: Rates, laid: Sequence[Span]) -> Combination:
    """Of what the rates can pay; see `Combination.rank`.

    Raises:
        ValueError: no span leaves nothing to cover, as the last of `spans` does.
    """
    payable = [(_least_minor(rates, span), span) for span in laid if _can_pay(rates, span)]
    least_minor = min(minor for minor, _span in payable)
    found = (one for minor, span in payable if minor == least_minor for one in _combinations(rates, span))
    return min(found, key=lambda one: one.rank)


def _can_pay(rates: Rates, span: Span) -> bool:
    return (
        (not span.months or rates.month_minor is not None)
        and (not span.days or rates.day_minor is not None or rates.week_minor is not None)
        and (not span.left_min or rates.hour_minor is not None or rates.minute_minor is not None)
    )


def _least_minor(rates: Rates, span: Span) -> int:
    return (
        span.months * (rates.month_minor or 0)
        + min(weeks * (rates.week_minor or 0) + days * (rates.day_minor or 0) for weeks, days in _days(rates, span))
        + min(
            hours * (rates.hour_minor or 0) + minutes * (rates.minute_minor or 0)
            for hours, minutes in _minutes(rates, span)
        )
    )


def _combinations(rates: Rates, span: Span) -> Iterator[Combination]:
    for weeks, days in _days(rates, span):
        for hours, minutes in _minutes(rates, span):
            yield Combination(
                total_minor=span.months * (rates.month_minor or 0)
                + weeks * (rates.week_minor or 0)
                + days * (rates.day_minor or 0)
                + hours * (rates.hour_minor or 0)
                + minutes * (rates.minute_minor or 0),
                months=span.months,
                weeks=weeks,
                days=days,
                hours=hours,
                minutes=minutes,
            )


def _days(rates: Rates, span: Span) -> Iterator[tuple[int, int]]:
    """Weeks and days that cover the span's days."""
    return _covers(span.days, _WEEK, has_large=rates.week_minor is not None, has_small=rates.day_minor is not None)


def _minutes(rates: Rates, span: Span) -> Iterator[tuple[int, int]]:
    """Hours and minutes that cover what is left, likewise."""
    return _covers(
        span.left_min, _HOUR, has_large=rates.hour_minor is not None, has_small=rates.minute_minor is not None
    )


def _covers(count: int, size: int, *, has_large: bool, has_small: bool) -> Iterator[tuple[int, int]]:
    """By the small unit alone, by as many of the large as fit, by the large alone: in between the price is linear."""
    if count == 0:
        yield 0, 0
        return
    if has_small:
        yield 0, count
    if has_large:
        yield -(-count // size), 0
        if has_small and count > size:
            yield count // size, count % size

"""Rentals by the operator's clock: dates as apps write them, days of the calendar, opening hours. Pure.

A time without an offset is the operator's local time. On days on which clocks are changed:

| local time              | is taken as                                                    |
|-------------------------|----------------------------------------------------------------|
| does not exist (spring) | as if the clock had not been put forward: 03:30 becomes 04:30  |
| exists twice (autumn)   | the first of the two; with an offset either can be meant       |

That is `fold=0` of PEP 495, and counts too where days are added: from 03:30 on the day before is a day to 04:30 then.
"""

from calendar import monthrange
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Final, Literal
from zoneinfo import ZoneInfo

from isotope.domain.rental.model import Interval, RentalPackageSpec, Station, StationSpec
from isotope.kernel.time_windows import TimeWindow, is_open

Closed = Literal["closed_day", "closed_hours"]

ACCEPTED: Final = (
    "ISO 8601, such as 2026-12-24T10:00:00 (the operator's local time) or 2026-12-24T10:00:00+02:00 (with its offset)"
)
_FIRST_YEAR: Final = 2000
_LAST_YEAR: Final = 2200


def parse_local(text: str, time_zone: str) -> datetime:
    """The instant in UTC, in whole seconds.

    Raises:
        ValueError: it is not `ACCEPTED`, or no year that anybody books for.
    """
    try:
        read = datetime.fromisoformat(text.strip())
    except ValueError as error:
        raise ValueError(ACCEPTED) from error
    if not _FIRST_YEAR <= read.year < _LAST_YEAR:
        raise ValueError(ACCEPTED)
    read = read.replace(microsecond=0, fold=0)
    if read.tzinfo is None:
        read = read.replace(tzinfo=ZoneInfo(time_zone))
    return read.astimezone(UTC)


def local_text(at: datetime, time_zone: str) -> str:
    """`2026-12-24T10:00:00+02:00`."""
    return at.astimezone(ZoneInfo(time_zone)).isoformat(timespec="seconds")


def shifted(at: datetime, time_zone: str, *, months: int = 0, days: int = 0) -> datetime:
    """So many months of the calendar, then so many days, later by the clock on the wall; in UTC.

    None of either: the same instant, also in an hour that comes twice.
    """
    if not months and not days:
        return at
    wall = at.astimezone(ZoneInfo(time_zone)).replace(fold=0)
    day = months_later(wall.date(), months) + timedelta(days=days)
    return wall.replace(year=day.year, month=day.month, day=day.day).astimezone(UTC)


def months_later(day: date, months: int) -> date:
    """A day that the month does not have becomes its last."""
    month = day.month - 1 + months
    year, month = day.year + month // 12, month % 12 + 1
    return date(year, month, min(day.day, monthrange(year, month)[1]))


def started_days(interval: Interval, time_zone: str) -> int:
    """Days of the calendar from the start that cover it; at least one."""
    days = max(1, (interval.end - interval.start).days)
    while days > 1 and shifted(interval.start, time_zone, days=days - 1) >= interval.end:
        days -= 1
    while shifted(interval.start, time_zone, days=days) < interval.end:
        days += 1
    return days


def may_start_or_end(station: Station, at: datetime, time_zone: str, *, is_end: bool = False) -> Closed | None:
    """Why nobody can begin or end a booking then. One may end at the minute at which the station closes."""
    local = at.astimezone(ZoneInfo(time_zone))
    why = _closed(station.spec, local)
    if why is None or not is_end:
        return why
    return why if _closed(station.spec, _minute_before(local)) else None


def _closed(spec: StationSpec, local: datetime) -> Closed | None:
    if local.date().isoformat() in spec.closed:
        return "closed_day"
    return None if is_open(spec.opening, local) else "closed_hours"


def package_fits(spec: RentalPackageSpec, model_ref: str, interval: Interval, time_zone: str) -> bool:
    """Whether the package can be had: for the model, and with the whole booking in its windows."""
    if spec.models and model_ref not in spec.models:
        return False
    zone = ZoneInfo(time_zone)
    moments = _moments(spec.windows, interval, zone)
    return all(is_open(spec.windows, moment.astimezone(zone)) for moment in moments)


def _moments(windows: Sequence[TimeWindow], interval: Interval, zone: ZoneInfo) -> Iterator[datetime]:
    """The start, and every instant within at which one of the windows may open or close."""
    yield interval.start
    if not windows:
        return
    clocks = {window.start for window in windows} | {window.end for window in windows}
    day = interval.start.astimezone(zone).replace(hour=0, minute=0, second=0, microsecond=0, fold=0)
    while day.astimezone(UTC) < interval.end:
        following = (day + timedelta(days=1)).replace(fold=0)
        yield from (at for at in _edges(day, following, clocks) if interval.start < at < interval.end)
        day = following


def _edges(day: datetime, following: datetime, clocks: set[str]) -> Iterator[datetime]:
    if day.utcoffset() == following.utcoffset():
        for clock in clocks:
            yield (day + timedelta(minutes=_minutes(clock))).astimezone(UTC)
        return
    # The clock is changed on this day: every quarter of an hour, and each wall time as often as it comes.
    at, end = day.astimezone(UTC), following.astimezone(UTC)
    while at < end:
        yield at
        at += timedelta(minutes=15)
    for clock in clocks:
        wall = day + timedelta(minutes=_minutes(clock))
        yield wall.replace(fold=0).astimezone(UTC)
        yield wall.replace(fold=1).astimezone(UTC)


def _minutes(clock: str) -> int:
    return int(clock[:2]) * 60 + int(clock[3:])


def _minute_before(local: datetime) -> datetime:
    return (local.astimezone(UTC) - timedelta(minutes=1)).astimezone(local.tzinfo)

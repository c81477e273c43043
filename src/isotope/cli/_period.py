"""Days of an operator as a stretch of time."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

DAY_FORMATS = ["%Y-%m-%d"]


@dataclass(frozen=True, slots=True)
class Period:
    """Everything with `since <= at < until`, both UTC."""

    since: datetime
    until: datetime


def period_of_days(first: date, end: date, time_zone: str) -> Period:
    """From the beginning of `first` to the beginning of `end` (half-open), as the operator's clocks tell it."""
    zone = ZoneInfo(time_zone)
    return Period(
        since=datetime.combine(first, time(), zone).astimezone(UTC),
        until=datetime.combine(end, time(), zone).astimezone(UTC),
    )

"""Times of the week by an operator's clock: when a zone, a package or a surcharge counts. Pure.

An instant has exactly one local time, so the answer is clear on the days on which clocks are changed too: in the hour
that comes twice a window is open twice, and a window inside the hour that is left out never opens.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final

import msgspec
from msgspec import Meta


class Weekday(StrEnum):
    """In the order of `date.weekday()`."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"
    SUN = "sun"


Clock = Annotated[str, Meta(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$", description="local time of day, HH:MM")]
ClockEnd = Annotated[str, Meta(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", description="HH:MM, or 24:00")]


class TimeWindow(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, rename={"start": "from", "end": "to"}
):
    """From `start` (included) to `end` (excluded), by the operator's clock.

    An `end` that is not after `start` lies on the next day: 22:00 to 06:00 on `fri` ends on Saturday morning, and
    08:00 to 08:00 is 24 hours. No weekdays: every day.
    """

    weekdays: Annotated[tuple[Weekday, ...], Meta(max_length=7)] = ()
    start: Clock = "00:00"
    end: ClockEnd = "24:00"


_DAYS: Final = tuple(Weekday)


def is_open(windows: Sequence[TimeWindow], local: datetime) -> bool:
    """Whether any of the windows is open at this local time; no windows are always open."""
    if not windows:
        return True
    minute = local.hour * 60 + local.minute
    today = _DAYS[local.weekday()]
    yesterday = _DAYS[local.weekday() - 1]
    return any(_is_open(window, minute, today, yesterday) for window in windows)


def _is_open(window: TimeWindow, minute: int, today: Weekday, yesterday: Weekday) -> bool:
    start, end = _minute(window.start), _minute(window.end)
    if start < end:
        return start <= minute < end and _has(window, today)
    return (minute >= start and _has(window, today)) or (minute < end and _has(window, yesterday))


def _has(window: TimeWindow, day: Weekday) -> bool:
    return not window.weekdays or day in window.weekdays


def _minute(text: str) -> int:
    return int(text[:2]) * 60 + int(text[3:])

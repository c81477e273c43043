"""When a zone counts: time windows by the operator's clock. Pure.

An instant has exactly one local time, so the answer is clear on the days on which clocks are changed too: in the hour
that comes twice a window is open twice, and a window inside the hour that is left out never opens.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from isotope.domain.zones.model import TimeWindow, Weekday

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

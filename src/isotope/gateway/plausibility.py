"""What of a report is believed. Pure: facts in, judgement out; nothing is ever unlocked or ended on such data alone.

| finding                                   | what is done                                           | flag             |
|-------------------------------------------|--------------------------------------------------------|------------------|
| device time more than 25 h ahead          | dropped, and acknowledged so that it does not come again | (dropped)      |
| device time more than 5 min ahead         | receipt time stands for it                             | clock_ahead      |
| device time ahead by less                 | receipt time stands for it                             |                  |
| device time before 2020, live             | receipt time stands for it                             | clock_lost       |
| device time before 2020, buffered         | dropped: nobody knows when it was                      | (dropped)        |
| fix time after the device's               | the device's stands for it                             |                  |
| position 0/0                              | no position: that is what receivers without a fix say  | no_fix           |
| more than 300 km/h from the last position | kept in the history only, until the next one agrees    | jump             |
| battery above 100 %                       | unknown                                                | battery_range    |
| speed above 300 km/h                      | unknown                                                | speed_range      |
| odometer below the last one               | as it is                                               | odometer_back    |
| the same (number, time, event) again      | not stored again, acknowledged again                   | (repetition)     |
"""

from collections import deque
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Final

import msgspec

from isotope.iot.model import JUMP, Report
from isotope.kernel.geo import Point, distance_m

_DROP_AHEAD: Final = timedelta(hours=25)
_MARK_AHEAD: Final = timedelta(minutes=5)
_BEFORE: Final = datetime(2020, 1, 1, tzinfo=UTC)
_FASTEST_KMH: Final = 300.0
# Two good fixes of a standing unit may lie so far apart.
_FIX_ERROR_M: Final = 150.0
_REMEMBERED: Final = 48


class Flag(StrEnum):
    """What was doubtful about a report that was stored."""

    CLOCK_AHEAD = "clock_ahead"
    CLOCK_LOST = "clock_lost"
    NO_FIX = "no_fix"
    JUMP = JUMP
    BATTERY_RANGE = "battery_range"
    SPEED_RANGE = "speed_range"
    ODOMETER_BACK = "odometer_back"


class Verdict(StrEnum):
    """What becomes of a report."""

    LIVE = "live"
    HISTORY = "history"
    REPEATED = "repeated"
    DROPPED = "dropped"


@dataclass(slots=True)
class UnitMemory:
    """What a gateway remembers of a unit to judge its next report; survives its reconnects."""

    fix: Point | None = None
    fix_at: datetime | None = None
    doubted: Point | None = None
    doubted_at: datetime | None = None
    odometer_m: int | None = None
    recent: deque[tuple[int, datetime, str]] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A report with what is believed of it."""

    report: Report
    verdict: Verdict
    flags: tuple[str, ...] = ()


@dataclass(slots=True)
class Case:
    """A report while it is judged: the steps change it in order."""

    report: Report
    memory: UnitMemory
    received_at: datetime
    flags: list[str] = field(default_factory=list)
    verdict: Verdict | None = None

    def change(self, **parts: object) -> None:
        self.report = replace(self.report, **parts)  # type: ignore[arg-type]


def judge_repetition(case: Case) -> None:
    """A unit sends again what it saw no acknowledgement of."""
    key = (case.report.seq, case.report.device_at, case.report.event)
    if key in case.memory.recent:
        case.verdict = Verdict.REPEATED
    else:
        case.memory.recent.append(key)


def judge_clock(case: Case) -> None:
    """After this no time of the report lies ahead of its receipt."""
    report, received_at = case.report, case.received_at
    ahead = report.device_at - received_at
    if ahead > _DROP_AHEAD or (report.buffered and report.device_at < _BEFORE):
        case.verdict = Verdict.DROPPED
        return
    if ahead > _MARK_AHEAD:
        case.flags.append(Flag.CLOCK_AHEAD)
    if report.device_at < _BEFORE:
        case.flags.append(Flag.CLOCK_LOST)
        case.change(device_at=received_at, fix_at=None if report.fix_at is None else received_at)
    elif ahead > timedelta(0):
        case.change(device_at=received_at)
    fix_at = case.report.fix_at
    if fix_at is not None and fix_at > case.report.device_at:
        case.change(fix_at=case.report.device_at)


def judge_values(case: Case) -> None:
    report, memory = case.report, case.memory
    if any(pct is not None and pct > 100 for pct in (report.battery_pct, report.iot_battery_pct)):  # noqa: PLR2004
        case.flags.append(Flag.BATTERY_RANGE)
        case.change(battery_pct=_percentage(report.battery_pct), iot_battery_pct=_percentage(report.iot_battery_pct))
    if report.speed_kmh is not None and report.speed_kmh > _FASTEST_KMH:
        case.flags.append(Flag.SPEED_RANGE)
        case.change(speed_kmh=None)
    if report.odometer_m is not None and not report.buffered:
        if memory.odometer_m is not None and report.odometer_m < memory.odometer_m:
            case.flags.append(Flag.ODOMETER_BACK)
        memory.odometer_m = report.odometer_m


def judge_position(case: Case) -> None:
    """A position that could not have been reached is doubted until the next one is near it."""
    report, memory = case.report, case.memory
    if report.lat is None or report.lon is None or report.fix_at is None:
        return
    if report.lat == 0 and report.lon == 0:
        case.flags.append(Flag.NO_FIX)
        case.change(lat=None, lon=None, fix_at=None)
        return
    if report.buffered:
        return
    here, at = Point(report.lat, report.lon), report.fix_at
    if _is_reachable(memory.fix, memory.fix_at, here, at) or (
        memory.doubted is not None and _is_reachable(memory.doubted, memory.doubted_at, here, at)
    ):
        memory.fix, memory.fix_at, memory.doubted, memory.doubted_at = here, at, None, None
    else:
        memory.doubted, memory.doubted_at = here, at
        case.flags.append(Flag.JUMP)


def judge(report: Report, memory: UnitMemory, received_at: datetime) -> Judged:
    """Everything above, in order; changes the memory."""
    case = Case(report, memory, received_at)
    for step in (judge_repetition, judge_clock, judge_values, judge_position):
        step(case)
        if case.verdict is not None:
            break
    verdict = case.verdict or (Verdict.HISTORY if report.buffered else Verdict.LIVE)
    return Judged(report=case.report, verdict=verdict, flags=tuple(case.flags))


def _is_reachable(fix: Point | None, fix_at: datetime | None, here: Point, at: datetime) -> bool:
    if fix is None or fix_at is None:
        return True
    seconds = max(1.0, abs((at - fix_at).total_seconds()))
    beyond_m = distance_m(fix, here) - _FIX_ERROR_M
    return beyond_m / seconds * 3.6 <= _FASTEST_KMH


def _percentage(pct: int | None) -> int | None:
    return None if pct is None or pct > 100 else pct  # noqa: PLR2004

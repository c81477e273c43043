"""Rides that pause or end by themselves. Pure.

What a look at a running ride comes to (first match; each rule is off where its setting is null):

| fact                                                                     | wanted                  |
|--------------------------------------------------------------------------|-------------------------|
| it waits for its vehicle's word, or is over                              | NOTHING                 |
| rides, locked and unmoved ever since the start, for `ghost_min`, heard   | END_FREE, ghost         |
| not heard of for `contact_lost_min`, unless paused and its lock closed   | ALERT, contact_lost     |
| in all longer than `ride_max_min`                                        | end, ride_too_long      |
| paused, and in all longer than `pause_max_min`                           | end, paused_too_long    |
| battery below `battery_pct`                                              | end, battery_low        |
| rides, and stands for `end_idle_min`                                     | end, idle               |
| rides, stands for `pause_idle_min` and said so lately, and is no ghost   | PAUSE, idle             |
| else                                                                     | NOTHING                 |

What is wanted to end, ends only where and when that is safe and legal:

| the vehicle                                            | rides may end there | step                         |
|--------------------------------------------------------|---------------------|------------------------------|
| paused, and its lock said that it is closed            | yes                 | END                          |
| paused, and its lock said that it is closed            | no                  | ALERT, the reason            |
| did not close its lock `MOST_TRIES` times              | any                 | ALERT, lock_fails            |
| said lately that it stands                             | yes                 | END                          |
| said lately that it stands                             | no                  | ALERT, the reason            |
| rides on, or nobody knows                              | any                 | NOTHING; it is looked at again |

An ALERT that was raised for this ride already is NOTHING. Nothing is ever locked that may be moving.
Source: domain rules, "Auto-pause reasons", "Auto-end after inactivity only where ending is allowed; otherwise alert +
task", "No ghost rides".
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final, Literal

from isotope.domain.sharing.funds import STOP_NOT_CONFIRMED
from isotope.domain.sharing.model import EventKind, Outcome, RideEvent
from isotope.domain.tenants.model import AutoSettings
from isotope.kernel.geo import Point, distance_m

# A position wanders while the vehicle stands; an odometer hardly does.
WANDERS_M: Final = 60
PUSHED_M: Final = 20
MOST_TRIES: Final = 3

CONTACT_LOST: Final = "contact_lost"
LOCK_FAILS: Final = "lock_fails"


class AutoStep(StrEnum):
    """What is done by itself."""

    NOTHING = "NOTHING"
    PAUSE = "PAUSE"
    END = "END"
    END_FREE = "END_FREE"
    ALERT = "ALERT"


@dataclass(frozen=True, slots=True, kw_only=True)
class AutoFacts:
    """What a look decides on.

    Attributes:
        phase: OTHER waits for the vehicle's word or is over.
        ride_s: since the start, pauses included.
        pause_s: all pauses, the running one included.
        idle_s: for how long it has stood while it could be ridden.
        moved: it has been somewhere else than at its start.
        locked: what its lock said last.
        silent_s: since it was heard of; None: never.
        stands: its unit said so lately.
        may_end: rides may end where it is.
        failed_locks: how often it did not lock when it was to end by itself.
        alerted: the reasons for which staff were called for this ride.
    """

    phase: Literal["RIDING", "PAUSED", "OTHER"]
    ride_s: float
    pause_s: float
    idle_s: float
    moved: bool
    locked: bool | None
    silent_s: float | None
    battery_pct: int | None
    stands: bool
    may_end: bool
    failed_locks: int
    alerted: Collection[str]


@dataclass(frozen=True, slots=True)
class AutoDecision:
    """The step, and why, in the words of `Outcome` or the two that are none."""

    step: AutoStep
    reason: str = ""


NOTHING: Final = AutoDecision(AutoStep.NOTHING)


def auto_step(settings: AutoSettings, facts: AutoFacts) -> AutoDecision:
    """By the tables above."""
    wanted = _wanted(settings, facts)
    if wanted.step is AutoStep.END:
        wanted = _safely(facts, wanted.reason)
    return NOTHING if wanted.step is AutoStep.ALERT and wanted.reason in facts.alerted else wanted


def _wanted(settings: AutoSettings, facts: AutoFacts) -> AutoDecision:
    if facts.phase == "OTHER":
        return NOTHING
    rides = facts.phase == "RIDING"
    is_locked = not rides and facts.locked is True
    is_lost = facts.silent_s is None or _reached(facts.silent_s, settings.contact_lost_min)
    never_rode = rides and not facts.moved and facts.locked is True
    is_still = rides and facts.stands and not never_rode
    is_empty = (
        settings.battery_pct is not None and facts.battery_pct is not None and facts.battery_pct < settings.battery_pct
    )
    rules = (
        (never_rode and not is_lost and _reached(facts.idle_s, settings.ghost_min), AutoStep.END_FREE, Outcome.GHOST),
        (is_lost and settings.contact_lost_min is not None and not is_locked, AutoStep.ALERT, CONTACT_LOST),
        (_reached(facts.ride_s, settings.ride_max_min), AutoStep.END, Outcome.RIDE_TOO_LONG),
        (not rides and _reached(facts.pause_s, settings.pause_max_min), AutoStep.END, Outcome.PAUSED_TOO_LONG),
        (is_empty, AutoStep.END, Outcome.BATTERY_LOW),
        (rides and _reached(facts.idle_s, settings.end_idle_min), AutoStep.END, Outcome.IDLE),
        (is_still and _reached(facts.idle_s, settings.pause_idle_min), AutoStep.PAUSE, Outcome.IDLE),
    )
    return next((AutoDecision(step, reason) for is_so, step, reason in rules if is_so), NOTHING)


def _safely(facts: AutoFacts, reason: str) -> AutoDecision:
    is_locked = facts.phase == "PAUSED" and facts.locked is True
    if not is_locked and facts.failed_locks >= MOST_TRIES:
        return AutoDecision(AutoStep.ALERT, LOCK_FAILS)
    if not is_locked and not facts.stands:
        return NOTHING
    return AutoDecision(AutoStep.END if facts.may_end else AutoStep.ALERT, reason)


def _reached(seconds: float, minutes: int | None) -> bool:
    return minutes is not None and seconds >= minutes * 60


@dataclass(frozen=True, slots=True)
class Standstill:
    """Where a vehicle was, and what it had ridden, when it was last seen to have moved."""

    at: Point
    odometer_m: int
    since: datetime


def has_moved(before: Standstill, at: Point, odometer_m: int) -> bool:
    """By either; a position that wanders is no movement."""
    return odometer_m - before.odometer_m > PUSHED_M or distance_m(before.at, at) > WANDERS_M


def idle_since(still: Standstill, events: Sequence[RideEvent]) -> datetime:
    """Since when it has stood while it could be ridden: not before it was unlocked last."""
    unlocked = [event.at for event in events if event.kind in (EventKind.STARTED, EventKind.RESUMED)]
    return max([still.since, *unlocked])


def alerted_for(events: Sequence[RideEvent]) -> set[str]:
    """The reasons for which staff were called for this ride."""
    return {str(event.data.get("reason")) for event in events if event.kind is EventKind.ALERTED}


def failed_locks(events: Sequence[RideEvent], now: datetime) -> int:
    """How often the vehicle did not lock when it was to end by itself, in the last hour."""
    return sum(
        event.kind is EventKind.END_REFUSED
        and event.data.get("reason") == STOP_NOT_CONFIRMED
        and now - event.at < timedelta(hours=1)
        for event in events
    )

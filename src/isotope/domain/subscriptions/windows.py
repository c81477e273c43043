"""In which window of its limits something counts, and what is left in it. Pure.

A period is half-open: its end belongs to the next. Days have 24 hours, whatever clocks on walls do.

========  ============================================  ==============================================
limits    windows                                       example: period from Mon 08:00 of 3 days
========  ============================================  ==============================================
daily     [start + n * 24 h, start + (n + 1) * 24 h)    Tue 07:59 is in the first, Tue 08:00 in the second
whole     [start, end)                                  Thu 07:59 is in it, Thu 08:00 in none
========  ============================================  ==============================================

Source: domain rules, "subscription limits reset 24 h after purchase (daily) or never (whole)".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions.model import Limits

DAY: Final = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Window:
    """From `start` on, before `end`."""

    start: datetime
    end: datetime


def window_at(limits: Limits, starts_at: datetime, ends_at: datetime, at: datetime) -> Window | None:
    """The window of the period in which `at` is; None outside of the period."""
    if not starts_at <= at < ends_at:
        return None
    if limits == "whole":
        return Window(starts_at, ends_at)
    start = starts_at + (at - starts_at) // DAY * DAY
    return Window(start, min(start + DAY, ends_at))


def quota_left(limit: Quota, used: Quota) -> Quota:
    """Never below zero."""
    return Quota(
        unlocks=max(0, limit.unlocks - used.unlocks),
        ride_min=max(0, limit.ride_min - used.ride_min),
        pause_min=max(0, limit.pause_min - used.pause_min),
        km=max(0, limit.km - used.km),
    )


def quota_sum(one: Quota, other: Quota) -> Quota:
    """Of each kind the sum."""
    return Quota(
        unlocks=one.unlocks + other.unlocks,
        ride_min=one.ride_min + other.ride_min,
        pause_min=one.pause_min + other.pause_min,
        km=one.km + other.km,
    )

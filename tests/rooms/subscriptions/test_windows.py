"""When limits reset: 24 h after the purchase, or never."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions.model import Limits
from isotope.domain.subscriptions.windows import DAY, Window, quota_left, quota_sum, window_at

START = datetime(2026, 3, 28, 8, 0, tzinfo=UTC)
END = START + 3 * DAY
FIRST, SECOND, THIRD = (Window(START + nr * DAY, START + (nr + 1) * DAY) for nr in range(3))
WHOLE = Window(START, END)
TICK = timedelta(microseconds=1)


@pytest.mark.parametrize(
    ("limits", "at", "expected"),
    [
        ("daily", START - TICK, None),
        ("daily", START, FIRST),
        ("daily", START + DAY - TICK, FIRST),
        # The clocks of Europe change in this night: 24 hours are 24 hours.
        ("daily", START + DAY, SECOND),
        ("daily", START + 2 * DAY, THIRD),
        ("daily", END - TICK, THIRD),
        ("daily", END, None),
        ("whole", START - TICK, None),
        ("whole", START, WHOLE),
        ("whole", START + DAY, WHOLE),
        ("whole", END - TICK, WHOLE),
        ("whole", END, None),
    ],
)
def test_windows(limits: Limits, at: datetime, expected: Window | None) -> None:
    assert window_at(limits, START, END, at) == expected


_LIMITS: st.SearchStrategy[Limits] = st.sampled_from(("daily", "whole"))


@given(
    limits=_LIMITS,
    days=st.integers(1, 400),
    offset=st.timedeltas(timedelta(days=-10), timedelta(days=410)),
    start=st.timedeltas(timedelta(days=-3_000), timedelta(days=3_000)).map(START.__add__),
)
def test_every_moment_of_a_period_is_in_one_window(
    limits: Limits, days: int, offset: timedelta, start: datetime
) -> None:
    end, at = start + timedelta(days=days), start + offset
    window = window_at(limits, start, end, at)
    assert (window is not None) == (start <= at < end)
    if window is None:
        return
    assert start <= window.start <= at < window.end <= end
    assert window.end - window.start == (DAY if limits == "daily" else end - start)
    assert (window.start - start) % DAY == timedelta(0)
    # Every moment of a window says the same, its end says the next.
    assert window_at(limits, start, end, window.start) == window == window_at(limits, start, end, window.end - TICK)
    after = window_at(limits, start, end, window.end)
    assert after is None if window.end == end else after is not None and after.start == window.end


_QUOTAS = st.builds(
    Quota,
    unlocks=st.integers(0, 9),
    ride_min=st.integers(0, 9),
    pause_min=st.integers(0, 9),
    km=st.integers(0, 9),
)


@given(limit=_QUOTAS, used=_QUOTAS)
def test_what_is_left_and_what_was_used_make_the_limit(limit: Quota, used: Quota) -> None:
    left = quota_left(limit, used)
    total = quota_sum(left, used)
    for name in ("unlocks", "ride_min", "pause_min", "km"):
        assert getattr(left, name) >= 0
        assert getattr(total, name) == max(getattr(limit, name), getattr(used, name))

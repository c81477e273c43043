"""From recorded events to seconds."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing import Usage, UsageEvent, usage

T0 = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return T0 + timedelta(seconds=seconds)


def metered(*events: tuple[str, float], until: float) -> tuple[int, int]:
    used = usage([UsageEvent(kind, at(seconds)) for kind, seconds in events], at(until))
    return used.ride_s, used.pause_s


STARTED, PAUSED, RESUMED, ENDED = "STARTED", "PAUSED", "RESUMED", "ENDED"


@pytest.mark.parametrize(
    ("events", "until", "ridden", "paused"),
    [
        # nothing yet
        ([], 100, 0, 0),
        ([("REQUESTED", 0)], 100, 0, 0),
        # runs, then has ended
        ([(STARTED, 0)], 0, 0, 0),
        ([(STARTED, 0)], 61, 61, 0),
        ([(STARTED, 5), (ENDED, 65)], 65, 60, 0),
        ([(STARTED, 5), (ENDED, 65)], 9999, 60, 0),
        # pauses: closed, several, open at the end, ended while paused
        ([(STARTED, 0), (PAUSED, 100), (RESUMED, 130), (ENDED, 200)], 200, 170, 30),
        ([(STARTED, 0), (PAUSED, 10), (RESUMED, 11), (PAUSED, 20), (RESUMED, 29), (ENDED, 40)], 40, 30, 10),
        ([(STARTED, 0), (PAUSED, 100)], 250, 100, 150),
        ([(STARTED, 0), (PAUSED, 100), (ENDED, 160)], 300, 100, 60),
        # what does not fit changes nothing
        ([(STARTED, 0), (PAUSED, 100), (PAUSED, 120), (RESUMED, 160), (ENDED, 200)], 200, 140, 60),
        ([(STARTED, 0), (RESUMED, 50), (ENDED, 100)], 100, 100, 0),
        ([(PAUSED, 0), (STARTED, 50), (ENDED, 100)], 100, 50, 0),
        ([(STARTED, 0), (STARTED, 50), (ENDED, 100)], 100, 100, 0),
        ([(STARTED, 0), (ENDED, 100), (RESUMED, 150), (PAUSED, 200), (STARTED, 250)], 999, 100, 0),
        ([(STARTED, 0), ("END_REFUSED", 50), ("anything", 60), (ENDED, 100)], 100, 100, 0),
        # a clock that runs backwards: the recorded order counts, no second is negative or billed twice
        ([(STARTED, 0), (PAUSED, 100), (RESUMED, 90), (ENDED, 150)], 150, 150, 0),
        ([(STARTED, 100), (ENDED, 90)], 200, 0, 0),
        ([(STARTED, 0), (PAUSED, 100), (RESUMED, 40), (PAUSED, 50), (RESUMED, 120)], 120, 100, 20),
        # what is later than `until` has not happened yet
        ([(STARTED, 0), (PAUSED, 100), (RESUMED, 130), (ENDED, 200)], 110, 100, 10),
        ([(STARTED, 100)], 50, 0, 0),
        # fractions are summed and dropped once
        ([(STARTED, 0), (ENDED, 60.9)], 61, 60, 0),
        ([(STARTED, 0), (PAUSED, 10), (RESUMED, 10.6), (PAUSED, 20), (RESUMED, 20.6), (ENDED, 30)], 30, 28, 1),
    ],
)
def test_the_meter(events: list[tuple[str, float]], until: float, ridden: int, paused: int) -> None:
    assert metered(*events, until=until) == (ridden, paused)


def test_the_same_events_tell_the_usage_at_any_moment() -> None:
    events = [(STARTED, 0.0), (PAUSED, 60.0), (RESUMED, 90.0), (ENDED, 150.0)]
    assert [metered(*events, until=moment) for moment in (0, 60, 75, 90, 120, 150, 999)] == [
        (0, 0),
        (60, 0),
        (60, 15),
        (60, 30),
        (90, 30),
        (120, 30),
        (120, 30),
    ]


def test_instants_of_any_zone_are_instants() -> None:
    helsinki = datetime.fromisoformat("2026-06-01T15:00:30+03:00")
    assert usage([UsageEvent(STARTED, T0)], helsinki) == Usage(ride_s=30, pause_s=0)


@given(
    meter=st.lists(st.tuples(st.sampled_from([STARTED, PAUSED, RESUMED]), st.integers(0, 500)), max_size=8),
    others=st.lists(
        st.tuples(
            st.integers(0, 8),
            st.sampled_from(["REQUESTED", "END_REFUSED", "FUNDS_LOW", "SLOWED", "RELEASED"]),
            st.integers(-100, 900),
        ),
        max_size=5,
    ),
    until=st.integers(0, 600),
)
def test_what_else_is_recorded_of_a_ride_never_changes_its_price(
    meter: list[tuple[str, int]], others: list[tuple[int, str, int]], until: int
) -> None:
    """Wherever it stands, and whatever a clock that goes wrong says of its time."""
    mixed = list(meter)
    for place, kind, seconds in others:
        mixed.insert(place, (kind, seconds))
    assert metered(*mixed, until=until) == metered(*meter, until=until)

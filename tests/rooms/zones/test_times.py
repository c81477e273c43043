from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import msgspec
import pytest

from isotope.kernel.time_windows import TimeWindow, Weekday, is_open

HELSINKI = ZoneInfo("Europe/Helsinki")
NIGHT = TimeWindow(weekdays=(Weekday.FRI,), start="22:00", end="06:00")
OFFICE = TimeWindow(weekdays=(Weekday.MON, Weekday.TUE), start="08:00", end="17:30")


def local(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=HELSINKI)


@pytest.mark.parametrize(
    ("window", "at", "expected"),
    [
        (OFFICE, "2026-06-01T07:59:59", False),  # a Monday
        (OFFICE, "2026-06-01T08:00:00", True),
        (OFFICE, "2026-06-02T17:29:59", True),
        (OFFICE, "2026-06-02T17:30:00", False),
        (OFFICE, "2026-06-03T12:00:00", False),
        (NIGHT, "2026-06-05T21:59:59", False),  # a Friday
        (NIGHT, "2026-06-05T22:00:00", True),
        (NIGHT, "2026-06-06T05:59:59", True),
        (NIGHT, "2026-06-06T06:00:00", False),
        (NIGHT, "2026-06-06T23:00:00", False),
        (NIGHT, "2026-06-05T01:00:00", False),  # the night from Thursday
        (TimeWindow(), "2026-06-06T00:00:00", True),
        (TimeWindow(), "2026-06-06T23:59:59", True),
        (TimeWindow(start="08:00", end="08:00", weekdays=(Weekday.SUN,)), "2026-06-07T08:00:00", True),
        (TimeWindow(start="08:00", end="08:00", weekdays=(Weekday.SUN,)), "2026-06-08T07:59:00", True),
        (TimeWindow(start="08:00", end="08:00", weekdays=(Weekday.SUN,)), "2026-06-08T08:00:00", False),
        (TimeWindow(start="18:00", end="24:00"), "2026-06-07T23:59:59", True),
        (TimeWindow(start="18:00", end="24:00"), "2026-06-08T00:00:00", False),
        (TimeWindow(start="22:00", end="02:00", weekdays=(Weekday.SUN,)), "2026-06-08T01:00:00", True),
    ],
)
def test_windows(window: TimeWindow, at: str, *, expected: bool) -> None:
    assert is_open((window,), local(at)) is expected


def test_none_is_always_and_several_are_any() -> None:
    assert is_open((), local("2026-06-03T12:00:00"))
    assert is_open((OFFICE, NIGHT), local("2026-06-05T23:00:00"))
    assert not is_open((OFFICE, NIGHT), local("2026-06-03T12:00:00"))


def open_minutes(window: TimeWindow, day: str) -> int:
    """For how many minutes of that day (00:00 to 00:00 by the local clock) the window is open."""
    begin = local(f"{day}T00:00:00").astimezone(UTC)
    end = (local(f"{day}T00:00:00") + timedelta(days=1)).astimezone(UTC)
    count, at = 0, begin
    while at < end:
        count += is_open((window,), at.astimezone(HELSINKI))
        at += timedelta(minutes=1)
    return count


def test_clock_changes() -> None:
    # In 2026 clocks in Helsinki go from 03:00 to 04:00 on 29 March and from 04:00 to 03:00 on 25 October.
    in_the_hour = TimeWindow(start="03:15", end="03:45")
    assert open_minutes(in_the_hour, "2026-03-28") == 30
    assert open_minutes(in_the_hour, "2026-03-29") == 0
    assert open_minutes(in_the_hour, "2026-10-25") == 60
    all_day = TimeWindow()
    assert [open_minutes(all_day, day) for day in ("2026-03-29", "2026-10-25")] == [23 * 60, 25 * 60]


def test_the_json_form_says_from_and_to() -> None:
    window = msgspec.convert({"weekdays": ["fri"], "from": "22:00", "to": "06:00"}, TimeWindow)
    assert window == NIGHT
    assert msgspec.json.decode(msgspec.json.encode(window)) == {"weekdays": ["fri"], "from": "22:00", "to": "06:00"}
    for wrong in ({"from": "24:00"}, {"to": "24:01"}, {"from": "8:00"}, {"weekdays": ["friday"]}, {"start": "08:00"}):
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(wrong, TimeWindow)

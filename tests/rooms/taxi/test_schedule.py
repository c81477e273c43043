"""Trips for later by the operator's clock, on the days too on which clocks are changed."""

from datetime import UTC, datetime, timedelta

import pytest

from isotope.domain.taxi.schedule import local_date_and_time, may_schedule, read_schedule
from isotope.domain.tenants.model import TaxiSettings
from tests.kit.refusals import refused

ZONE = "Europe/Helsinki"
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("day", "clock", "at"),
    [
        ("2026-06-02", "14:45", datetime(2026, 6, 2, 11, 45, tzinfo=UTC)),
        (" 2026-12-24 ", "14:45:30", datetime(2026, 12, 24, 12, 45, 30, tzinfo=UTC)),
        # 03:30 does not exist on the last Sunday of March, and comes twice on that of October.
        ("2026-03-29", "03:30", datetime(2026, 3, 29, 1, 30, tzinfo=UTC)),
        ("2026-10-25", "03:30", datetime(2026, 10, 25, 0, 30, tzinfo=UTC)),
    ],
)
def test_an_instant(day: str, clock: str, at: datetime) -> None:
    assert read_schedule(day, clock, ZONE) == at


@pytest.mark.parametrize(("day", "clock"), [(None, None), ("", ""), (None, " ")])
def test_now(day: str | None, clock: str | None) -> None:
    assert read_schedule(day, clock, ZONE) is None


@pytest.mark.parametrize(
    ("day", "clock", "fields"),
    [
        ("2026-06-02", None, ["scheduled_time"]),
        (None, "14:45", ["scheduled_date"]),
        ("20260602", "14:45", ["scheduled_date"]),
        ("2026-W23-2", "14:45", ["scheduled_date"]),
        ("2026-06-31", "14:45", ["scheduled_date"]),
        ("2026-06-02", "14", ["scheduled_time"]),
        ("2026-06-02", "24:00", ["scheduled_time"]),
        ("tomorrow", "noon", ["scheduled_date", "scheduled_time"]),
        ("9999-12-31", "23:59", ["scheduled_date"]),
        ("0001-01-01", "00:00", ["scheduled_date"]),
    ],
)
def test_what_is_no_time(day: str | None, clock: str | None, fields: list[str]) -> None:
    zone = "America/New_York" if day == "9999-12-31" else ZONE
    with refused("validation_failed") as told:
        read_schedule(day, clock, zone)
    assert [fault.field for fault in told.it.faults] == fields


def test_told_as_it_was_said() -> None:
    at = read_schedule("2026-12-24", "14:45", ZONE)
    assert at is not None
    assert local_date_and_time(at, ZONE) == ("2026-12-24", "14:45")


@pytest.mark.parametrize(
    ("after", "is_on", "code"),
    [
        (timedelta(minutes=30), True, None),
        (timedelta(minutes=29, seconds=59), True, "schedule_too_soon"),
        (timedelta(minutes=-1), True, "schedule_too_soon"),
        (timedelta(days=30), True, None),
        (timedelta(days=30, seconds=1), True, "schedule_too_far"),
        (timedelta(days=1), False, "scheduled_trips_off"),
    ],
)
def test_for_when(after: timedelta, is_on: bool, code: str | None) -> None:
    no = may_schedule(NOW + after, TaxiSettings(scheduled=is_on), NOW)
    assert (None if no is None else no.code) == code

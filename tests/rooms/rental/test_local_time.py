"""Dates by the operator's clock, also on the days on which it is changed."""

from datetime import UTC, datetime

import pytest
from msgspec.structs import replace

from isotope.domain.rental.local_time import local_text, may_start_or_end, package_fits, parse_local, started_days
from isotope.domain.rental.model import Interval, RentalPackageSpec, Station, StationId, StationSpec
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId
from isotope.kernel.time_windows import TimeWindow, Weekday

HELSINKI, NEW_YORK, LORD_HOWE = "Europe/Helsinki", "America/New_York", "Australia/Lord_Howe"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).astimezone(UTC)


@pytest.mark.parametrize(
    ("zone", "text", "expected"),
    [
        (HELSINKI, "2026-12-24T10:00:00", "2026-12-24T08:00:00Z"),
        (HELSINKI, "2026-07-24 10:00", "2026-07-24T07:00:00Z"),
        (HELSINKI, " 2026-07-24 ", "2026-07-23T21:00:00Z"),
        (HELSINKI, "2026-07-24T10:00:00.999", "2026-07-24T07:00:00Z"),
        (HELSINKI, "2026-07-24T10:00:00Z", "2026-07-24T10:00:00Z"),
        (HELSINKI, "2026-07-24T10:00:00-04:00", "2026-07-24T14:00:00Z"),
        # Put forward from 03:00 to 04:00: what does not exist is as if it had not been.
        (HELSINKI, "2026-03-29T02:59", "2026-03-29T00:59:00Z"),
        (HELSINKI, "2026-03-29T03:30", "2026-03-29T01:30:00Z"),
        (HELSINKI, "2026-03-29T04:00", "2026-03-29T01:00:00Z"),
        # Put back from 04:00 to 03:00: the first of the two, unless its offset is told.
        (HELSINKI, "2026-10-25T03:30", "2026-10-25T00:30:00Z"),
        (HELSINKI, "2026-10-25T03:30+02:00", "2026-10-25T01:30:00Z"),
        (HELSINKI, "2026-10-25T04:00", "2026-10-25T02:00:00Z"),
        (NEW_YORK, "2026-03-08T02:30", "2026-03-08T07:30:00Z"),
        (NEW_YORK, "2026-11-01T01:30", "2026-11-01T05:30:00Z"),
        (NEW_YORK, "2026-11-01T01:30-05:00", "2026-11-01T06:30:00Z"),
        # Half an hour: 02:00 becomes 02:30 in October, and in April 01:30 to 02:00 comes twice.
        (LORD_HOWE, "2026-10-04T02:15", "2026-10-03T15:45:00Z"),
        (LORD_HOWE, "2026-10-04T02:30", "2026-10-03T15:30:00Z"),
        (LORD_HOWE, "2026-04-05T01:45", "2026-04-04T14:45:00Z"),
        (LORD_HOWE, "2026-04-05T01:45+10:30", "2026-04-04T15:15:00Z"),
    ],
)
def test_times_as_apps_write_them(zone: str, text: str, expected: str) -> None:
    assert parse_local(text, zone) == at(expected)


@pytest.mark.parametrize(
    "text",
    ["", "tomorrow", "2026-02-30", "2026-12-24T25:00", "24.12.2026", "1999-12-31", "2200-01-01", "0001-01-01T00:00Z"],
)
def test_what_is_no_time_is_told_how_to_write_one(text: str) -> None:
    with pytest.raises(ValueError, match="2026-12-24T10:00:00"):
        parse_local(text, HELSINKI)


def test_times_are_told_with_their_offset() -> None:
    assert local_text(at("2026-10-25T00:30Z"), HELSINKI) == "2026-10-25T03:30:00+03:00"
    assert local_text(at("2026-10-25T01:30Z"), HELSINKI) == "2026-10-25T03:30:00+02:00"


@pytest.mark.parametrize(
    ("zone", "start", "end", "days"),
    [
        (HELSINKI, "2026-07-01T10:00", "2026-07-01T10:01", 1),
        (HELSINKI, "2026-07-01T10:00", "2026-07-02T10:00", 1),
        (HELSINKI, "2026-07-01T10:00", "2026-07-02T10:01", 2),
        (HELSINKI, "2026-03-28T10:00", "2026-03-29T10:00", 1),
        (HELSINKI, "2026-10-24T10:00", "2026-10-25T10:00", 1),
        (HELSINKI, "2026-10-24T10:00", "2026-10-25T10:01", 2),
        (NEW_YORK, "2026-10-31T10:00", "2026-11-07T10:00", 7),
        (LORD_HOWE, "2026-04-04T10:00", "2026-04-05T10:00", 1),
        (LORD_HOWE, "2026-10-03T10:00", "2026-10-04T10:01", 2),
    ],
)
def test_started_days(zone: str, start: str, end: str, days: int) -> None:
    assert started_days(Interval(parse_local(start, zone), parse_local(end, zone)), zone) == days


STATION = Station(
    operator_id=OperatorId(1),
    id=StationId(1),
    ref="centre",
    title="Centre",
    point=Point(60.17, 24.94),
    area=None,
    radius_m=100.0,
    spec=StationSpec(
        opening=(
            TimeWindow(weekdays=(Weekday.MON, Weekday.TUE, Weekday.WED), start="08:00", end="18:00"),
            TimeWindow(weekdays=(Weekday.FRI,), start="20:00", end="02:00"),
            TimeWindow(weekdays=(Weekday.SUN,), start="02:00", end="05:00"),
        ),
        closed=("2026-12-23",),
    ),
)


@pytest.mark.parametrize(
    ("text", "start", "end"),
    [
        ("2026-12-21T08:00", None, None),
        ("2026-12-21T07:59", "closed_hours", "closed_hours"),
        ("2026-12-21T17:59", None, None),
        ("2026-12-21T18:00", "closed_hours", None),
        ("2026-12-21T18:01", "closed_hours", "closed_hours"),
        ("2026-12-23T12:00", "closed_day", "closed_day"),
        ("2026-12-24T12:00", "closed_hours", "closed_hours"),
        ("2026-12-25T23:00", None, None),
        ("2026-12-26T01:59", None, None),
        ("2026-12-26T02:00", "closed_hours", None),
        # Twice 03:30, and open at both.
        ("2026-10-25T03:30+03:00", None, None),
        ("2026-10-25T03:30+02:00", None, None),
        ("2026-03-29T04:30+03:00", None, None),
    ],
)
def test_when_a_station_is_open(text: str, start: str | None, end: str | None) -> None:
    moment = parse_local(text, HELSINKI)
    assert may_start_or_end(STATION, moment, HELSINKI) == start
    assert may_start_or_end(STATION, moment, HELSINKI, is_end=True) == end


def test_one_may_end_at_the_midnight_before_a_closed_day() -> None:
    station = replace(STATION, spec=StationSpec(closed=("2026-12-25",)))
    midnight = parse_local("2026-12-25T00:00", HELSINKI)
    assert may_start_or_end(station, midnight, HELSINKI, is_end=True) is None
    assert may_start_or_end(station, midnight, HELSINKI) == "closed_day"
    later = parse_local("2026-12-25T00:01", HELSINKI)
    assert may_start_or_end(station, later, HELSINKI, is_end=True) == "closed_day"


WEEKEND = (
    TimeWindow(weekdays=(Weekday.FRI,), start="16:00", end="24:00"),
    TimeWindow(weekdays=(Weekday.SAT, Weekday.SUN)),
    TimeWindow(weekdays=(Weekday.MON,), start="00:00", end="09:00"),
)


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [
        ("2026-07-03T16:00", "2026-07-06T09:00", True),
        ("2026-07-03T15:59", "2026-07-05T09:00", False),
        ("2026-07-03T16:00", "2026-07-06T09:01", False),
        ("2026-07-04T10:00", "2026-07-11T10:00", False),
        # The weekends on which clocks are changed.
        ("2026-03-27T16:00", "2026-03-30T09:00", True),
        ("2026-10-23T16:00", "2026-10-26T09:00", True),
        ("2026-10-23T16:00", "2026-10-26T09:01", False),
    ],
)
def test_a_package_is_for_its_windows(start: str, end: str, fits: bool) -> None:
    spec = RentalPackageSpec(price_minor=1, hours=65, windows=WEEKEND)
    interval = Interval(parse_local(start, HELSINKI), parse_local(end, HELSINKI))
    assert package_fits(spec, "van", interval, HELSINKI) == fits
    assert package_fits(RentalPackageSpec(price_minor=1, hours=65), "van", interval, HELSINKI)


def test_a_package_is_for_its_models() -> None:
    spec = RentalPackageSpec(price_minor=1, hours=65, models=("van",))
    interval = Interval(at("2026-07-03T16:00Z"), at("2026-07-03T17:00Z"))
    assert package_fits(spec, "van", interval, HELSINKI)
    assert not package_fits(spec, "car", interval, HELSINKI)

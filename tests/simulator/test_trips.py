from pathlib import Path

import polyline
import pytest

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.errors import TripFileError
from isotope.simulator.trips import COLUMNS, Trip, middle_of, moved_to, read_trips, sample

HELSINKI = Point(60.17, 24.94)


def write(file: Path, *rows: str, header: str = ",".join(COLUMNS)) -> Path:
    file.write_text("\n".join([header, *rows]) + "\n")
    return file


def row(line: list[tuple[float, float]], distance: str = "500", duration: str = "300") -> str:
    (lat, lon), (end_lat, end_lon) = line[0], line[-1]
    return f'{lat},{lon},{end_lat},{end_lon},{distance},{duration},"{polyline.encode(line)}"'


LINE = [(-36.85, 174.765), (-36.851, 174.766), (-36.851, 174.766), (-36.853, 174.767)]


def test_a_trip_is_its_line_its_distance_and_its_time(tmp_path: Path) -> None:
    [trip] = read_trips(write(tmp_path / "t.csv", row(LINE)))
    assert (trip.nr, trip.distance_m, trip.duration_s) == (1, 500, 300)
    assert len(trip.line) == 4
    assert len(trip.path.points) == 3


def test_without_a_polyline_it_is_a_straight_line(tmp_path: Path) -> None:
    [trip] = read_trips(write(tmp_path / "t.csv", "-36.85,174.765,-36.86,174.766,1100,300,"))
    assert trip.line == (Point(-36.85, 174.765), Point(-36.86, 174.766))


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (row(LINE, distance="far"), "line 2"),
        (row(LINE, distance="-1"), "a trip of -1 m"),
        (row(LINE, duration="0"), "in 0 s"),
        ("-36.85,174.765,-36.86,174.766,1100,300,\x01", "polyline: character 1"),
        ("-36.85,174.765", "line 2"),
        ("x,174.765,-36.86,174.766,1100,300,", "line 2"),
    ],
)
def test_a_line_that_is_no_trip_is_named(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(TripFileError, match=says):
        read_trips(write(tmp_path / "t.csv", text))


def test_a_file_without_the_columns(tmp_path: Path) -> None:
    with pytest.raises(TripFileError, match="no column encodedPolyline"):
        read_trips(write(tmp_path / "t.csv", header=",".join(COLUMNS[:-1])))


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(TripFileError, match="No such file"):
        read_trips(tmp_path / "none.csv")


def test_moved_trips_are_as_long_and_around_the_new_middle() -> None:
    trips = [Trip(nr, tuple(Point(lat + nr / 1000, lon) for lat, lon in LINE), 500, 300) for nr in range(5)]
    moved = moved_to(trips, HELSINKI)
    assert distance_m(middle_of(moved), HELSINKI) < 0.01
    for before, after in zip(trips, moved, strict=True):
        assert after.path.length_m == pytest.approx(before.path.length_m, rel=0.003)


def test_a_sample_is_spread_over_the_file_and_always_the_same() -> None:
    trips = [Trip(nr, (HELSINKI,), 1, 1) for nr in range(100)]
    assert [trip.nr for trip in sample(trips, 4)] == [0, 25, 50, 75]
    assert sample(trips, 500) == trips

"""Recorded trips from a CSV file, laid down in another city. Pure but for reading the file."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path as FilePath
from statistics import median
from typing import Final

from isotope.kernel.geo import Point
from isotope.simulator.errors import TripFileError
from isotope.simulator.path import Path, translated
from isotope.simulator.polyline import PolylineError, decode

COLUMNS: Final = (
    "startLatitude",
    "startLongitude",
    "endLatitude",
    "endLongitude",
    "distance",
    "duration",
    "encodedPolyline",
)


@dataclass(frozen=True, slots=True)
class Trip:
    """One recorded trip: the line that was ridden, what the odometer said, how long it took."""

    nr: int
    line: tuple[Point, ...]
    distance_m: int
    duration_s: int

    @property
    def path(self) -> Path:
        return Path(self.line)


def read_trips(file: FilePath, *, precision: int = 5) -> list[Trip]:
    """The trips of a file with the columns `COLUMNS` (degrees, metres, seconds, encoded polyline).

    A polyline without points stands for the straight line from start to end.

    Raises:
        TripFileError: no such file, a missing column, or a line that is no trip.
    """
    try:
        with file.open(newline="", encoding="utf-8") as source:
            return list(_trips(file, csv.DictReader(source), precision))
    except OSError as error:
        raise TripFileError(f"{file}: {error.strerror}") from error


def _trips(file: FilePath, rows: "csv.DictReader[str]", precision: int) -> Iterator[Trip]:
    missing = [column for column in COLUMNS if column not in (rows.fieldnames or ())]
    if missing:
        raise TripFileError(f"{file}: no column {', '.join(missing)}; expected {', '.join(COLUMNS)}")
    for nr, row in enumerate(rows, start=1):
        try:
            yield _trip(nr, row, precision)
        except (ValueError, TypeError) as error:
            kind = "polyline: " if isinstance(error, PolylineError) else ""
            raise TripFileError(f"{file}: line {rows.line_num}: {kind}{error}") from error


def _trip(nr: int, row: Mapping[str, str], precision: int) -> Trip:
    line = decode(row["encodedPolyline"], precision)
    if not line:
        line = [
            Point(float(row["startLatitude"]), float(row["startLongitude"])),
            Point(float(row["endLatitude"]), float(row["endLongitude"])),
        ]
    distance_m, duration_s = int(row["distance"]), int(row["duration"])
    if distance_m < 0 or duration_s <= 0:
        raise ValueError(f"a trip of {distance_m} m in {duration_s} s")
    return Trip(nr, tuple(line), distance_m, duration_s)


def middle_of(trips: Iterable[Trip]) -> Point:
    """Where most trips begin: the median of their starts."""
    starts = [trip.line[0] for trip in trips]
    return Point(median(point.lat for point in starts), median(point.lon for point in starts))


def moved_to(trips: Sequence[Trip], target: Point) -> list[Trip]:
    """The same trips around `target`, distances kept."""
    origin = middle_of(trips)
    return [
        Trip(trip.nr, tuple(translated(trip.line, origin, target)), trip.distance_m, trip.duration_s) for trip in trips
    ]


def sample(trips: Sequence[Trip], count: int) -> list[Trip]:
    """`count` trips spread evenly over the file, always the same ones."""
    if count >= len(trips):
        return list(trips)
    return [trips[index * len(trips) // count] for index in range(count)]

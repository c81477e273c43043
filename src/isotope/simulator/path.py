"""Lines on the ground and where one is after so many metres. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise
from math import cos, pi, radians, sin
from random import Random

from isotope.kernel.geo import EARTH_RADIUS_M, Point, distance_m


class Path:
    """A line through points, measured from its start. Repeated points are dropped; one point is a line of 0 m."""

    __slots__ = ("_at_m", "points")

    def __init__(self, points: Sequence[Point]) -> None:
        if not points:
            raise ValueError("a path has at least one point")
        kept = [points[0]]
        kept.extend(here for before, here in pairwise(points) if here != before)
        self.points: tuple[Point, ...] = tuple(kept)
        at_m = [0.0]
        for before, here in pairwise(kept):
            at_m.append(at_m[-1] + distance_m(before, here))
        self._at_m = at_m

    @property
    def start(self) -> Point:
        return self.points[0]

    @property
    def end(self) -> Point:
        return self.points[-1]

    @property
    def length_m(self) -> float:
        return self._at_m[-1]

    def at(self, along_m: float) -> Point:
        """The place `along_m` metres from the start; before it the start, beyond the end the end."""
        if along_m <= 0:
            return self.start
        if along_m >= self.length_m:
            return self.end
        leg = bisect_right(self._at_m, along_m) - 1
        begin, end = self.points[leg], self.points[leg + 1]
        part = (along_m - self._at_m[leg]) / (self._at_m[leg + 1] - self._at_m[leg])
        return Point(begin.lat + (end.lat - begin.lat) * part, begin.lon + (end.lon - begin.lon) * part)

    def split(self, along_m: float) -> tuple["Path", "Path"]:
        """The line up to there, and the rest."""
        before = [point for point, at_m in zip(self.points, self._at_m, strict=True) if at_m < along_m]
        after = [point for point, at_m in zip(self.points, self._at_m, strict=True) if at_m > along_m]
        here = self.at(along_m)
        return Path([*before, here]), Path([here, *after])


def translated(points: Sequence[Point], origin: Point, target: Point) -> list[Point]:
    """Lift a line from around `origin` and lay it down around `target`.

    Degrees of longitude are re-scaled by the cosines of the two latitudes, so that distances stay true
    (to about 0.1 % for a city, whose own cosine changes that much from end to end).
    """
    scale = cos(radians(origin.lat)) / cos(radians(target.lat))
    return [Point(target.lat + (p.lat - origin.lat), target.lon + (p.lon - origin.lon) * scale) for p in points]


def offset(point: Point, east_m: float, north_m: float) -> Point:
    """The place so many metres east and north of `point`; for distances within a city."""
    metres_per_degree = pi * EARTH_RADIUS_M / 180
    return Point(
        point.lat + north_m / metres_per_degree, point.lon + east_m / (metres_per_degree * cos(radians(point.lat)))
    )


def nearby(point: Point, radius_m: float, rng: Random) -> Point:
    """A random place within `radius_m`, evenly over the disc."""
    distance, bearing = radius_m * rng.random() ** 0.5, 2 * pi * rng.random()
    return offset(point, distance * sin(bearing), distance * cos(bearing))


def street_path(start: Point, end: Point, rng: Random) -> Path:
    """A plausible way through a grid of streets: around one or two corners, never as the crow flies."""
    part = rng.random()
    if rng.random() < 0.5:  # noqa: PLR2004 - a coin
        turn = start.lon + (end.lon - start.lon) * part
        return Path([start, Point(start.lat, turn), Point(end.lat, turn), end])
    turn = start.lat + (end.lat - start.lat) * part
    return Path([start, Point(turn, start.lon), Point(turn, end.lon), end])

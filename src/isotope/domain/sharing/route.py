"""The way of a ride as it is shown: fewer places, and none of them exact.

Pure: places in, places out. Metres are flat around the first place, which errs by less than a thousandth over the
length of a city.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from math import cos, radians
from typing import Final

import numpy as np
from numpy.typing import NDArray

from isotope.kernel.geo import EARTH_RADIUS_M, Point, distance_m

_M_PER_DEG: Final = radians(1) * EARTH_RADIUS_M

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Coarseness:
    """How a way is coarsened, in metres; 0: not in this respect (see `PrivacySettings`)."""

    tolerance_m: float = 0
    blur_m: float = 0
    hide_m: float = 0


def coarsen(places: Sequence[Point], how: Coarseness) -> list[Point]:
    """Leave out the surroundings of both ends, simplify, move onto the grid: in this order.

    Empty when fewer than two places are left.
    """
    shown = blur(simplify(hide_ends(places, how.hide_m), how.tolerance_m), how.blur_m)
    return shown if len(shown) > 1 else []


def hide_ends(places: Sequence[Point], within_m: float) -> list[Point]:
    """Without every place that is closer than that to the start or to the end, whenever it was passed."""
    if within_m <= 0 or not places:
        return list(places)
    start, end = places[0], places[-1]
    return [place for place in places if min(distance_m(start, place), distance_m(end, place)) >= within_m]


def simplify(places: Sequence[Point], tolerance_m: float) -> list[Point]:
    """Some of the places, both ends among them, such that no place is farther than the tolerance from the line.

    Douglas and Peucker: the place that is farthest from the line between two kept ones is kept too, until none is too
    far.
    """
    if tolerance_m <= 0 or len(places) <= 2:  # noqa: PLR2004 - nothing lies between two
        return list(places)
    flat = to_flat(places, places[0])
    kept = np.zeros(len(places), dtype=bool)
    kept[0] = kept[-1] = True
    parts = [(0, len(places) - 1)]
    while parts:
        first, last = parts.pop()
        if last - first < 2:  # noqa: PLR2004 - nothing lies between
            continue
        away = off_line(flat[first + 1 : last], flat[first], flat[last])
        farthest = int(np.argmax(away))
        if away[farthest] > tolerance_m:
            middle = first + 1 + farthest
            kept[middle] = True
            parts += [(first, middle), (middle, last)]
    return [place for place, stays in zip(places, kept, strict=True) if stays]


def blur(places: Sequence[Point], grid_m: float) -> list[Point]:
    """Every place at the nearest corner of a grid that lies on the globe, not on the ride; repeated ones once."""
    if grid_m <= 0:
        return list(places)
    step = grid_m / _M_PER_DEG
    return [place for place, _same in groupby(_corner(place, step) for place in places)]


def _corner(place: Point, step: float) -> Point:
    lat = max(-90.0, min(90.0, round(place.lat / step) * step))
    # By the row's own latitude, so that all places of a row have the same columns.
    wide = step / max(cos(radians(lat)), 1e-6)
    lon = max(-180.0, min(180.0, round(place.lon / wide) * wide)) if wide < 180 else 0.0  # noqa: PLR2004 - degrees
    return Point(round(lat, 7), round(lon, 7))


def to_flat(places: Sequence[Point], centre: Point) -> Floats:
    """`[east_m, north_m]` rows."""
    degrees = np.array([(place.lon - centre.lon, place.lat - centre.lat) for place in places], dtype=np.float64)
    return degrees * (_M_PER_DEG * cos(radians(centre.lat)), _M_PER_DEG)


def off_line(places: Floats, start: Floats, end: Floats) -> Floats:
    """Metres from each place to the straight piece between two."""
    along = end - start
    length = float(along @ along)
    if length == 0.0:
        return _lengths(places - start)
    part = np.clip((places - start) @ along / length, 0.0, 1.0)
    return _lengths(places - start - part[:, None] * along)


def _lengths(rows: Floats) -> Floats:
    lengths: Floats = np.hypot(rows[:, 0], rows[:, 1])
    return lengths

"""Roads where none are known: the great circle, made longer, at an even speed."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from isotope.domain.maps import DETOUR, SPEED_M_S, estimate_way
from isotope.domain.maps.model import Matrix, Route
from isotope.kernel.geo import EARTH_RADIUS_M, Point
from isotope.kernel.polyline import encode


class GreatCircleRoads:
    """The stand-in for a road engine."""

    async def find_route(self, points: Sequence[Point]) -> Route | None:
        legs = tuple(estimate_way(a, b) for a, b in pairwise(points))
        return Route(
            distance_m=sum(metres for metres, _seconds in legs),
            duration_s=sum(seconds for _metres, seconds in legs),
            legs=legs,
            polyline=encode(points),
            by_road=False,
        )

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        lat_a, lon_a = _radians(sources)
        lat_b, lon_b = _radians(targets)
        half_lat = np.sin((lat_b[None, :] - lat_a[:, None]) / 2)
        half_lon = np.sin((lon_b[None, :] - lon_a[:, None]) / 2)
        part = half_lat**2 + np.cos(lat_a)[:, None] * np.cos(lat_b)[None, :] * half_lon**2
        metres = 2 * EARTH_RADIUS_M * np.arcsin(np.minimum(1.0, np.sqrt(part))) * DETOUR
        return Matrix(durations_s=_whole(metres / SPEED_M_S), distances_m=_whole(metres))


def _radians(points: Sequence[Point]) -> tuple[Any, Any]:
    return np.radians([point.lat for point in points]), np.radians([point.lon for point in points])


def _whole(cells: Any) -> tuple[tuple[int, ...], ...]:
    return tuple(map(tuple, np.rint(cells).astype(int).tolist()))

"""Degrees to metres and back around one point, on the sphere of `kernel.geo`.

The azimuthal equidistant projection keeps distances from its centre exact, however far away. Straight borders in
degrees bend in it; cut into pieces of at most `MAX_PIECE_DEG` they stray by less than a millimetre below 80° latitude.
"""

from math import cos, degrees, radians
from typing import Final

import numpy as np
import shapely
from numpy.typing import NDArray
from shapely.geometry.base import BaseGeometry

from isotope.kernel.geo import EARTH_RADIUS_M, Point

MAX_PIECE_DEG: Final = 0.0009
"""100 m of latitude."""

_POLAR_LAT: Final = 89.0
"""A box that reaches so far goes around the pole."""

Floats = NDArray[np.float64]


def ring_around(centre: Point, radius_m: float, corners: int) -> Floats:
    """`corners` positions `[lon, lat]` at exactly `radius_m` from the centre."""
    angles = np.linspace(0.0, 2 * np.pi, corners, endpoint=False)
    metres = np.column_stack((radius_m * np.sin(angles), radius_m * np.cos(angles)))
    return to_degrees(centre, metres)


def to_metres(centre: Point, places: Floats) -> Floats:
    """`[lon, lat]` rows to `[east_m, north_m]` rows."""
    lat_0, lat = np.radians(centre.lat), np.radians(places[:, 1])
    lon = np.radians(places[:, 0] - centre.lon)
    haversine = np.sin((lat - lat_0) / 2) ** 2 + np.cos(lat_0) * np.cos(lat) * np.sin(lon / 2) ** 2
    away_m = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, haversine)))
    east = np.cos(lat) * np.sin(lon)
    # sin(lat - lat_0) + ..., the form that does not cancel for points close by
    north = np.sin(lat - lat_0) + 2 * np.sin(lat_0) * np.cos(lat) * np.sin(lon / 2) ** 2
    length = np.hypot(east, north)
    scale = np.divide(away_m, length, out=np.zeros_like(away_m), where=length > 0)
    return np.column_stack((east * scale, north * scale))


def to_degrees(centre: Point, metres: Floats) -> Floats:
    """`[east_m, north_m]` rows to `[lon, lat]` rows."""
    lat_0 = np.radians(centre.lat)
    away_m = np.hypot(metres[:, 0], metres[:, 1])
    angle = away_m / EARTH_RADIUS_M
    unit = np.divide(metres, away_m[:, None], out=np.zeros_like(metres), where=away_m[:, None] > 0)
    sin_east, sin_north = np.sin(angle) * unit[:, 0], np.sin(angle) * unit[:, 1]
    lat = np.arcsin(np.clip(np.cos(angle) * np.sin(lat_0) + sin_north * np.cos(lat_0), -1.0, 1.0))
    lon = np.arctan2(sin_east, np.cos(lat_0) * np.cos(angle) - np.sin(lat_0) * sin_north)
    return np.column_stack((centre.lon + np.degrees(lon), np.degrees(lat)))


def in_metres(centre: Point, geometry: BaseGeometry, piece_deg: float = MAX_PIECE_DEG) -> BaseGeometry:
    """A geometry in degrees, as it lies around the centre in metres, its borders cut into pieces."""
    fine = shapely.segmentize(geometry, piece_deg)
    return shapely.transform(fine, lambda places: to_metres(centre, places))


def box_around(centre: Point, reach_m: float) -> tuple[float, float, float, float]:
    """West, south, east and north edges, in degrees, of a box that has all within `reach_m` of the centre.

    East and west go beyond 180 where the box crosses the antimeridian.
    """
    lat_reach = degrees(reach_m / EARTH_RADIUS_M)
    farthest = abs(centre.lat) + lat_reach
    lon_reach = 180.0 if farthest >= _POLAR_LAT else min(180.0, lat_reach / cos(radians(farthest)))
    return (
        centre.lon - lon_reach,
        max(-90.0, centre.lat - lat_reach),
        centre.lon + lon_reach,
        min(90.0, centre.lat + lat_reach),
    )


def on_the_globe(lat: float, lon: float) -> Point:
    """The place with its longitude within -180..180."""
    return Point(lat, (lon + 180.0) % 360.0 - 180.0 if abs(lon) > 180.0 else lon)  # noqa: PLR2004

"""Ways as short texts: the encoded polyline of five digits that road engines speak. Pure."""

from collections.abc import Sequence
from math import cos, radians
from typing import Final

import shapely

from isotope.kernel.geo import Point

_SCALE: Final = 1e5
_CHUNK: Final = 0x1F
_MORE: Final = 0x20
_FIRST: Final = 63
_METRES_A_DEGREE: Final = 111_195.0
# How far a thinned way may be off, metres; the next is tried while the text is too long.
_TOLERANCES_M: Final = (2.0, 5.0, 10.0, 25.0, 50.0, 100.0, 250.0, 500.0, 1_000.0)


def encode(points: Sequence[Point]) -> str:
    """The points, to about a metre."""
    text: list[str] = []
    lat = lon = 0
    for point in points:
        at_lat, at_lon = round(point.lat * _SCALE), round(point.lon * _SCALE)
        text += [_number(at_lat - lat), _number(at_lon - lon)]
        lat, lon = at_lat, at_lon
    return "".join(text)


def decode(text: str) -> list[Point]:
    """The points of an encoded way.

    Raises:
        ValueError: it is none.
    """
    points: list[Point] = []
    at = [0, 0]
    shift = value = axis = 0
    for char in text:
        bits = ord(char) - _FIRST
        if not 0 <= bits <= _CHUNK | _MORE:
            raise ValueError("not an encoded way")
        value |= (bits & _CHUNK) << shift
        if bits & _MORE:
            shift += 5
            continue
        at[axis] += ~(value >> 1) if value & 1 else value >> 1
        if axis:
            points.append(Point(at[0] / _SCALE, at[1] / _SCALE))
        shift = value = 0
        axis = 1 - axis
    if shift or axis:
        raise ValueError("not an encoded way")
    return points


def thinned(text: str, most: int) -> str:
    """The way with as few bends left out as make it fit into `most` characters; its ends stay."""
    if len(text) <= most:
        return text
    points = decode(text)
    for tolerance_m in _TOLERANCES_M:
        found = encode(_simplified(points, tolerance_m))
        if len(found) <= most:
            return found
    return encode([points[0], points[-1]])


def _simplified(points: Sequence[Point], tolerance_m: float) -> list[Point]:
    """Ramer, Douglas, Peucker: what is left out is nowhere farther from the way than the tolerance.

    On a plane, which is right enough for a city.
    """
    scale = cos(radians(points[0].lat))
    line = shapely.LineString([(point.lon * scale, point.lat) for point in points])
    kept = shapely.get_coordinates(line.simplify(tolerance_m / _METRES_A_DEGREE, preserve_topology=False))
    return [Point(float(lat), float(x) / scale) for x, lat in kept]


def _number(value: int) -> str:
    value = ~(value << 1) if value < 0 else value << 1
    chars: list[str] = []
    while value >= _MORE:
        chars.append(chr((value & _CHUNK | _MORE) + _FIRST))
        value >>= 5
    chars.append(chr(value + _FIRST))
    return "".join(chars)

"""The encoded polyline of maps: a line as printable text (Google's published algorithm).

A coordinate is written as the difference to the one before it, in units of 10^-precision degrees, zigzag
(`v << 1`, inverted when negative), in groups of five bits from the low end, each plus 63 as one character;
0x20 says that another group follows.
"""

from collections.abc import Iterator
from typing import Final

from isotope.kernel.geo import Point

_OFFSET: Final = 63
_MORE: Final = 0x20
_FIVE_BITS: Final = 0x1F
_LARGEST_GROUP: Final = _MORE | _FIVE_BITS


class PolylineError(ValueError):
    """The text is not a polyline; says where it stops being one."""


def decode(text: str, precision: int = 5) -> list[Point]:
    """The points of the line, in order, repeated ones included.

    Raises:
        PolylineError: a character or a length that no encoder writes, or a point off the globe.
    """
    degree = 10**precision
    lat = lon = 0
    points: list[Point] = []
    numbers = _numbers(text)
    for lat_step in numbers:
        lon_step = next(numbers, None)
        if lon_step is None:
            raise PolylineError("the last point has a latitude but no longitude")
        lat += lat_step
        lon += lon_step
        if abs(lat) > 90 * degree or abs(lon) > 180 * degree:
            raise PolylineError(f"point {len(points) + 1} lies off the globe")
        points.append(Point(lat / degree, lon / degree))
    return points


def _numbers(text: str) -> Iterator[int]:
    value = shift = 0
    for at, character in enumerate(text):
        group = ord(character) - _OFFSET
        if not 0 <= group <= _LARGEST_GROUP:
            raise PolylineError(f"character {at + 1} is not one of a polyline")
        value |= (group & _FIVE_BITS) << shift
        shift += 5
        if not group & _MORE:
            yield ~(value >> 1) if value & 1 else value >> 1
            value = shift = 0
    if shift:
        raise PolylineError("the text ends in the middle of a number")

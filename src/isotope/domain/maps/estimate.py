"""How far and how long a way is, where no roads are known: the great circle made longer, at an even speed. Pure."""

from typing import Final

from isotope.kernel.geo import Point, distance_m

# How much longer a way through a city is than the great circle, and how fast one drives it.
DETOUR: Final = 1.35
SPEED_M_S: Final = 30 / 3.6


def estimate_way(a: Point, b: Point) -> tuple[int, int]:
    """Metres and seconds."""
    metres = distance_m(a, b) * DETOUR
    return round(metres), round(metres / SPEED_M_S)

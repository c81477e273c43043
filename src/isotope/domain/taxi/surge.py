"""By how much fares are raised, cell by cell of a grid.

A cell has the riders who ask and the drivers who are free in it, and half of those in a cell beside it, a quarter of those
in a cell at its corner, so that a step over a line changes a price by little. Of these:

| riders to a driver (less than one driver is one) | the factor comes to |
|---|---|
| up to `from_requests_per_driver` | 1 |
| more | 1, and `step` for each rider more to a driver, at most `maximum` |

and from one minute to the next it goes half of the way there, up as well as down. What is written here is never told to
somebody who has a quote or a trip: these keep the factor that they were shown.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import product
from math import cos, floor, radians
from typing import Final

from isotope.domain.tenants.model import Operator, SurgeSettings
from isotope.infra.db import Tx
from isotope.kernel.geo import Point

_METRES_A_DEGREE: Final = 111_195.0
_ONE: Final = Decimal(1)
_CENTS: Final = Decimal("0.01")
# So near to where it goes a factor is there.
_NEAR: Final = Decimal("0.05")
# A factor that nobody has written for so long says nothing.
_FRESH: Final = timedelta(minutes=5)


def cell_of(at: Point, cell_m: int) -> str:
    """The cell of the grid in which a point lies. Rows are equally high; in each, columns are about as wide."""
    row = floor(at.lat * _METRES_A_DEGREE / cell_m)
    middle = (row + 0.5) * cell_m / _METRES_A_DEGREE
    column = floor(at.lon * _METRES_A_DEGREE * max(0.01, cos(radians(middle))) / cell_m)
    return f"{cell_m}:{row}:{column}"


def aim(requests: Iterable[Point], drivers: Iterable[Point], settings: SurgeSettings) -> dict[str, Decimal]:
    """Where factors go, by the table above: cells in which fares are raised. Pure."""
    asking, free = _count(requests, settings.cell_m), _count(drivers, settings.cell_m)
    found: dict[str, Decimal] = {}
    for cell, riders in asking.items():
        more = riders / max(1.0, free.get(cell, 0.0)) - settings.from_requests_per_driver
        factor = min(1 + settings.step * more, settings.maximum)
        if factor > 1:
            found[cell] = Decimal(str(factor)).quantize(_CENTS)
    return {cell: factor for cell, factor in found.items() if factor > _ONE}


def step_to(old: Mapping[str, Decimal], aims: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """The factors of the next minute; a cell that is not in it is at 1. Pure."""
    found: dict[str, Decimal] = {}
    for cell in old.keys() | aims.keys():
        before, to = old.get(cell, _ONE), aims.get(cell, _ONE)
        after = to if abs(to - before) <= _NEAR else ((before + to) / 2).quantize(_CENTS)
        if after > _ONE:
            found[cell] = after
    return found


def _count(places: Iterable[Point], cell_m: int) -> dict[str, float]:
    """Neighbours are found by stepping a cell's width from the place itself: columns of two rows do not meet."""
    found: dict[str, float] = {}
    north = cell_m / _METRES_A_DEGREE
    for place in places:
        east = north / max(0.01, cos(radians(place.lat)))
        for rows, columns in product((-1, 0, 1), repeat=2):
            beside = Point(min(90.0, max(-90.0, place.lat + rows * north)), _turn(place.lon + columns * east))
            cell = cell_of(beside, cell_m)
            found[cell] = found.get(cell, 0.0) + 0.5 ** (abs(rows) + abs(columns))
    return found


def _turn(lon: float) -> float:
    return (lon + 180.0) % 360.0 - 180.0


async def find_factor(tx: Tx, operator: Operator, at: Point, now: datetime) -> Decimal:
    """What a fare from there is multiplied with now; 1 where nothing is raised."""
    settings = operator.settings.taxi.surge
    if not settings.is_on:
        return Decimal(1)
    factor: Decimal | None = await tx.scalar(
        "select factor from taxi_surge where operator_id = %(operator_id)s and cell = %(cell)s and at >= %(since)s",
        {"operator_id": operator.id, "cell": cell_of(at, settings.cell_m), "since": now - _FRESH},
    )
    if factor is None:
        return Decimal(1)
    return min(factor, Decimal(str(settings.maximum)))

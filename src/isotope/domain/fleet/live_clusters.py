"""Where the vehicles are that an answer has no room for: how many in which cell of a grid.

The grid is one of the earth and not of the question: its lines stay where they are when the map is moved, and a cell is
split into four when the radius is halved, so that clusters do not jump about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType

MAX_CLUSTERS: Final = 196
_ACROSS: Final = 13  # and one more where the grid's lines do not meet the circle


@dataclass(frozen=True, slots=True)
class Cluster:
    """Vehicles in one cell. `lat` and `lon` are their mean; `counts` are by type, of none that is not there."""

    lat: float
    lon: float
    counts: Sequence[tuple[VehicleType, int]]

    @property
    def count(self) -> int:
        return sum(count for _vehicle_type, count in self.counts)


def clusters_of(
    lat: NDArray[np.float64],
    lon: NDArray[np.float64],
    types: NDArray[np.int16],
    names: Sequence[VehicleType],
    point: Point,
    reach_deg: tuple[float, float],
) -> tuple[Cluster, ...]:
    """All of these vehicles in at most `MAX_CLUSTERS` cells, from south to north; their counts sum to their number.

    `types` are numbers in `names`; `lat` and `lon` lie at most `reach_deg` (of latitude, of longitude) from `point`.
    """
    # Counted from the place, so that a circle across the antimeridian is one piece.
    east = (lon - point.lon + 180.0) % 360.0 - 180.0 + point.lon
    rows = np.floor(lat / _cell_deg(reach_deg[0])).astype(np.int64)
    columns = np.floor(east / _cell_deg(reach_deg[1])).astype(np.int64)
    _cells, cell_of = np.unique(np.stack((rows, columns), axis=1), axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    size = np.bincount(cell_of)
    mean_lat, mean_lon = np.bincount(cell_of, lat) / size, np.bincount(cell_of, east) / size
    pairs, counts = np.unique(cell_of * len(names) + types, return_counts=True)
    of_cell: list[list[tuple[VehicleType, int]]] = [[] for _ in size]
    for pair, count in zip(pairs.tolist(), counts.tolist(), strict=True):
        of_cell[pair // len(names)].append((names[pair % len(names)], count))
    return tuple(
        Cluster(float(mean_lat[cell]), (float(mean_lon[cell]) + 180.0) % 360.0 - 180.0, counted)
        for cell, counted in enumerate(of_cell)
    )


def _cell_deg(reach_deg: float) -> float:
    """The width of a cell in degrees: a power of two, so that `_ACROSS` of them are at least twice the reach."""
    return float(2.0 ** np.ceil(np.log2(max(2 * reach_deg, 1e-6) / _ACROSS)))

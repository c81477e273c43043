"""One operator's vehicles in columns: a question about all of them is a few passes over arrays.

100,000 vehicles are some 6 MB of columns; what is shown of one is made when it is first shown and kept until it changes.
The passes over all go over two columns of 16-bit cells, a few hundred metres each; only what lies in the cells around
the place is looked at by its exact distance.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from isotope.domain.fleet.live_clusters import Cluster, clusters_of
from isotope.kernel.geo import EARTH_RADIUS_M, Point
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

TYPES: Final = tuple(VehicleType)
"""A column has the number that a type has here."""
NO_MINIMUM: Final = -1

_START_ROWS: Final = 256
NUMBER_OF_TYPE: Final = {vehicle_type: number for number, vehicle_type in enumerate(TYPES)}
# Cells of a 364th of a degree of latitude (305 m), and of a 65,536th of the way round the earth: differences of the
# latter wrap around as longitudes do.
_LAT_CELLS: Final = 364.0
_LON_CELLS: Final = 65_536 / 360.0
_MOST_LAT_CELL: Final = 65_520
# North of the north pole: no question reaches it.
_NOWHERE: Final = 65_535
_ENOUGH: Final = 1_000
_TOO_LITTLE: Final = -1


class LiveVehicle(msgspec.Struct, kw_only=True, eq=False, gc=False):
    """A vehicle as it is shown. A changed one is a new object, so it is a good place to keep its JSON.

    `encoded`, `encoded_for` and `encoded_tag` are the only fields that are ever assigned: by whoever answers with the
    JSON, who finds it there next time. `encoded_for` is what else it was made of (the catalogue): valid while that is
    the same object. `encoded_tag` stands for the JSON.
    """

    vehicle_id: VehicleId
    nr: str
    model_id: ModelId
    vehicle_type: VehicleType
    lat: float
    lon: float
    battery_pct: int
    encoded: bytes = b""
    encoded_for: object | None = None
    encoded_tag: bytes = b""


@dataclass(frozen=True, slots=True)
class VehicleRows:
    """Vehicles of one operator as the feed reads them, one column a field; all of the same length.

    Attributes:
        types: numbers in `TYPES`.
        lat: degrees; NaN, as `lon`, before the first position.
        minimum_pct: the model's own least battery, `NO_MINIMUM` where the operator's counts.
        seen_s: Unix time when last heard of.
    """

    ids: Sequence[int]
    nrs: Sequence[str]
    model_ids: NDArray[np.int64]
    types: NDArray[np.int16]
    is_ready: NDArray[np.bool_]
    lat: NDArray[np.float64]
    lon: NDArray[np.float64]
    battery_pct: NDArray[np.int16]
    minimum_pct: NDArray[np.int16]
    seen_s: NDArray[np.float64]


class Around(NamedTuple):
    """What lies around a place: the nearest, how many there are in all, and where those are that were left out.

    `types` and `model_ids` are those of the vehicles, the former counted.
    """

    vehicles: list[LiveVehicle]
    total: int
    clusters: Sequence[Cluster]
    types: Mapping[VehicleType, int]
    model_ids: AbstractSet[ModelId]


NOTHING: Final = Around([], 0, (), {}, frozenset())


class FleetColumns:
    """Vehicles are put and hidden, never removed: a store that never deletes vehicles has the same rows."""

    def __init__(self) -> None:
        self._row_of: dict[int, int] = {}
        self._nrs: list[str] = []
        self._shown: list[LiveVehicle | None] = []
        self._columns: dict[str, NDArray[Any]] = {
            "ids": np.zeros(_START_ROWS, dtype=np.int64),
            "model_ids": np.zeros(_START_ROWS, dtype=np.int64),
            "types": np.zeros(_START_ROWS, dtype=np.int16),
            "lat": np.zeros(_START_ROWS),
            "lon": np.zeros(_START_ROWS),
            "battery_pct": np.zeros(_START_ROWS, dtype=np.int16),
        }
        self._seen_s: NDArray[np.float64] = np.zeros(_START_ROWS)
        # The battery where the operator's minimum counts; where the model has its own: whether that is reached.
        self._charge: NDArray[np.int16] = np.zeros(_START_ROWS, dtype=np.int16)
        # Points of the unit sphere: how far apart two are needs no sines, and is exact at any distance.
        self._on_earth: NDArray[np.float64] = np.zeros((_START_ROWS, 3))
        self._is_shown: NDArray[np.bool_] = np.zeros(_START_ROWS, dtype=np.bool_)
        # `_NOWHERE` where the vehicle is not to be found.
        self._lat_cell: NDArray[np.uint16] = np.full(_START_ROWS, _NOWHERE, dtype=np.uint16)
        self._lon_cell: NDArray[np.uint16] = np.zeros(_START_ROWS, dtype=np.uint16)
        self._make_room()

    def __len__(self) -> int:
        return len(self._nrs)

    def put(self, rows: VehicleRows) -> None:
        """Add or replace vehicles, each at most once."""
        if not rows.ids:
            return
        self._add([number for number, vehicle_id in enumerate(rows.ids) if vehicle_id not in self._row_of], rows)
        places = np.fromiter(map(self._row_of.__getitem__, rows.ids), dtype=np.intp, count=len(rows.ids))
        columns = self._columns
        # NaN differs from itself: what has no position is taken for changed, which costs nothing.
        changed = (
            (columns["lat"][places] != rows.lat)
            | (columns["lon"][places] != rows.lon)
            | (columns["battery_pct"][places] != rows.battery_pct)
            | (columns["model_ids"][places] != rows.model_ids)
            | (columns["types"][places] != rows.types)
            | np.fromiter(
                (self._nrs[place] != nr for place, nr in zip(places.tolist(), rows.nrs, strict=True)),
                dtype=np.bool_,
                count=len(places),
            )
        )
        for number in np.flatnonzero(changed).tolist():
            place = int(places[number])
            self._shown[place], self._is_shown[place] = None, False
            self._nrs[place] = rows.nrs[number]
        for name, column in columns.items():
            column[places] = getattr(rows, name)
        self._seen_s[places] = rows.seen_s
        has_own = rows.minimum_pct != NO_MINIMUM
        reached = np.where(rows.battery_pct >= rows.minimum_pct, _ENOUGH, _TOO_LITTLE)
        self._charge[places] = np.where(has_own, reached, rows.battery_pct)
        self._on_earth[places] = _on_sphere(rows.lat, rows.lon)
        is_there = rows.is_ready & ~np.isnan(rows.lat)
        self._lat_cell[places] = np.where(is_there, _lat_cells(np.nan_to_num(rows.lat)), _NOWHERE)
        self._lon_cell[places] = _lon_cells(np.nan_to_num(rows.lon))

    def hide(self, vehicle_id: VehicleId) -> None:
        """Find it no more, until it is put again."""
        place = self._row_of.get(vehicle_id)
        if place is not None:
            self._lat_cell[place] = _NOWHERE

    def get(self, vehicle_id: VehicleId) -> LiveVehicle | None:
        """The vehicle if it has a position, whether it can be rented or not."""
        place = self._row_of.get(vehicle_id)
        return None if place is None or np.isnan(self._columns["lat"][place]) else self._show(place)

    def within(self, point: Point, radius_m: float, *, seen_after_s: float, minimum_pct: int, limit: int) -> Around:
        """Those that are ready, charged and heard of, at most `radius_m` away: the nearest `limit` of them in order."""
        near = self._in_cells(point, radius_m)
        near = near[(self._charge[near] >= minimum_pct) & (self._seen_s[near] >= seen_after_s)]
        apart = self._on_earth[near] - _on_sphere(point.lat, point.lon)
        # The square of the straight line between them, which grows as the distance does.
        away: NDArray[np.float64] = np.einsum("ij,ij->i", apart, apart)
        is_inside = away <= _square_of_chord(radius_m)
        near, away = near[is_inside], away[is_inside]
        total = len(near)
        clusters: Sequence[Cluster] = ()
        if total > limit:
            order = np.argpartition(away, limit)
            clusters = self._clusters(near[order[limit:]], point, radius_m)
            near, away = near[order[:limit]], away[order[:limit]]
        near = near[np.argsort(away, kind="stable")]
        for place in near[~self._is_shown[near]].tolist():
            self._show(place)
        shown, counts = self._shown, np.bincount(self._columns["types"][near]).tolist()
        return Around(
            [shown[place] for place in near.tolist()],
            total,
            clusters,
            {TYPES[number]: count for number, count in enumerate(counts) if count},
            set(self._columns["model_ids"][near].tolist()),
        )

    def _clusters(self, hidden: NDArray[np.intp], point: Point, radius_m: float) -> Sequence[Cluster]:
        columns = self._columns
        reach_deg = (float(np.degrees(radius_m / EARTH_RADIUS_M)), _half_lon(point, radius_m))
        return clusters_of(
            columns["lat"][hidden], columns["lon"][hidden], columns["types"][hidden], TYPES, point, reach_deg
        )

    def _in_cells(self, point: Point, radius_m: float) -> NDArray[np.intp]:
        """Rows in cells that the circle may touch: the only passes over all vehicles.

        They go into arrays that are there already, since fresh ones of this size cost more than the passes.
        """
        count = len(self)
        difference, is_near, is_near_lon = self._difference[:count], self._is_near[:count], self._is_near_lon[:count]
        reach = float(np.degrees(radius_m / EARTH_RADIUS_M)) * (1 + 1e-9) + 1e-9
        south = max(0, int((point.lat - reach + 90.0) * _LAT_CELLS))
        north = min(_MOST_LAT_CELL, int((point.lat + reach + 90.0) * _LAT_CELLS))
        np.subtract(self._lat_cell[:count], np.uint16(south), out=difference)
        np.less_equal(difference, np.uint16(max(0, north - south)), out=is_near)
        half_lon = _half_lon(point, radius_m)
        west = int(np.floor((point.lon - half_lon + 180.0) * _LON_CELLS))
        east = int(np.floor((point.lon + half_lon + 180.0) * _LON_CELLS))
        if east - west < _NOWHERE:
            np.subtract(self._lon_cell[:count], np.uint16(west & _NOWHERE), out=difference)
            np.less_equal(difference, np.uint16(east - west), out=is_near_lon)
            np.logical_and(is_near, is_near_lon, out=is_near)
        return np.flatnonzero(is_near)

    def _add(self, numbers: Sequence[int], rows: VehicleRows) -> None:
        """Room for those of `rows` that are new."""
        if not numbers:
            return
        first = len(self)
        self._row_of.update((rows.ids[number], first + place) for place, number in enumerate(numbers))
        self._nrs.extend(rows.nrs[number] for number in numbers)
        self._shown.extend([None] * len(numbers))
        if len(self) > len(self._lat_cell):
            more = max(len(self) - len(self._lat_cell), len(self._lat_cell))
            for name, column in self._columns.items():
                self._columns[name] = _longer(column, more)
            self._seen_s, self._charge = _longer(self._seen_s, more), _longer(self._charge, more)
            self._on_earth, self._is_shown = _longer(self._on_earth, more), _longer(self._is_shown, more)
            self._lat_cell = np.concatenate((self._lat_cell, np.full(more, _NOWHERE, dtype=np.uint16)))
            self._lon_cell = _longer(self._lon_cell, more)
            self._make_room()

    def _make_room(self) -> None:
        self._difference = np.zeros(len(self._lat_cell), dtype=np.uint16)
        self._is_near = np.zeros(len(self._lat_cell), dtype=np.bool_)
        self._is_near_lon = np.zeros(len(self._lat_cell), dtype=np.bool_)

    def _show(self, place: int) -> LiveVehicle:
        shown = self._shown[place]
        if shown is None:
            columns = self._columns
            shown = LiveVehicle(
                vehicle_id=VehicleId(int(columns["ids"][place])),
                nr=self._nrs[place],
                model_id=ModelId(int(columns["model_ids"][place])),
                vehicle_type=TYPES[columns["types"][place]],
                lat=float(columns["lat"][place]),
                lon=float(columns["lon"][place]),
                battery_pct=int(columns["battery_pct"][place]),
            )
            self._shown[place], self._is_shown[place] = shown, True
        return shown


def _longer(column: NDArray[Any], rows: int) -> NDArray[Any]:
    return np.concatenate((column, np.zeros((rows, *column.shape[1:]), dtype=column.dtype)))


def _on_sphere(lat_deg: Any, lon_deg: Any) -> NDArray[np.float64]:
    lat, lon = np.radians(lat_deg), np.radians(lon_deg)
    return np.stack((np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)), axis=-1)


def _square_of_chord(radius_m: float) -> float:
    """Of the straight line between two points that far apart on the unit sphere, in a whole world at most 4."""
    return float(4.0 * np.sin(min(radius_m / EARTH_RADIUS_M, np.pi) / 2) ** 2)


def _lat_cells(lat: NDArray[np.float64]) -> NDArray[np.uint16]:
    return ((lat + 90.0) * _LAT_CELLS).astype(np.uint16)


def _lon_cells(lon: NDArray[np.float64]) -> NDArray[np.uint16]:
    cells: NDArray[np.int64] = np.floor((lon + 180.0) * _LON_CELLS).astype(np.int64)
    return (cells & _NOWHERE).astype(np.uint16)


def _half_lon(point: Point, radius_m: float) -> float:
    """How far east and west the circle reaches, in degrees; 180 when it goes round the pole."""
    angle = radius_m / EARTH_RADIUS_M
    if abs(np.radians(point.lat)) + angle >= np.pi / 2:
        return 180.0
    # A little more than exact: rounding must not cut off what the distance would keep.
    return float(np.degrees(np.arcsin(np.sin(angle) / np.cos(np.radians(point.lat))))) * (1 + 1e-9) + 1e-9

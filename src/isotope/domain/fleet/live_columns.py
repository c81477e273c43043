"""One operator's vehicles in columns: a question about all of them is a few passes over arrays.

100,000 vehicles are some 4 MB of columns; what is shown of one is made when it is first shown and kept until it changes.
"""

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

import msgspec
import numpy as np
from numpy.typing import NDArray

from isotope.kernel.geo import EARTH_RADIUS_M, Point
from isotope.kernel.ids import ModelId, VehicleId
from isotope.kernel.vehicle_types import VehicleType

_START_ROWS: Final = 256
_NO_MINIMUM: Final = -1


class VehicleRow(NamedTuple):
    """A vehicle as the feed reads it. `lat` and `lon` are None before its first position; `seen_s` is unix time.

    `minimum_pct` is the model's own least battery, None where the operator's counts.
    """

    vehicle_id: VehicleId
    nr: str
    model_id: ModelId
    vehicle_type: VehicleType
    is_ready: bool
    lat: float | None
    lon: float | None
    battery_pct: int
    minimum_pct: int | None
    seen_s: float


class LiveVehicle(msgspec.Struct, kw_only=True, eq=False, gc=False):
    """A vehicle as it is shown. A changed one is a new object, so it is a good place to keep its JSON.

    `encoded` and `encoded_for` are the only fields that are ever assigned: by whoever answers with the JSON, who finds
    it there next time. `encoded_for` is what else it was made of (the catalogue): valid while that is the same object.
    """

    vehicle_id: VehicleId
    nr: str
    model_id: ModelId
    vehicle_type: VehicleType
    lat: float
    lon: float
    battery_pct: int
    encoded: bytes | None = None
    encoded_for: object | None = None


class FleetColumns:
    """Vehicles are put and hidden, never removed: a store that never deletes vehicles has the same rows."""

    def __init__(self) -> None:
        self._row_of: dict[VehicleId, int] = {}
        self._rows: list[VehicleRow] = []
        self._shown: list[LiveVehicle | None] = []
        # NaN where the vehicle is not to be found: no comparison with it is true.
        self._lat: NDArray[np.float64] = np.full(_START_ROWS, np.nan)
        self._lon: NDArray[np.float64] = np.zeros(_START_ROWS)
        self._seen_s: NDArray[np.float64] = np.zeros(_START_ROWS)
        self._battery_pct: NDArray[np.int16] = np.zeros(_START_ROWS, dtype=np.int16)
        self._minimum_pct: NDArray[np.int16] = np.zeros(_START_ROWS, dtype=np.int16)
        self._away_deg: NDArray[np.float64] = np.zeros(_START_ROWS)
        self._is_near: NDArray[np.bool_] = np.zeros(_START_ROWS, dtype=np.bool_)

    def __len__(self) -> int:
        return len(self._rows)

    def put(self, rows: Sequence[VehicleRow]) -> None:
        """Add or replace vehicles, each at most once."""
        if not rows:
            return
        places = np.fromiter((self._place(row) for row in rows), dtype=np.intp, count=len(rows))
        columns: list[tuple[Any, ...]] = list(zip(*rows, strict=True))
        _ids, _nrs, _models, _types, is_ready, lat, lon, battery_pct, minimum_pct, seen_s = columns
        self._lat[places] = np.where(is_ready, np.array(lat, dtype=np.float64), np.nan)
        self._lon[places] = np.array(lon, dtype=np.float64)
        self._battery_pct[places] = battery_pct
        self._minimum_pct[places] = [_NO_MINIMUM if pct is None else pct for pct in minimum_pct]
        self._seen_s[places] = seen_s

    def hide(self, vehicle_id: VehicleId) -> None:
        """Find it no more, until it is put again."""
        place = self._row_of.get(vehicle_id)
        if place is not None:
            self._lat[place] = np.nan
            self._rows[place] = self._rows[place]._replace(is_ready=False)

    def get(self, vehicle_id: VehicleId) -> LiveVehicle | None:
        """The vehicle if it has a position, whether it can be rented or not."""
        place = self._row_of.get(vehicle_id)
        return None if place is None or self._rows[place].lat is None else self._show(place)

    def within(
        self, point: Point, radius_m: float, *, seen_after_s: float, minimum_pct: int, limit: int
    ) -> tuple[list[LiveVehicle], int]:
        """Those that are ready, charged and heard of, at most `radius_m` away, nearest first, at most `limit`.

        And how many there are in all.
        """
        count = len(self._rows)
        reach = np.degrees(radius_m / EARTH_RADIUS_M)
        # The one pass over all: into arrays that are there already, since fresh ones of this size cost more than it.
        away_deg, is_near = self._away_deg[:count], self._is_near[:count]
        np.abs(np.subtract(self._lat[:count], point.lat, out=away_deg), out=away_deg)
        near = np.flatnonzero(np.less_equal(away_deg, reach, out=is_near))
        away = np.abs(self._lon[near] - point.lon)
        near = near[np.minimum(away, 360.0 - away) <= self._half_lon(point, radius_m)]
        own_pct = self._minimum_pct[near]
        least_pct = np.where(own_pct == _NO_MINIMUM, minimum_pct, own_pct)
        near = near[(self._battery_pct[near] >= least_pct) & (self._seen_s[near] >= seen_after_s)]
        away_m = self._distances_m(point, near)
        inside = np.flatnonzero(away_m <= radius_m)
        total = len(inside)
        if total > limit:
            inside = inside[np.argpartition(away_m[inside], limit)[:limit]]
        inside = inside[np.argsort(away_m[inside], kind="stable")]
        shown = self._shown
        return [shown[place] or self._show(place) for place in near[inside].tolist()], total

    @staticmethod
    def _half_lon(point: Point, radius_m: float) -> float:
        """How far east and west the circle reaches, in degrees; 180 when it goes round the pole."""
        angle = radius_m / EARTH_RADIUS_M
        if abs(np.radians(point.lat)) + angle >= np.pi / 2:
            return 180.0
        # A little more than exact: rounding must not cut off what the distance would keep.
        return float(np.degrees(np.arcsin(np.sin(angle) / np.cos(np.radians(point.lat))))) * (1 + 1e-9) + 1e-9

    def _distances_m(self, point: Point, places: NDArray[np.intp]) -> NDArray[np.float64]:
        lat, lat_0 = np.radians(self._lat[places]), np.radians(point.lat)
        half_lat = np.sin((lat - lat_0) / 2)
        half_lon = np.sin(np.radians(self._lon[places] - point.lon) / 2)
        h = half_lat * half_lat + np.cos(lat_0) * np.cos(lat) * half_lon * half_lon
        distances: NDArray[np.float64] = 2 * EARTH_RADIUS_M * np.arcsin(np.sqrt(np.minimum(1.0, h)))
        return distances

    def _place(self, row: VehicleRow) -> int:
        place = self._row_of.get(row.vehicle_id)
        if place is None:
            place = len(self._rows)
            self._row_of[row.vehicle_id] = place
            self._rows.append(row)
            self._shown.append(None)
            if place == len(self._lat):
                self._grow()
            return place
        before = self._rows[place]
        self._rows[place] = row
        if before[:-1] != row[:-1]:  # all but when it was heard of, which is not shown
            self._shown[place] = None
        return place

    def _grow(self) -> None:
        self._lat = np.concatenate((self._lat, np.full(len(self._lat), np.nan)))
        self._lon = np.concatenate((self._lon, np.zeros_like(self._lon)))
        self._seen_s = np.concatenate((self._seen_s, np.zeros_like(self._seen_s)))
        self._battery_pct = np.concatenate((self._battery_pct, np.zeros_like(self._battery_pct)))
        self._minimum_pct = np.concatenate((self._minimum_pct, np.zeros_like(self._minimum_pct)))
        self._away_deg, self._is_near = np.zeros(len(self._lat)), np.zeros(len(self._lat), dtype=np.bool_)

    def _show(self, place: int) -> LiveVehicle:
        shown = self._shown[place]
        if shown is None:
            row = self._rows[place]
            assert row.lat is not None  # noqa: S101 - callers show only what has a position
            assert row.lon is not None  # noqa: S101
            shown = LiveVehicle(
                vehicle_id=row.vehicle_id,
                nr=row.nr,
                model_id=row.model_id,
                vehicle_type=row.vehicle_type,
                lat=row.lat,
                lon=row.lon,
                battery_pct=row.battery_pct,
            )
            self._shown[place] = shown
        return shown

"""All zones of an operator in one version, in memory, immutable: which lie at a point, which are shown to whom."""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import datetime
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import shapely

from isotope.domain.zones.geodesy import box_around
from isotope.domain.zones.model import PARKING_TYPES, Zone, ZoneType
from isotope.domain.zones.shape import Shape, shape_of
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId
from isotope.kernel.time_windows import is_open
from isotope.kernel.vehicle_types import VehicleType

T = TypeVar("T")

MAX_PREPARED: Final = 64
"""How many different answers are kept ready at once; a filter beyond them pushes out the one asked for longest ago."""
_NEAR_LON: Final = 170.0
"""East and west of it a zone may lie on the other side of the antimeridian; circles of 100 km reach over it."""
_TURNS: Final = (0.0, 360.0, -360.0)


class ZoneIndex:
    """One version of an operator's zones.

    `at` is an aware instant everywhere; windows are read by the operator's clock (`time_zone`).
    """

    def __init__(
        self,
        operator_id: OperatorId,
        zones: Iterable[Zone],
        *,
        time_zone: ZoneInfo,
        version: int = 0,
        changed_at: datetime | None = None,
    ) -> None:
        self.operator_id = operator_id
        self.version = version
        self.changed_at = changed_at
        self.time_zone = time_zone
        self.shapes: Final = tuple(shape_of(zone) for zone in zones)
        self.zones: Final = tuple(shape.zone for shape in self.shapes)
        self._tree = shapely.STRtree([shape.outer for shape in self.shapes])
        self._parking = tuple(zone for zone in self.zones if zone.zone_type in PARKING_TYPES)
        self._timed = tuple(zone for zone in self.zones if zone.spec.windows)
        self._prepared: dict[tuple[object, ...], Any] = {}
        # Windows open and close at full minutes: which are open is known until the next one.
        self._open_at: tuple[int, int, int] | None = None
        self._open_now: tuple[bool, ...] = ()

    def local(self, at: datetime) -> datetime:
        """The instant by the operator's clock."""
        return at.astimezone(self.time_zone)

    def shapes_in(self, west: float, south: float, east: float, north: float) -> Iterator[Shape]:
        """Shapes that may reach into the box (degrees), in the order of `zones`.

        Where the box is near or beyond the antimeridian, those of its other side come shifted to where the box is.
        """
        for turn in _TURNS if west < -_NEAR_LON or east > _NEAR_LON else (0.0,):
            for number in sorted(self._tree.query(shapely.box(west - turn, south, east - turn, north))):
                yield self.shapes[number].shifted(turn) if turn else self.shapes[number]

    def zones_near(
        self,
        point: Point,
        vehicle_type: VehicleType,
        at: datetime,
        within_m: float,
        zone_types: Collection[ZoneType],
        *,
        model_ref: str | None = None,
    ) -> list[tuple[Zone, float]]:
        """Zones of these types that count and hold the point or have a border within `within_m`; how deep it is in each.

        The depth is `Shape.depth_m`: metres to the border, below zero outside, infinite deep inside.
        """
        local = self.local(at)
        found = []
        for shape in self.shapes_in(*box_around(point, within_m)):
            if shape.zone.zone_type in zone_types and counts(shape.zone, vehicle_type, model_ref, local):
                deep_m = shape.depth_m(point, within_m)
                if deep_m >= -within_m:
                    found.append((shape.zone, deep_m))
        return found

    def zones_at(
        self, point: Point, vehicle_type: VehicleType, at: datetime, *, model_ref: str | None = None
    ) -> list[Zone]:
        """The zones that count for such a vehicle at this point and time, highest priority first."""
        local = self.local(at)
        found = [
            shape.zone
            for shape in self.shapes_in(point.lon, point.lat, point.lon, point.lat)
            if counts(shape.zone, vehicle_type, model_ref, local) and shape.has(point)
        ]
        found.sort(key=lambda zone: (-zone.spec.priority, zone.id))
        return found

    def has_parking(self, vehicle_type: VehicleType, at: datetime, *, model_ref: str | None = None) -> bool:
        """Whether the operator has any parking zone for such a vehicle at this time."""
        local = self.local(at)
        return any(counts(zone, vehicle_type, model_ref, local) for zone in self._parking)

    def select(
        self,
        *,
        at: datetime,
        vehicle_types: Collection[str] | None = None,
        zone_types: Collection[ZoneType] | None = None,
        model_ref: str | None = None,
    ) -> tuple[Zone, ...]:
        """The zones that count now, for any of the vehicle types, of any of the zone types; None: all.

        With `model_ref`, those for other models are left out.
        """
        local = self.local(at)
        return tuple(
            zone
            for zone in self.zones
            if (zone_types is None or zone.zone_type in zone_types)
            and (
                vehicle_types is None or not zone.vehicle_types or not set(zone.vehicle_types).isdisjoint(vehicle_types)
            )
            and (model_ref is None or not zone.spec.models or model_ref in zone.spec.models)
            and is_open(zone.spec.windows, local)
        )

    def prepared(
        self,
        encode: Callable[[tuple[Zone, ...]], T],
        *,
        at: datetime,
        vehicle_types: Collection[str] | None = None,
        zone_types: Collection[ZoneType] | None = None,
        model_ref: str | None = None,
    ) -> T:
        """`encode(select(...))`, made once for each filter until another zone counts (a window opens or closes).

        `encode` is part of what the answer is remembered by: give the same function or object every time.
        """
        key = (
            encode,
            None if vehicle_types is None else frozenset(vehicle_types),
            None if zone_types is None else frozenset(zone_types),
            model_ref,
            self._open_windows(self.local(at)),
        )
        # Taken out and put back: the order of the keys is that of their last use.
        found: T | None = self._prepared.pop(key, None)
        if found is None:
            found = encode(self.select(at=at, vehicle_types=vehicle_types, zone_types=zone_types, model_ref=model_ref))
            while len(self._prepared) >= MAX_PREPARED:
                del self._prepared[next(iter(self._prepared))]
        self._prepared[key] = found
        return found

    def _open_windows(self, local: datetime) -> tuple[bool, ...]:
        """Of the zones that have windows: which are open."""
        minute = (local.weekday(), local.hour, local.minute)
        if minute != self._open_at:
            self._open_now = tuple(is_open(zone.spec.windows, local) for zone in self._timed)
            self._open_at = minute
        return self._open_now


def counts(zone: Zone, vehicle_type: VehicleType, model_ref: str | None, local: datetime) -> bool:
    """Whether the zone is for such a vehicle at this local time. A zone for certain models is for no unknown one."""
    return (
        (not zone.vehicle_types or vehicle_type in zone.vehicle_types)
        and (not zone.spec.models or model_ref in zone.spec.models)
        and is_open(zone.spec.windows, local)
    )

"""The shape of a zone: GeoJSON checked, and made into geometry that can be asked.

Geometry is in degrees, x = longitude, y = latitude. A circle is asked by its real distance; where it has to be cut
with polygons it is replaced by two polygons that lie within `SAGITTA_M` of it, one inside and one around it, so that
what is found by cutting is legal for the real circle too.
"""

from dataclasses import dataclass
from math import acos, ceil, cos, inf, isfinite, pi
from typing import Any, Final

import numpy as np
import shapely
from shapely.geometry import Polygon
from shapely.validation import explain_validity

from isotope.domain.zones.geodesy import box_around, in_metres, ring_around
from isotope.domain.zones.model import GeoJson, Zone, ZoneDraft, ZoneType
from isotope.kernel.geo import Point, distance_m

SAGITTA_M: Final = 0.01
MAX_RADIUS_M: Final = 100_000.0
MAX_POSITIONS: Final = 10_000
_MIN_CORNERS: Final = 32
_MAX_CORNERS: Final = 4_096
_CLOSED_RING: Final = 4
_MAX_LAT: Final = 90.0
_MAX_LON: Final = 180.0


@dataclass(frozen=True, slots=True)
class Shape:
    """A zone that can be asked: `inner` lies within it, `outer` around it; both are the zone itself for a polygon."""

    zone: Zone
    inner: Polygon
    outer: Polygon

    def has(self, point: Point) -> bool:
        """Whether the point is inside or on the border."""
        if self.zone.point is not None and self.zone.radius_m is not None:
            return distance_m(self.zone.point, point) <= self.zone.radius_m
        return bool(shapely.intersects_xy(self.inner, point.lon, point.lat))

    def depth_m(self, point: Point, within_m: float) -> float:
        """How deep inside the point is: its distance to the border, below zero outside.

        Exact up to `within_m` from the border; farther away it is infinite.
        """
        if self.zone.point is not None and self.zone.radius_m is not None:
            return self.zone.radius_m - distance_m(self.zone.point, point)
        box = shapely.box(*box_around(point, within_m))
        if not shapely.intersects(self.inner, box):
            return -inf
        if shapely.contains_properly(self.inner, box):
            return inf
        # All of the border that is not farther away than asked lies in the box, so that it need not be measured whole.
        border = in_metres(point, shapely.intersection(shapely.boundary(self.inner), box))
        away_m = float(shapely.distance(shapely.Point(0.0, 0.0), border))
        return away_m if self.has(point) else -away_m

    def shifted(self, lon: float) -> "Shape":
        """The same shape so many degrees farther east: how it looks from the other side of the antimeridian."""
        inner, outer = shapely.transform(
            np.array((self.inner, self.outer), dtype=object), lambda places: places + np.array((lon, 0.0))
        )
        return Shape(self.zone, inner, outer)


def shape_of(zone: Zone) -> Shape:
    """The shape of a stored zone, which `check_zone` once found right."""
    if zone.area is not None:
        polygon = _polygon(zone.area)
        shapely.prepare(polygon)
        return Shape(zone, polygon, polygon)
    if zone.point is None or zone.radius_m is None:
        raise ValueError(f"zone {zone.id} is neither a polygon nor a circle")
    corners = _corners(zone.radius_m)
    inner = ring_around(zone.point, zone.radius_m, corners)
    outer = ring_around(zone.point, zone.radius_m / cos(pi / corners) + SAGITTA_M / 10, corners)
    return Shape(zone, Polygon(inner), Polygon(outer))


def _corners(radius_m: float) -> int:
    """So many that the polygon is nowhere farther than `SAGITTA_M` from its circle (bounded for the huge ones)."""
    if radius_m <= SAGITTA_M:
        return _MIN_CORNERS
    return min(_MAX_CORNERS, max(_MIN_CORNERS, ceil(pi / acos(1 - SAGITTA_M / radius_m))))


def _polygon(area: GeoJson) -> Polygon:
    outside, *holes = (np.asarray(ring, dtype=float)[:, :2] for ring in area["coordinates"])
    return Polygon(outside, holes)


def check_zone(draft: ZoneDraft) -> list[str]:
    """Everything that is wrong with the zone, each fault in one sentence; empty: it can be stored."""
    faults: list[str] = []
    if not draft.ref:
        faults.append("the zone has no ref")
    if len(draft.color) != len("21C378") or any(char not in "0123456789ABCDEF" for char in draft.color):
        faults.append(f"the colour {draft.color!r} is not bare upper-case hex such as 21C378")
    if draft.zone_type is ZoneType.SPEED_LIMIT_ZONE and draft.spec.speed_limit_kmh is None:
        faults.append("a SPEED_LIMIT_ZONE needs speed_limit_kmh")
    if (draft.area is None) is (draft.point is None):
        return [*faults, "a zone is either a polygon or a circle (a point with radius_m)"]
    return faults + (_polygon_faults(draft.area) if draft.area is not None else _circle_faults(draft))


def _circle_faults(draft: ZoneDraft) -> list[str]:
    faults = [] if draft.point is None else _position_faults((draft.point.lon, draft.point.lat), "the middle")
    if draft.radius_m is None or not isfinite(draft.radius_m) or not 0 < draft.radius_m <= MAX_RADIUS_M:
        faults.append(f"radius_m {draft.radius_m} is not above 0 and at most {MAX_RADIUS_M:.0f}")
    return faults


def _polygon_faults(area: Any) -> list[str]:
    if not isinstance(area, dict) or area.get("type") != "Polygon":
        kind = area.get("type") if isinstance(area, dict) else None
        return [f"the geometry is {kind!r}, not a Polygon (split a MultiPolygon into one zone for each part)"]
    rings = area.get("coordinates")
    if not isinstance(rings, (list, tuple)) or not rings:
        return ["the polygon has no rings: coordinates is a list of rings, the outer one first"]
    faults = [fault for number, ring in enumerate(rings, 1) for fault in _ring_faults(ring, f"ring {number}")]
    if faults:
        return faults
    if sum(len(ring) for ring in rings) > MAX_POSITIONS:
        return [f"the polygon has more than {MAX_POSITIONS} positions"]
    polygon = _polygon(area)
    if not polygon.is_valid:
        return [f"the polygon crosses or touches itself: {explain_validity(polygon)} (longitude latitude)"]
    return [] if polygon.area > 0 else ["the polygon has no area"]


def _ring_faults(ring: Any, name: str) -> list[str]:
    if not isinstance(ring, (list, tuple)) or len(ring) < _CLOSED_RING:
        return [f"{name} has fewer than {_CLOSED_RING} positions"]
    faults = [
        fault
        for number, position in enumerate(ring, 1)
        for fault in _position_faults(position, f"{name}, position {number}")
    ]
    if not faults and list(ring[0][:2]) != list(ring[-1][:2]):
        faults.append(f"{name} is not closed: its last position is not its first")
    return faults


def _position_faults(position: Any, name: str) -> list[str]:
    if (
        not isinstance(position, (list, tuple))
        or len(position) < len(("lon", "lat"))
        or any(not isinstance(number, (int, float)) or isinstance(number, bool) for number in position[:2])
    ):
        return [f"{name} is not [longitude, latitude]"]
    lon, lat = position[:2]
    # Written so that NaN fails too.
    if not (-_MAX_LON <= lon <= _MAX_LON and -_MAX_LAT <= lat <= _MAX_LAT):
        return [f"{name}: [{lon}, {lat}] is not on the globe (longitude comes first)"]
    return []

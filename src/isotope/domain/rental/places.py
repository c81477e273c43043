"""Where stations are, and which of them a vehicle stands in. Pure."""

from collections.abc import Sequence
from math import cos, radians
from typing import Final

import shapely

from isotope.domain.rental.model import Station, StationId
from isotope.domain.zones import Shape, Zone, ZoneSpec, ZoneType, shape_of
from isotope.kernel.geo import Point
from isotope.kernel.ids import ZoneId

# Beyond what is asked for, so that a point at its very edge is measured too.
_MARGIN_M: Final = 1.0
# Farther than any border of a station.
_FAR_M: Final = 200_000.0
# A little less than it is, so that a box is rather too large; and it stays one at the poles.
_DEGREE_M: Final = 111_000.0
_MIN_COS: Final = 0.001


def place_of(station: Station) -> Shape:
    """The station's ground, to be asked."""
    return shape_of(
        Zone(
            operator_id=station.operator_id,
            id=ZoneId(station.id),
            ref=station.ref,
            zone_type=ZoneType.PARK_PLACE_ZONE,
            title=station.title,
            color="",
            area=station.area,
            point=None if station.area is not None else station.point,
            radius_m=station.radius_m,
            vehicle_types=(),
            spec=ZoneSpec(),
        )
    )


def is_at(place: Shape, point: Point, tolerance_m: float) -> bool:
    """Inside, or outside by no more than what positions are wrong by."""
    return place.depth_m(point, tolerance_m + _MARGIN_M) >= -tolerance_m


def station_at(places: Sequence[tuple[StationId, Shape]], point: Point, tolerance_m: float) -> StationId | None:
    """The station that has the point deepest inside it; None: it is at none."""
    near = [(station_id, place) for station_id, place in places if is_at(place, point, tolerance_m)]
    if len(near) <= 1:
        return near[0][0] if near else None
    # Only here is it worth measuring all of a border.
    _depth_m, found = max((place.depth_m(point, _FAR_M), -station_id) for station_id, place in near)
    return StationId(-found)


def stations_at(
    places: Sequence[tuple[StationId, Shape]], points: Sequence[Point], tolerance_m: float
) -> list[StationId | None]:
    """`station_at` of each point. Only stations whose box is near are measured: a fleet has thousands of points."""
    if not points:
        return []
    tree = shapely.STRtree([place.outer for _station_id, place in places])
    near: list[list[tuple[StationId, Shape]]] = [[] for _point in points]
    reach = (tolerance_m + _MARGIN_M) / _DEGREE_M
    boxes = []
    for point in points:
        reach_lon = reach / max(_MIN_COS, cos(radians(point.lat)))
        boxes.append(shapely.box(point.lon - reach_lon, point.lat - reach, point.lon + reach_lon, point.lat + reach))
    for number, place in tree.query(boxes).T.tolist():
        near[number].append(places[place])
    return [station_at(found, point, tolerance_m) for found, point in zip(near, points, strict=True)]

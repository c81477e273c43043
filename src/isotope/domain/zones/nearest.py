"""The nearest place where a ride may end: inside a parking zone and outside every forbidden one.

The legal region is cut out in degrees, where borders are straight, then measured in metres around the point, where
distances are exact. It is looked for in boxes of growing size, so that a usual question touches few zones.

The place keeps `MARGIN_M` from every border, so that it stays legal when a client rounds it to six decimals; legal
strips narrower than twice that are no places to park. Its distance is the smallest there is, to about `2 * MARGIN_M`
where borders are smooth.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Final

import numpy as np
import shapely
from shapely.geometry.base import BaseGeometry

from isotope.domain.zones.geodesy import box_around, in_metres, on_the_globe, to_degrees
from isotope.domain.zones.index import ZoneIndex, counts
from isotope.domain.zones.model import FORBIDDEN_TYPES, PARKING_TYPES, NearestParking, Zone
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.vehicle_types import VehicleType

MARGIN_M: Final = 0.1
_DECIMALS: Final = 7
_REACHES_M: Final = (50.0, 200.0, 800.0, 3_200.0, 12_800.0, 51_200.0)
"""Farther away than the last nobody is sent."""
_LARGE_M: Final = 800.0
_COARSE_DEG: Final = 0.05
_COARSE_ERROR_M: Final = 50.0
"""Borders cut into pieces of `_COARSE_DEG` stray by a few metres from where they are, below 80° latitude."""


def is_legal(zones: list[Zone], *, needs_parking: bool) -> bool:
    """Whether a ride may end where exactly these zones are."""
    if any(zone.zone_type in FORBIDDEN_TYPES for zone in zones):
        return False
    return not needs_parking or any(zone.zone_type in PARKING_TYPES for zone in zones)


def parking_of(zones: list[Zone]) -> Zone | None:
    """Of the zones of a place the parking zone that counts: the highest priority, then the smallest fee, then the oldest."""
    parking = [zone for zone in zones if zone.zone_type in PARKING_TYPES]
    return min(parking, key=lambda zone: (-zone.spec.priority, zone.spec.fee_minor, zone.id), default=None)


def find_nearest_parking(
    index: ZoneIndex, point: Point, vehicle_type: VehicleType, at: datetime, *, model_ref: str | None = None
) -> NearestParking | None:
    """The nearest legal place for such a vehicle at this time, or None when there is none within reach."""
    needs_parking = index.has_parking(vehicle_type, at, model_ref=model_ref)
    for reach_m in _REACHES_M:
        legal = _legal_region(index, point, vehicle_type, model_ref, at, reach_m, needs_parking=needs_parking)
        for region, within_m in _nearer_first(legal, point, reach_m):
            for margin_m in (MARGIN_M, 5 * MARGIN_M):
                place = _nearest(region, point, margin_m)
                if place is None or distance_m(point, place) > within_m:
                    break  # what lies in the corners of the box may not be the nearest; the next box tells
                zones = index.zones_at(place, vehicle_type, at, model_ref=model_ref)
                if is_legal(zones, needs_parking=needs_parking):
                    parking = parking_of(zones)
                    return NearestParking(
                        point=place,
                        distance_m=distance_m(point, place),
                        zone_id=None if parking is None else parking.id,
                    )
    return None


def _nearer_first(legal: BaseGeometry, point: Point, reach_m: float) -> Iterator[tuple[BaseGeometry, float]]:
    """The part of a large region that has all within a distance near to that of its nearest place; then all of it.

    Measuring costs by the length of borders, so of a town far away only the near edge is measured.
    """
    if reach_m >= _LARGE_M and not legal.is_empty:
        coarse = in_metres(point, legal, _COARSE_DEG)
        within_m = float(shapely.distance(shapely.Point(0.0, 0.0), coarse)) + _COARSE_ERROR_M
        if within_m < reach_m:
            yield shapely.intersection(legal, shapely.box(*box_around(point, within_m))), within_m
    yield legal, reach_m


def _legal_region(
    index: ZoneIndex,
    point: Point,
    vehicle_type: VehicleType,
    model_ref: str | None,
    at: datetime,
    reach_m: float,
    *,
    needs_parking: bool,
) -> BaseGeometry:
    """In degrees, within a box around the point."""
    edges = box_around(point, reach_m + 2 * MARGIN_M)
    box, local = shapely.box(*edges), index.local(at)
    here = [shape for shape in index.shapes_in(*edges) if counts(shape.zone, vehicle_type, model_ref, local)]
    legal: BaseGeometry = box
    if needs_parking:
        parking = [shape.inner for shape in here if shape.zone.zone_type in PARKING_TYPES]
        legal = shapely.union_all(shapely.intersection(np.array(parking, dtype=object), box))
    forbidden = [shape.outer for shape in here if shape.zone.zone_type in FORBIDDEN_TYPES]
    if forbidden and not legal.is_empty:
        legal = shapely.difference(
            legal, shapely.union_all(shapely.intersection(np.array(forbidden, dtype=object), box))
        )
    return legal


def _nearest(legal: BaseGeometry, point: Point, margin_m: float) -> Point | None:
    if legal.is_empty:
        return None
    safe = shapely.buffer(in_metres(point, legal), -margin_m)
    if safe.is_empty:
        return None
    line = shapely.shortest_line(shapely.Point(0.0, 0.0), safe)
    ((lon, lat),) = to_degrees(point, shapely.get_coordinates(line)[-1:])
    return on_the_globe(round(float(lat), _DECIMALS), round(float(lon), _DECIMALS))

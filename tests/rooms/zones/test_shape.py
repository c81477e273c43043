from itertools import pairwise
from math import cos, inf, nan, pi, sin
from typing import Any

import numpy as np
import pytest

from isotope.domain.zones import ZoneSpec, ZoneType, check_zone
from isotope.domain.zones.geodesy import to_degrees
from isotope.domain.zones.shape import SAGITTA_M, shape_of
from isotope.kernel.geo import Point, distance_m
from tests.kit.fleet import HOME, square, zone_draft
from tests.kit.zones import stored

RING = [[24.0, 60.0], [25.0, 60.0], [25.0, 61.0], [24.0, 61.0], [24.0, 60.0]]
HOLE = [[24.2, 60.2], [24.2, 60.4], [24.4, 60.4], [24.4, 60.2], [24.2, 60.2]]


def polygon(*rings: Any) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": list(rings)}


@pytest.mark.parametrize("area", [polygon(RING), polygon(RING, HOLE), polygon([[*p, 12.5] for p in RING])])
def test_good_polygons(area: dict[str, Any]) -> None:
    assert check_zone(zone_draft(ZoneType.PARKING_ZONE, area=area)) == []


@pytest.mark.parametrize(
    ("area", "word"),
    [
        ({"type": "MultiPolygon", "coordinates": [[RING]]}, "MultiPolygon"),
        ({"type": "Polygon"}, "no rings"),
        (polygon(), "no rings"),
        (polygon(RING[:3]), "fewer than 4"),
        (polygon(RING[:4]), "not closed"),
        (polygon(RING, HOLE[:4]), "ring 2 is not closed"),
        (polygon([[24.0, 60.0], [25.0, 61.0], [25.0, 60.0], [24.0, 61.0], [24.0, 60.0]]), "Self-intersection"),
        (polygon(RING, [[x + 5, y] for x, y in HOLE]), "Hole lies outside shell"),
        (polygon(RING, HOLE, HOLE), "crosses or touches itself"),
        (polygon([[24.0, 60.0], [25.0, 61.0], [24.0, 60.0], [24.0, 60.0]]), "crosses or touches itself"),
        (polygon([RING[0], [60.0, 124.0], *RING[2:]]), "not on the globe (longitude comes first)"),
        (polygon([RING[0], [nan, 60.0], *RING[2:]]), "not on the globe"),
        (polygon([RING[0], [inf, 60.0], *RING[2:]]), "not on the globe"),
        (polygon([["24", 60.0], *RING[1:]]), "position 1 is not [longitude, latitude]"),
        (polygon([[True, 60.0], *RING[1:]]), "position 1 is not [longitude, latitude]"),
        (polygon([[24.0], *RING[1:]]), "position 1 is not [longitude, latitude]"),
        (polygon([None, *RING[1:]]), "position 1 is not [longitude, latitude]"),
        (polygon("ring"), "fewer than 4"),
        (polygon([RING[0]] * 10_001), "more than 10000"),
    ],
)
def test_bad_polygons_are_refused_with_the_reason(area: dict[str, Any], word: str) -> None:
    faults = check_zone(zone_draft(ZoneType.PARKING_ZONE, area=area))
    assert len(faults) == 1
    assert word in faults[0]


@pytest.mark.parametrize(
    ("parts", "word"),
    [
        ({"point": HOME, "radius_m": 0.0}, "radius_m 0.0"),
        ({"point": HOME, "radius_m": nan}, "radius_m nan"),
        ({"point": HOME, "radius_m": 100_001.0}, "radius_m"),
        ({"point": HOME}, "radius_m None"),
        ({"point": Point(91.0, 0.0), "radius_m": 5.0}, "the middle"),
        ({"point": HOME, "radius_m": 5.0, "area": square(HOME, 10)}, "either a polygon or a circle"),
        ({"area": None}, "either a polygon or a circle"),
        ({"color": "21c378"}, "colour"),
        ({"color": "#21C378"}, "colour"),
    ],
)
def test_other_faults(parts: dict[str, Any], word: str) -> None:
    faults = check_zone(zone_draft(ZoneType.PARKING_ZONE, **parts))
    assert any(word in fault for fault in faults)


def test_a_speed_limit_needs_its_limit() -> None:
    assert check_zone(zone_draft(ZoneType.SPEED_LIMIT_ZONE)) == []
    assert check_zone(zone_draft(ZoneType.SPEED_LIMIT_ZONE, spec=ZoneSpec())) != []


def test_several_faults_come_at_once() -> None:
    assert len(check_zone(zone_draft(ZoneType.SPEED_LIMIT_ZONE, spec=ZoneSpec(), color="red", area=polygon()))) == 3


@pytest.mark.parametrize("radius_m", [0.5, 5.0, 40.0, 700.0, 5_000.0])
@pytest.mark.parametrize("lat", [0.0, 60.17, -70.0])
def test_a_circle_lies_between_its_polygons(radius_m: float, lat: float) -> None:
    centre = Point(lat, 24.94)
    shape = shape_of(stored(zone_draft(ZoneType.PARKING_ZONE, point=centre, radius_m=radius_m)))
    rings = {name: list(ring.exterior.coords) for name, ring in (("inner", shape.inner), ("outer", shape.outer))}
    for name, ring in rings.items():
        for (lon_a, lat_a), (lon_b, lat_b) in pairwise(ring):
            middle = Point((lat_a + lat_b) / 2, (lon_a + lon_b) / 2)
            corner_m, middle_m = distance_m(centre, Point(lat_a, lon_a)), distance_m(centre, middle)
            if name == "inner":
                assert radius_m - SAGITTA_M - 1e-4 <= middle_m <= corner_m <= radius_m + 1e-6
            else:
                assert radius_m <= middle_m <= corner_m <= radius_m + SAGITTA_M + 2e-3


def test_a_circle_is_asked_by_its_real_distance() -> None:
    shape = shape_of(stored(zone_draft(ZoneType.PARKING_ZONE, point=HOME, radius_m=100.0)))
    # Between two corners of the polygon that stands for it elsewhere, where the two differ most.
    bearing = pi / (len(shape.inner.exterior.coords) - 1)
    for metres, is_inside in ((99.999, True), (100.001, False)):
        ((lon, lat),) = to_degrees(HOME, np.array([[metres * sin(bearing), metres * cos(bearing)]]))
        assert shape.has(Point(lat, lon)) is is_inside


def test_borders_belong_to_the_zone_and_holes_do_not() -> None:
    shape = shape_of(stored(zone_draft(ZoneType.PARKING_ZONE, area=polygon(RING, HOLE))))
    assert shape.has(Point(60.0, 24.5))
    assert shape.has(Point(60.1, 24.1))
    assert shape.has(Point(60.2, 24.3))  # on the border of the hole
    assert not shape.has(Point(60.3, 24.3))
    assert not shape.has(Point(59.999, 24.5))

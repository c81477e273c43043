"""How deep a point is in a zone, on both sides of the antimeridian too, against the bare definition."""

from datetime import UTC, datetime
from math import cos, inf, radians
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from isotope.domain.zones import Zone, ZoneDraft, ZoneType, find_nearest_parking
from isotope.domain.zones.geodesy import box_around
from isotope.domain.zones.shape import shape_of
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME, square, zone_draft
from tests.kit.zones import index_of, stored

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)
SCOOTER = VehicleType.SCOOTER
M_PER_DEG = 111_195.08


def moved(point: Point, east_m: float, north_m: float) -> Point:
    lon = point.lon + east_m / M_PER_DEG / cos(radians(point.lat))
    return Point(point.lat + north_m / M_PER_DEG, (lon + 180) % 360 - 180)


def box(west: float, south: float, east: float, north: float) -> dict[str, Any]:
    ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
    return {"type": "Polygon", "coordinates": [ring]}


def around(centre: Point, half_m: float, hole_m: float | None = None) -> Zone:
    """A square with straight sides north, south, east and west, with a square hole in the middle."""
    half_lat = half_m / M_PER_DEG
    half_lon = half_lat / cos(radians(centre.lat))
    area = box(centre.lon - half_lon, centre.lat - half_lat, centre.lon + half_lon, centre.lat + half_lat)
    if hole_m is not None:
        share = hole_m / half_m
        hole = box(
            centre.lon - half_lon * share,
            centre.lat - half_lat * share,
            centre.lon + half_lon * share,
            centre.lat + half_lat * share,
        )
        area["coordinates"].append(hole["coordinates"][0][::-1])
    return stored(zone_draft(ZoneType.NO_GO_ZONE, area=area))


@pytest.mark.parametrize(
    ("north_m", "within_m", "deep_m"),
    [
        (0, 200, 60),
        (39.9, 50, -0.1),
        (40, 50, 0),
        (30, 50, -10),
        (41, 5, 1),
        (99, 5, 1),
        (101, 5, -1),
        (106, 5, -inf),
        (70, 5, inf),
    ],
)
def test_from_the_nearest_of_all_borders(north_m: float, within_m: float, deep_m: float) -> None:
    """A square from 100 m south to 100 m north with a hole from 40 to 40: what is measured is the way north."""
    shape = shape_of(around(HOME, 100, 40))
    if north_m == 0:
        deep_m = -40  # In the middle of the hole.
    assert shape.depth_m(moved(HOME, 0, north_m), within_m) == pytest.approx(deep_m, abs=0.02)


@given(
    lat=st.sampled_from([0.0, 60.17, -45.0, 71.0]),
    east_m=st.floats(-200, 200),
    north_m=st.floats(-200, 200),
    within_m=st.floats(1, 60),
)
@settings(max_examples=300, deadline=None)
def test_square_and_circle(lat: float, east_m: float, north_m: float, within_m: float) -> None:
    centre = Point(lat, 24.94)
    point = moved(centre, east_m, north_m)
    inside_m = min(100 - abs(east_m), 100 - abs(north_m))
    outside_m = -((max(0.0, abs(east_m) - 100) ** 2 + max(0.0, abs(north_m) - 100) ** 2) ** 0.5)
    exact_m = inside_m if inside_m >= 0 else outside_m
    found_m = shape_of(around(centre, 100)).depth_m(point, within_m)
    if abs(exact_m) < within_m - 0.05:
        assert found_m == pytest.approx(exact_m, abs=0.05)
    else:
        assert (found_m >= 0) is (exact_m >= 0) or abs(exact_m) < 0.05
        assert abs(found_m) >= within_m - 0.05
    circle = shape_of(stored(zone_draft(ZoneType.NO_GO_ZONE, point=centre, radius_m=100.0)))
    assert circle.depth_m(point, within_m) == 100 - distance_m(centre, point)


def test_zones_near_a_point_are_those_that_hold_it_or_begin_close_by() -> None:
    drafts: list[ZoneDraft] = [
        zone_draft(ZoneType.NO_GO_ZONE, area=square(HOME, 30_000)),
        zone_draft(ZoneType.SPEED_LIMIT_ZONE, point=moved(HOME, 0, 55), radius_m=50.0),
        zone_draft(ZoneType.SPEED_LIMIT_ZONE, point=moved(HOME, 0, 65), radius_m=50.0),
        zone_draft(ZoneType.SPEED_LIMIT_ZONE, point=HOME, radius_m=8.0),
        zone_draft(ZoneType.PARKING_ZONE, point=HOME, radius_m=8.0),
        zone_draft(ZoneType.NO_GO_ZONE, vehicle_types=(VehicleType.CAR,)),
    ]
    acting = {ZoneType.NO_GO_ZONE, ZoneType.SPEED_LIMIT_ZONE}
    near = {zone.id: deep_m for zone, deep_m in index_of(*drafts).zones_near(HOME, SCOOTER, NOON, 10, acting)}
    assert near == {1: inf, 2: pytest.approx(-5, abs=0.01), 4: 8.0}


ANTIMERIDIAN = Point(-17.0, 180.0)


@pytest.mark.parametrize("east_m", [-500.0, -20.0, 20.0, 500.0])
@pytest.mark.parametrize(
    "draft",
    [
        zone_draft(ZoneType.PARKING_ZONE, area=box(179.999, -17.01, 180.0, -16.99)),
        zone_draft(ZoneType.PARKING_ZONE, area=box(-180.0, -17.01, -179.999, -16.99)),
        zone_draft(ZoneType.PARKING_ZONE, point=moved(ANTIMERIDIAN, -80, 0), radius_m=100.0),
        zone_draft(ZoneType.PARKING_ZONE, point=moved(ANTIMERIDIAN, 80, 0), radius_m=100.0),
    ],
    ids=["west", "east", "circle west", "circle east"],
)
def test_the_antimeridian_is_no_border(draft: ZoneDraft, east_m: float) -> None:
    index, rider = index_of(draft), moved(ANTIMERIDIAN, east_m, 0)
    if draft.point is not None:
        exact_m = distance_m(draft.point, rider) - 100.0
    else:
        west, east = (-106.3, 0.0) if draft.area and draft.area["coordinates"][0][0][0] > 0 else (0.0, 106.3)
        exact_m = max(west - east_m, east_m - east)
    near = index.zones_near(rider, SCOOTER, NOON, 2_000, {ZoneType.PARKING_ZONE})
    assert [deep_m for _zone, deep_m in near] == [pytest.approx(-exact_m, abs=0.2)]
    place = find_nearest_parking(index, rider, SCOOTER, NOON)
    assert place is not None
    assert place.distance_m == pytest.approx(max(0.0, exact_m + 0.1), abs=0.2)
    assert -180 <= place.point.lon <= 180
    assert index.zones_at(place.point, SCOOTER, NOON) == list(index.zones)


def test_both_names_of_the_antimeridian_are_one_place() -> None:
    for draft in (
        zone_draft(ZoneType.PARKING_ZONE, area=box(179.999, -17.01, 180.0, -16.99)),
        zone_draft(ZoneType.PARKING_ZONE, area=box(-180.0, -17.01, -179.999, -16.99)),
    ):
        for lon in (180.0, -180.0):
            assert len(index_of(draft).zones_at(Point(-17.0, lon), SCOOTER, NOON)) == 1


def test_near_a_pole_the_box_goes_around_it() -> None:
    west, south, east, north = box_around(Point(89.999, 10.0), 500.0)
    assert (west, east, north) == (-170.0, 190.0, 90.0)
    assert south == pytest.approx(89.9945, abs=0.0001)

"""The nearest legal place against a slow oracle that looks at every point of a grid.

The oracle knows nothing of the code under test: it asks each zone by ray casting and by great-circle distance. It counts
a grid point only when the eight points 15 cm around it are legal too, since nobody is sent to a strip that is narrower.

Tolerances: the place that is found is never farther away than the oracle's best plus 3 cm; it is legal by the code and
by the oracle, also when rounded to six decimals, as clients do.
"""

from datetime import UTC, datetime
from itertools import pairwise, product
from math import cos, pi, radians, sin
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from isotope.domain.zones import EndReason, Zone, ZoneIndex, ZoneType, check_zone, find_nearest_parking, may_end_at
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import zone_draft
from tests.kit.zones import index_of

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)
SCOOTER = VehicleType.SCOOTER
M_PER_DEG = 111_195.08

PARKING = (ZoneType.PARKING_ZONE, ZoneType.PAID_PARKING_ZONE, ZoneType.PARK_PLACE_ZONE)
FORBIDDEN = (ZoneType.NO_PARKING_ZONE, ZoneType.NO_GO_ZONE)

STEP_M = 6.0
REACH_M = 150.0
AROUND_M = 0.15
TOLERANCE_M = 0.03


def moved(point: Point, east_m: float, north_m: float) -> Point:
    return Point(point.lat + north_m / M_PER_DEG, point.lon + east_m / M_PER_DEG / cos(radians(point.lat)))


# The oracle.


def in_ring(ring: list[list[float]], point: Point) -> bool:
    inside = False
    for (x_a, y_a), (x_b, y_b) in pairwise(ring):
        if (y_a > point.lat) != (y_b > point.lat) and point.lon < (x_b - x_a) * (point.lat - y_a) / (y_b - y_a) + x_a:
            inside = not inside
    return inside


def lies_in(zone: Zone, point: Point) -> bool:
    if zone.area is None:
        assert zone.point is not None
        assert zone.radius_m is not None
        return distance_m(zone.point, point) <= zone.radius_m
    outside, *holes = zone.area["coordinates"]
    return in_ring(outside, point) and not any(in_ring(hole, point) for hole in holes)


def is_legal(zones: tuple[Zone, ...], point: Point) -> bool:
    if any(zone.zone_type in FORBIDDEN and lies_in(zone, point) for zone in zones):
        return False
    parking = [zone for zone in zones if zone.zone_type in PARKING]
    return not parking or any(lies_in(zone, point) for zone in parking)


def best_on_the_grid(zones: tuple[Zone, ...], point: Point) -> float | None:
    steps = int(REACH_M / STEP_M)
    offsets = sorted(
        ((x * STEP_M, y * STEP_M) for x, y in product(range(-steps, steps + 1), repeat=2)),
        key=lambda offset: offset[0] ** 2 + offset[1] ** 2,
    )
    for east_m, north_m in offsets:
        place = moved(point, east_m, north_m)
        around = (moved(place, AROUND_M * x, AROUND_M * y) for x, y in product((-1, 0, 1), repeat=2))
        if all(is_legal(zones, near) for near in around):
            return distance_m(point, place)
    return None


# Random cities.


def star(centre: Point, radii_m: list[float], turn: float) -> list[list[float]]:
    """A ring that never crosses itself, with as many corners as radii."""
    corners = [
        moved(centre, r * cos(turn + 2 * pi * n / len(radii_m)), r * sin(turn + 2 * pi * n / len(radii_m)))
        for n, r in enumerate(radii_m)
    ]
    ring = [[corner.lon, corner.lat] for corner in corners]
    return [*ring, ring[0]]


@st.composite
def cities(draw: st.DrawFn) -> tuple[ZoneIndex, Point]:
    """Some overlapping polygons, half of them with a hole, and circles, around a place; and where the rider is."""
    lat = draw(st.sampled_from([0.0, 60.17, -45.0, 71.0]))
    home = Point(lat, 24.94)
    drafts = []
    for _ in range(draw(st.integers(1, 7))):
        centre = moved(home, draw(st.floats(-120, 120)), draw(st.floats(-120, 120)))
        zone_type = draw(st.sampled_from([*PARKING, *FORBIDDEN, *FORBIDDEN, ZoneType.BONUS_ZONE]))
        size = draw(st.floats(8, 90))
        parts: dict[str, Any]
        if draw(st.booleans()):
            parts = {"point": centre, "radius_m": size}
        else:
            corners = draw(st.integers(3, 7))
            radii = draw(st.lists(st.floats(0.5, 1.0), min_size=corners, max_size=corners))
            turn = draw(st.floats(0, 2 * pi))
            rings = [star(centre, [size * r for r in radii], turn)]
            if draw(st.booleans()):
                rings.append(star(centre, [size * 0.2] * 5, turn)[::-1])
            parts = {"area": {"type": "Polygon", "coordinates": rings}}
        draft = zone_draft(zone_type, **parts)
        if check_zone(draft) == []:
            drafts.append(draft)
    rider = moved(home, draw(st.floats(-120, 120)), draw(st.floats(-120, 120)))
    return index_of(*drafts), rider


@given(cities())
@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_legal_place_is_nearer(city: tuple[ZoneIndex, Point]) -> None:
    index, rider = city
    no = may_end_at(index, rider, SCOOTER, NOON)
    if no is None:
        assert is_legal(index.zones, rider)
        return
    expected = next(
        (
            reason
            for zone_type, reason in (
                (ZoneType.NO_GO_ZONE, EndReason.NO_GO_ZONE),
                (ZoneType.NO_PARKING_ZONE, EndReason.NO_PARKING_ZONE),
            )
            if any(zone.zone_type is zone_type and lies_in(zone, rider) for zone in index.zones)
        ),
        EndReason.OUTSIDE_PARKING,
    )
    assert no.reason is expected
    best_m = best_on_the_grid(index.zones, rider)
    if no.nearest is None:
        assert best_m is None
        return
    place = no.nearest.point
    rounded = Point(round(place.lat, 6), round(place.lon, 6))
    for answer in (place, rounded):
        assert may_end_at(index, answer, SCOOTER, NOON) is None
        assert is_legal(index.zones, answer)
    assert no.nearest.distance_m == pytest.approx(distance_m(rider, place), abs=1e-9)
    if best_m is not None:
        assert no.nearest.distance_m <= best_m + TOLERANCE_M
    if no.nearest.zone_id is None:
        assert not any(zone.zone_type in PARKING for zone in index.zones)
    else:
        zone = next(zone for zone in index.zones if zone.id == no.nearest.zone_id)
        assert zone.zone_type in PARKING
        assert lies_in(zone, place)


@given(
    lat=st.sampled_from([0.0, 60.17, -45.0, 71.0]),
    east_m=st.floats(-30_000, 30_000),
    north_m=st.floats(-30_000, 30_000),
    radius_m=st.floats(1, 2_000),
)
@settings(max_examples=200, deadline=None)
def test_a_circle_far_away_is_as_far_as_its_border(lat: float, east_m: float, north_m: float, radius_m: float) -> None:
    """The exact answer is known here: the great-circle distance to the middle, less the radius and the margin."""
    rider = Point(lat, 24.94)
    centre = moved(rider, east_m, north_m)
    away_m = distance_m(rider, centre) - radius_m
    index = index_of(zone_draft(ZoneType.PARKING_ZONE, point=centre, radius_m=radius_m))
    nearest = find_nearest_parking(index, rider, SCOOTER, NOON)
    assert nearest is not None
    if away_m > 0:
        assert nearest.distance_m == pytest.approx(away_m + 0.1, abs=0.05)

from datetime import UTC, datetime, timedelta
from math import hypot

import pytest

from isotope.domain.zones import EndReason, ZoneSpec, ZoneType, may_end_at
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME, square, zone_draft
from tests.kit.zones import index_of

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)  # 12:00 in Helsinki, a Monday
SCOOTER, BIKE = VehicleType.SCOOTER, VehicleType.BIKE
FAR = Point(60.30, 24.94)


def north_of(point: Point, metres: float) -> Point:
    return Point(point.lat + metres / 111_195.08, point.lon)


def test_without_zones_a_ride_ends_anywhere() -> None:
    assert may_end_at(index_of(), HOME, SCOOTER, NOON) is None


@pytest.mark.parametrize(
    ("zone_type", "reason"),
    [
        (ZoneType.PARKING_ZONE, None),
        (ZoneType.PAID_PARKING_ZONE, None),
        (ZoneType.PARK_PLACE_ZONE, None),
        (ZoneType.BONUS_ZONE, None),
        (ZoneType.SPEED_LIMIT_ZONE, None),
        (ZoneType.NO_PARKING_ZONE, EndReason.NO_PARKING_ZONE),
        (ZoneType.NO_GO_ZONE, EndReason.NO_GO_ZONE),
    ],
)
def test_inside_a_zone_of_each_type(zone_type: ZoneType, reason: EndReason | None) -> None:
    no = may_end_at(index_of(zone_draft(zone_type)), HOME, SCOOTER, NOON)
    assert (no and no.reason) == reason


@pytest.mark.parametrize(
    ("zone_type", "needs_parking"),
    [
        (ZoneType.PARKING_ZONE, True),
        (ZoneType.PAID_PARKING_ZONE, True),
        (ZoneType.PARK_PLACE_ZONE, True),
        (ZoneType.BONUS_ZONE, False),
        (ZoneType.NO_GO_ZONE, False),
        (ZoneType.NO_PARKING_ZONE, False),
        (ZoneType.SPEED_LIMIT_ZONE, False),
    ],
)
def test_parking_is_required_where_there_is_any(zone_type: ZoneType, *, needs_parking: bool) -> None:
    no = may_end_at(index_of(zone_draft(zone_type)), FAR, SCOOTER, NOON)
    assert (no and no.reason) == (EndReason.OUTSIDE_PARKING if needs_parking else None)


def test_forbidden_zones_come_first_and_no_go_before_no_parking() -> None:
    no_parking, no_go = zone_draft(ZoneType.NO_PARKING_ZONE), zone_draft(ZoneType.NO_GO_ZONE)
    parking = zone_draft(ZoneType.PARKING_ZONE, spec=ZoneSpec(priority=100))
    no = may_end_at(index_of(parking, no_parking), HOME, SCOOTER, NOON)
    assert no is not None
    assert (no.reason, no.zone and no.zone.ref) == (EndReason.NO_PARKING_ZONE, no_parking.ref)
    no = may_end_at(index_of(parking, no_parking, no_go), HOME, SCOOTER, NOON)
    assert no is not None
    assert (no.reason, no.zone and no.zone.ref) == (EndReason.NO_GO_ZONE, no_go.ref)


def test_of_several_the_zone_of_the_highest_priority_is_named() -> None:
    low, high = (zone_draft(ZoneType.NO_PARKING_ZONE, spec=ZoneSpec(priority=p)) for p in (1, 2))
    no = may_end_at(index_of(low, high), HOME, SCOOTER, NOON)
    assert no is not None
    assert no.zone is not None
    assert no.zone.ref == high.ref


def test_zones_of_other_vehicle_types_and_models_do_not_count() -> None:
    for bikes in (BIKE,):
        index = index_of(
            zone_draft(ZoneType.NO_PARKING_ZONE, vehicle_types=(bikes,)),
            zone_draft(ZoneType.PARKING_ZONE, vehicle_types=(bikes,), area=square(FAR, 50)),
        )
        assert may_end_at(index, HOME, SCOOTER, NOON) is None
        assert may_end_at(index, HOME, BIKE, NOON) is not None
    for_model = index_of(zone_draft(ZoneType.NO_PARKING_ZONE, spec=ZoneSpec(models=("cargo",))))
    assert may_end_at(for_model, HOME, BIKE, NOON) is None
    assert may_end_at(for_model, HOME, BIKE, NOON, model_ref="city") is None
    assert may_end_at(for_model, HOME, BIKE, NOON, model_ref="cargo") is not None


def test_windows_are_read_by_the_operators_clock() -> None:
    by_night = ZoneSpec(windows=(TimeWindow(start="22:00", end="06:00"),))
    index = index_of(zone_draft(ZoneType.NO_PARKING_ZONE, spec=by_night))
    assert may_end_at(index, HOME, SCOOTER, NOON) is None
    ten_in_helsinki = datetime(2026, 6, 1, 19, tzinfo=UTC)
    assert may_end_at(index, HOME, SCOOTER, ten_in_helsinki - timedelta(seconds=1)) is None
    assert may_end_at(index, HOME, SCOOTER, ten_in_helsinki) is not None
    # A parking zone that is closed now requires nothing, and offers nothing.
    closed = index_of(zone_draft(ZoneType.PARKING_ZONE, spec=by_night))
    assert may_end_at(closed, FAR, SCOOTER, NOON) is None


def test_the_nearest_parking_is_named_with_its_distance() -> None:
    near = zone_draft(ZoneType.PARKING_ZONE, area=square(north_of(HOME, 1_000), 100))
    far = zone_draft(ZoneType.PARK_PLACE_ZONE, point=north_of(HOME, -2_000), radius_m=50.0)
    no = may_end_at(index_of(far, near), HOME, SCOOTER, NOON)
    assert no is not None
    assert no.nearest is not None
    assert no.nearest.zone_id == 2
    assert no.nearest.distance_m == pytest.approx(900.1, abs=0.3)
    assert distance_m(HOME, no.nearest.point) == no.nearest.distance_m
    no = may_end_at(index_of(far), HOME, SCOOTER, NOON)
    assert no is not None
    assert no.nearest is not None
    assert no.nearest.distance_m == pytest.approx(1_950.1, abs=0.05)


def test_parking_under_a_forbidden_zone_is_not_offered() -> None:
    parking = zone_draft(ZoneType.PARKING_ZONE, area=square(north_of(HOME, 1_000), 100))
    cover = zone_draft(ZoneType.NO_PARKING_ZONE, area=square(north_of(HOME, 950), 100))
    no = may_end_at(index_of(parking, cover), HOME, SCOOTER, NOON)
    assert no is not None
    assert no.nearest is not None
    assert no.nearest.distance_m == pytest.approx(1_050.1, abs=0.3)
    whole = zone_draft(ZoneType.NO_PARKING_ZONE, area=square(north_of(HOME, 1_000), 200))
    no = may_end_at(index_of(parking, whole), HOME, SCOOTER, NOON)
    assert no is not None
    assert no.nearest is None


def test_without_parking_zones_the_way_out_of_the_forbidden_ones_is_shown() -> None:
    index = index_of(
        zone_draft(ZoneType.NO_PARKING_ZONE, point=HOME, radius_m=300.0),
        zone_draft(ZoneType.NO_GO_ZONE, point=north_of(HOME, 400), radius_m=300.0),
    )
    no = may_end_at(index, north_of(HOME, 10), SCOOTER, NOON)
    assert no is not None
    assert no.nearest is not None
    assert no.nearest.zone_id is None
    # The straight way north leads into the other circle; it is shortest to where the two meet, 223.6 m east or west.
    assert no.nearest.distance_m == pytest.approx(hypot(223.6, 190.0), abs=0.4)
    assert may_end_at(index, no.nearest.point, SCOOTER, NOON) is None


def test_a_no_go_area_with_a_hole_is_a_service_area() -> None:
    outer, hole = square(HOME, 30_000)["coordinates"][0], square(HOME, 5_000)["coordinates"][0]
    index = index_of(zone_draft(ZoneType.NO_GO_ZONE, area={"type": "Polygon", "coordinates": [outer, hole[::-1]]}))
    assert may_end_at(index, HOME, SCOOTER, NOON) is None
    outside = north_of(HOME, 8_000)
    no = may_end_at(index, outside, SCOOTER, NOON)
    assert no is not None
    assert no.reason is EndReason.NO_GO_ZONE
    assert no.nearest is not None
    assert no.nearest.distance_m == pytest.approx(3_000.1, abs=0.5)


def test_a_place_out_of_reach_is_not_offered() -> None:
    index = index_of(zone_draft(ZoneType.PARKING_ZONE))
    no = may_end_at(index, Point(-33.9, 151.2), SCOOTER, NOON)
    assert no is not None
    assert (no.reason, no.nearest) == (EndReason.OUTSIDE_PARKING, None)


@pytest.mark.parametrize("place", [Point(90.0, 0.0), Point(-90.0, 180.0), Point(0.0, 180.0), Point(0.0, -180.0)])
def test_any_place_on_the_globe_gets_an_answer(place: Point) -> None:
    index = index_of(zone_draft(ZoneType.PARKING_ZONE), zone_draft(ZoneType.NO_GO_ZONE))
    assert may_end_at(index, place, SCOOTER, NOON) is not None


def test_across_the_antimeridian() -> None:
    east = Point(-17.0, 179.999)
    circle = zone_draft(ZoneType.PARKING_ZONE, point=east, radius_m=50.0)
    no = may_end_at(index_of(circle), Point(-17.0, 179.99), SCOOTER, NOON)
    assert no is not None
    assert no.nearest is not None
    assert no.nearest.distance_m == pytest.approx(distance_m(east, Point(-17.0, 179.99)) - 49.9, abs=0.05)

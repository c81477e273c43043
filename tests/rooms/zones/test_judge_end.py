"""What counts where a ride ends, and how far the tolerance goes."""

from datetime import UTC, datetime

import pytest

from isotope.domain.zones import EndAllowed, EndReason, EndRefused, ZoneDraft, ZoneSpec, ZoneType, judge_end, may_end_at
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME, square, zone_draft
from tests.kit.zones import index_of

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)
SCOOTER = VehicleType.SCOOTER
PARKING, PAID, PLACE = ZoneType.PARKING_ZONE, ZoneType.PAID_PARKING_ZONE, ZoneType.PARK_PLACE_ZONE
NO_PARKING, NO_GO, BONUS = ZoneType.NO_PARKING_ZONE, ZoneType.NO_GO_ZONE, ZoneType.BONUS_ZONE


def north_of(point: Point, metres: float) -> Point:
    return Point(point.lat + metres / 111_195.08, point.lon)


def judge(*drafts: ZoneDraft, point: Point = HOME, tolerance_m: float = 0) -> EndAllowed | EndRefused:
    return judge_end(index_of(*drafts), point, SCOOTER, NOON, tolerance_m=tolerance_m)


def draft(zone_type: ZoneType, ref: str, **spec: int) -> ZoneDraft:
    return zone_draft(zone_type, ref=ref, spec=ZoneSpec(**spec))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("drafts", "counts"),
    [
        ([], None),
        ([draft(PARKING, "a")], "a"),
        ([draft(PAID, "paid", fee_minor=200)], "paid"),
        # A free one of equal or higher priority beats a paid one, whatever the order.
        ([draft(PAID, "paid", fee_minor=200), draft(PARKING, "free")], "free"),
        ([draft(PARKING, "free"), draft(PAID, "paid", fee_minor=200)], "free"),
        ([draft(PAID, "paid", fee_minor=200), draft(PARKING, "free", priority=1)], "free"),
        # An operator puts a paid place into a free zone by its priority.
        ([draft(PAID, "paid", fee_minor=200, priority=1), draft(PARKING, "free")], "paid"),
        ([draft(PAID, "dear", fee_minor=200), draft(PAID, "cheap", fee_minor=100)], "cheap"),
        ([draft(PLACE, "first"), draft(PARKING, "second")], "first"),
        # Zones of other types are no parking.
        ([draft(BONUS, "bonus", priority=9), draft(PARKING, "a")], "a"),
        ([draft(BONUS, "bonus", priority=9)], None),
    ],
)
def test_the_parking_zone_that_counts(drafts: list[ZoneDraft], counts: str | None) -> None:
    judged = judge(*drafts)
    assert isinstance(judged, EndAllowed)
    assert (judged.parking and judged.parking.ref) == counts


def test_the_bonus_zone_that_counts_and_photos() -> None:
    judged = judge(draft(BONUS, "low"), draft(BONUS, "high", priority=1), draft(PARKING, "p"))
    assert isinstance(judged, EndAllowed)
    assert judged.bonus is not None
    assert (judged.bonus.ref, judged.photo_required) == ("high", False)
    judged = judge(draft(PARKING, "a", priority=1), draft(PARKING, "photo", photo_required=True))
    assert isinstance(judged, EndAllowed)
    assert (judged.bonus, judged.photo_required) == (None, True)


@pytest.mark.parametrize(
    ("away_m", "tolerance_m", "reason"),
    [
        (-1, 0, None),
        (1, 0, EndReason.OUTSIDE_PARKING),
        (14, 15, None),
        (16, 15, EndReason.OUTSIDE_PARKING),
    ],
)
def test_parking_counts_within_the_tolerance_outside(
    away_m: float, tolerance_m: float, reason: EndReason | None
) -> None:
    parking = zone_draft(PARKING, ref="p", point=HOME, radius_m=50.0)
    judged = judge(parking, point=north_of(HOME, 50 + away_m), tolerance_m=tolerance_m)
    if reason is None:
        assert isinstance(judged, EndAllowed)
        assert judged.parking is not None
        assert judged.parking.ref == "p"
    else:
        assert isinstance(judged, EndRefused)
        assert judged.reason is reason
        assert judged.nearest is not None
        # The place that is shown is legal by itself.
        assert judged.nearest.distance_m == pytest.approx(away_m + 0.1, abs=0.05)


@pytest.mark.parametrize(("deep_m", "tolerance_m", "may"), [(14, 15, True), (16, 15, False), (1, 0, False)])
@pytest.mark.parametrize("zone_type", [NO_PARKING, NO_GO])
def test_a_forbidden_zone_counts_deeper_than_the_tolerance(
    zone_type: ZoneType, deep_m: float, tolerance_m: float, *, may: bool
) -> None:
    city = zone_draft(PARKING, ref="city", area=square(HOME, 500))
    forbidden = zone_draft(zone_type, ref="no", point=HOME, radius_m=50.0)
    judged = judge(city, forbidden, point=north_of(HOME, 50 - deep_m), tolerance_m=tolerance_m)
    assert isinstance(judged, EndAllowed) is may
    if isinstance(judged, EndAllowed):
        assert judged.parking is not None
        assert judged.parking.ref == "city"
    else:
        assert judged.zone is not None
        assert judged.zone.ref == "no"


def test_who_is_inside_parking_may_end_however_near_a_forbidden_zone_is() -> None:
    city = zone_draft(PARKING, area=square(HOME, 500))
    forbidden = zone_draft(NO_GO, point=HOME, radius_m=50.0)
    index = index_of(city, forbidden)
    assert may_end_at(index, north_of(HOME, 50.5), SCOOTER, NOON, tolerance_m=15) is None


def test_the_tolerance_makes_no_place_where_there_is_none() -> None:
    """Two forbidden zones that touch: the border of each is near, and no way out of both is within the tolerance."""
    west, east = Point(HOME.lat, HOME.lon - 0.001), Point(HOME.lat, HOME.lon + 0.001)
    # Half a side is 0.001007 degrees of longitude: they overlap by 0.8 m.
    index = index_of(zone_draft(NO_PARKING, area=square(west, 56)), zone_draft(NO_PARKING, area=square(east, 56)))
    assert may_end_at(index, HOME, SCOOTER, NOON, tolerance_m=15) is not None
    # Parking that is covered is no parking, though the point is in it and the border of its cover is near.
    covered = index_of(zone_draft(PARKING, area=square(HOME, 20)), zone_draft(NO_PARKING, area=square(HOME, 25)))
    refused = judge_end(covered, north_of(HOME, 15), SCOOTER, NOON, tolerance_m=15)
    assert isinstance(refused, EndRefused)
    assert refused.nearest is None

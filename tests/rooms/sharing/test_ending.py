"""Where a ride may end, and on what terms."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.fleet.model import ModelSpec, VehicleState
from isotope.domain.pricing import ZoneCharge
from isotope.domain.sharing.ending import (
    Allowed,
    EndFacts,
    Photo,
    Refused,
    end_verdict,
    fine_in_force,
    is_photo_required,
    photo_of,
    plan_by_itself,
    plan_end,
    position_at_end,
)
from isotope.domain.sharing.model import NO_PLAN, EndBonus
from isotope.domain.tenants.model import RideSettings
from isotope.domain.zones import EndAllowed, EndReason, EndRefused, NearestParking, Zone, ZoneSpec, ZoneType
from isotope.kernel.geo import Point
from tests.kit.fleet import HOME, zone_draft
from tests.kit.zones import stored

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
# A degree of latitude is 111,195 m.
METRE = 1 / 111_195
SETTINGS = RideSettings(phone_position_fresh_s=60, silent_after_s=600, apart_m=200, gps_tolerance_m=20)


def north(metres: float) -> Point:
    return Point(HOME.lat + metres * METRE, HOME.lon)


def state(
    *, age_s: float = 0, seen_s: float | None = None, locked: bool | None = True, at: Point = HOME
) -> VehicleState:
    """A vehicle with a fix of so long ago, heard of then unless told otherwise."""
    return VehicleState(
        lat=at.lat,
        lon=at.lon,
        fix_at=NOW - timedelta(seconds=age_s),
        speed_kmh=0.0,
        battery_pct=80,
        iot_battery_pct=None,
        locked=locked,
        odometer_m=0,
        seen_at=NOW - timedelta(seconds=age_s if seen_s is None else seen_s),
    )


FACTS = EndFacts(settings=SETTINGS, currency="EUR", now=NOW, phone=HOME, phone_at=NOW, state=state())


def ended_at(facts: EndFacts) -> Point | str:
    point = position_at_end(facts)
    return point.reason if isinstance(point, Refused) else point


@pytest.mark.parametrize(
    ("phone_age_s", "vehicle", "expected"),
    [
        (0, state(at=north(100)), HOME),
        (60, state(at=north(219)), HOME),
        (-60, state(at=north(219)), HOME),
        (60, state(at=north(221)), "far_apart"),
        (61, state(at=north(221)), north(221)),
        (-61, state(at=north(221)), north(221)),
        # The vehicle's is too old, or there is none.
        (0, state(at=north(5_000), age_s=601), HOME),
        (0, None, HOME),
        (61, state(age_s=600), HOME),
        (61, state(age_s=601), "position_unknown"),
        (61, None, "position_unknown"),
        # It is heard, but has no fix any more.
        (0, state(at=north(5_000), age_s=601, seen_s=1), HOME),
        (61, state(age_s=601, seen_s=1), "position_unknown"),
        # Ridden on since its fix: 60 s at 25 km/h are 416 m more.
        (0, state(at=north(630), age_s=60, locked=False), HOME),
        (0, state(at=north(630), age_s=60, locked=None), HOME),
        (0, state(at=north(640), age_s=60, locked=False), "far_apart"),
        (0, state(at=north(630), age_s=60), "far_apart"),
        # A clock that is ahead has ridden nowhere.
        (0, state(at=north(221), age_s=-50, locked=False), "far_apart"),
    ],
)
def test_which_position_counts(phone_age_s: int, vehicle: VehicleState | None, expected: Point | str) -> None:
    facts = replace(FACTS, phone_at=NOW - timedelta(seconds=phone_age_s), state=vehicle)
    assert ended_at(facts) == expected


def test_a_fast_vehicle_can_have_come_farther() -> None:
    facts = replace(FACTS, state=state(at=north(900), age_s=60, locked=False))
    assert ended_at(facts) == "far_apart"
    assert ended_at(replace(facts, max_speed_kmh=45.0)) == HOME


def test_far_apart_says_how_far_and_where_the_vehicle_is() -> None:
    verdict = end_verdict(replace(FACTS, state=state(at=north(500))), allows)
    assert isinstance(verdict, Refused)
    assert verdict.refusal.code == "end_refused_far_apart"
    assert verdict.refusal.details == {
        "reason": "far_apart",
        "distance_m": 500,
        "limit_m": 200,
        "vehicle": {"coordinates": {"latitude": round(north(500).lat, 7), "longitude": HOME.lon}},
    }


@given(
    phone_age_s=st.integers(-2_000, 2_000),
    vehicle_age_s=st.integers(-100, 2_000),
    away_m=st.floats(0, 20_000),
    locked=st.sampled_from([True, False, None]),
    has_state=st.booleans(),
)
def test_a_ride_ends_at_a_position_that_is_known_or_nowhere(
    phone_age_s: int, vehicle_age_s: int, away_m: float, locked: bool | None, has_state: bool
) -> None:
    vehicle = state(age_s=vehicle_age_s, at=north(away_m), locked=locked) if has_state else None
    facts = replace(FACTS, phone_at=NOW - timedelta(seconds=phone_age_s), state=vehicle)
    is_phone_known, is_vehicle_known = abs(phone_age_s) <= 60, has_state and vehicle_age_s <= 600
    ended = ended_at(facts)
    if ended == "far_apart":
        assert is_phone_known
        assert is_vehicle_known
        assert away_m > 200
    elif is_phone_known:
        assert ended == HOME
    elif is_vehicle_known:
        assert ended == north(away_m)
    else:
        assert ended == "position_unknown"


def zone(zone_type: ZoneType, **spec: Any) -> Zone:
    return stored(zone_draft(zone_type, title="Market", spec=ZoneSpec(**spec)))


NEAREST = NearestParking(point=north(321), distance_m=321.04, zone_id=None)


def allows(_point: Point) -> EndAllowed:
    return EndAllowed(parking=None, bonus=None, photo_required=False)


def refuses(
    reason: EndReason, zone: Zone | None = None, nearest: NearestParking | None = NEAREST
) -> Callable[[Point], EndRefused]:
    return lambda _point: EndRefused(reason=reason, zone=zone, nearest=nearest)


FINED = zone(ZoneType.NO_PARKING_ZONE, fine_minor=2_500)
STRICT = zone(ZoneType.NO_PARKING_ZONE)
NO_GO = zone(ZoneType.NO_GO_ZONE, fine_minor=2_500)
OUTSIDE_FINE = RideSettings(outside_fine_minor=1_000)


@pytest.mark.parametrize(
    ("place", "settings", "accepted", "code"),
    [
        (refuses(EndReason.NO_GO_ZONE, NO_GO), OUTSIDE_FINE, 10_000, "end_refused_no_go_zone"),
        (refuses(EndReason.NO_PARKING_ZONE, STRICT), OUTSIDE_FINE, 10_000, "end_refused_no_parking_zone"),
        (refuses(EndReason.NO_PARKING_ZONE, FINED), SETTINGS, None, "end_refused_no_parking_zone_fine"),
        (refuses(EndReason.NO_PARKING_ZONE, FINED), SETTINGS, 0, "end_refused_no_parking_zone_fine"),
        (refuses(EndReason.NO_PARKING_ZONE, FINED), SETTINGS, 2_499, "end_refused_no_parking_zone_fine"),
        (refuses(EndReason.NO_PARKING_ZONE, FINED), SETTINGS, 2_500, None),
        (refuses(EndReason.NO_PARKING_ZONE, FINED), SETTINGS, 9_999, None),
        (refuses(EndReason.OUTSIDE_PARKING), SETTINGS, 10_000, "end_refused_outside_parking"),
        (refuses(EndReason.OUTSIDE_PARKING), OUTSIDE_FINE, 999, "end_refused_outside_parking_fine"),
        (refuses(EndReason.OUTSIDE_PARKING), OUTSIDE_FINE, 1_000, None),
        (
            refuses(EndReason.OUTSIDE_PARKING, nearest=None),
            OUTSIDE_FINE,
            1,
            "end_refused_outside_parking_fine_no_place",
        ),
        (refuses(EndReason.OUTSIDE_PARKING, nearest=None), SETTINGS, 1, "end_refused_outside_parking_no_place"),
        (refuses(EndReason.NO_PARKING_ZONE, FINED, None), SETTINGS, 1, "end_refused_no_parking_zone_fine_no_place"),
        (allows, SETTINGS, None, None),
        (allows, SETTINGS, 2_500, None),
    ],
)
def test_where_it_may_end_and_for_what_fine(
    place: Callable[[Point], EndAllowed | EndRefused], settings: RideSettings, accepted: int | None, code: str | None
) -> None:
    verdict = end_verdict(replace(FACTS, settings=settings, accepted_fine_minor=accepted), place)
    assert (verdict.refusal.code if isinstance(verdict, Refused) else None) == code


def test_only_the_fine_in_force_is_asked_for_and_it_bears_no_tax() -> None:
    verdict = end_verdict(replace(FACTS, accepted_fine_minor=9_999), refuses(EndReason.NO_PARKING_ZONE, FINED))
    assert isinstance(verdict, Allowed)
    assert verdict.charges == (ZoneCharge(code="parking_fine", title="Market", amount_minor=2_500, tax_rate="0"),)
    assert verdict.fine_minor == 2_500
    assert verdict.bonus is None


def test_the_refusal_tells_the_fine_and_the_way() -> None:
    verdict = end_verdict(FACTS, refuses(EndReason.NO_PARKING_ZONE, FINED))
    assert isinstance(verdict, Refused)
    assert verdict.reason == "no_parking_zone"
    assert verdict.refusal.details == {
        "reason": "no_parking_zone",
        "zone_title": "Market",
        "nearest_parking": {
            "coordinates": {"latitude": round(north(321).lat, 7), "longitude": HOME.lon},
            "distance_m": 321.0,
        },
        "fine": {"amount": "25.00", "currency": "EUR"},
    }


def test_no_go_never_has_a_fine() -> None:
    refused = EndRefused(reason=EndReason.NO_GO_ZONE, zone=NO_GO, nearest=None)
    assert fine_in_force(refused, OUTSIDE_FINE) is None


def test_paid_parking_adds_its_fee_and_a_bonus_zone_is_kept_for_after_the_charge() -> None:
    paid, bonus = (
        zone(ZoneType.PAID_PARKING_ZONE, fee_minor=150),
        zone(ZoneType.BONUS_ZONE, bonus_minor=50, bonus_pct=10),
    )
    verdict = end_verdict(FACTS, lambda _point: EndAllowed(parking=paid, bonus=bonus, photo_required=True))
    assert isinstance(verdict, Allowed)
    assert verdict.charges == (ZoneCharge(code="paid_parking", title="Market", amount_minor=150),)
    plan = plan_end(verdict, photo="good", photo_required=True, contact_lost=False)
    assert plan.zone_charges == verdict.charges
    assert plan.bonus == EndBonus(title="Market", amount_minor=50, pct=10)
    assert plan.review == ()
    free = end_verdict(
        FACTS, lambda _point: EndAllowed(parking=zone(ZoneType.PARKING_ZONE), bonus=None, photo_required=False)
    )
    assert isinstance(free, Allowed)
    assert free.charges == ()


def test_an_end_that_nobody_asked_for_has_the_fee_and_earns_nothing() -> None:
    paid, bonus = (
        zone(ZoneType.PAID_PARKING_ZONE, fee_minor=150),
        zone(ZoneType.BONUS_ZONE, bonus_minor=50),
    )
    plan = plan_by_itself(EndAllowed(parking=paid, bonus=bonus, photo_required=True))
    assert [charge.amount_minor for charge in plan.zone_charges] == [150]
    assert (plan.bonus, plan.review) == (None, ())
    assert plan_by_itself(EndRefused(reason=EndReason.NO_GO_ZONE, zone=None, nearest=None)) == NO_PLAN


@pytest.mark.parametrize(
    ("photo", "required", "contact_lost", "review"),
    [
        (None, False, False, ()),
        ("bad", False, False, ()),
        (None, True, False, ("photo_missing",)),
        ("bad", True, False, ("photo_bad",)),
        ("good", True, False, ()),
        (None, False, True, ("contact_lost", "photo_missing")),
        ("bad", False, True, ("contact_lost", "photo_bad")),
        ("good", True, True, ("contact_lost",)),
    ],
)
def test_what_staff_look_at(photo: Photo | None, required: bool, contact_lost: bool, review: tuple[str, ...]) -> None:
    plan = plan_end(Allowed(point=HOME), photo=photo, photo_required=required, contact_lost=contact_lost)
    assert plan.review == review


@pytest.mark.parametrize(
    ("faults", "before", "expected"),
    [
        ([], None, None),
        ([[]], None, "good"),
        ([["too_small"]], None, "bad"),
        ([["too_small"], []], None, "good"),
        # What was given at an earlier try counts on.
        ([], "good", "good"),
        ([], "bad", "bad"),
        ([["too_small"]], "good", "good"),
        ([[]], "bad", "good"),
    ],
)
def test_the_best_picture_counts(faults: list[list[str]], before: Photo | None, expected: Photo | None) -> None:
    assert photo_of(faults, before) == expected


@pytest.mark.parametrize(
    ("of_zone", "of_model", "of_operator", "expected"),
    [
        (False, None, False, False),
        (False, None, True, True),
        (False, False, True, False),
        (False, True, False, True),
        (True, False, False, True),
    ],
)
def test_who_wants_a_photo(of_zone: bool, of_model: bool | None, of_operator: bool, expected: bool) -> None:
    allowed = Allowed(point=HOME, photo_required=of_zone)
    found = is_photo_required(allowed, ModelSpec(photo_required=of_model), RideSettings(photo_required=of_operator))
    assert found is expected


@pytest.mark.parametrize(("vehicle", "expected"), [(None, True), (state(seen_s=600), False), (state(seen_s=601), True)])
def test_contact_is_lost_with_who_is_not_heard_of(vehicle: VehicleState | None, expected: bool) -> None:
    assert replace(FACTS, state=vehicle).is_contact_lost is expected

"""Who may pick up and bring back, when and where: every row of the tables."""

from datetime import datetime, timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from isotope.domain.fleet.model import LockedVehicle, VehicleStatus
from isotope.domain.rental.driving import (
    PhonePosition,
    driven_m,
    may_order,
    may_pick_up,
    missing_energy_pct,
    position_at_return,
    refused_return_at,
    why_not_handed_out,
)
from isotope.domain.rental.model import Booking, BookingStatus, OrderKind, Station, StationId, StationSpec
from isotope.domain.rental.places import is_at, place_of, station_at
from isotope.domain.tenants.model import RentalSettings, RideSettings
from isotope.kernel.geo import Point
from isotope.kernel.ids import DeviceId, OperatorId
from tests.kit.fleet import HOME, square
from tests.rooms.rental.bookings import END, START, a_booking
from tests.rooms.rental.vehicles import a_state, a_vehicle

MIN = timedelta(minutes=1)
RIDES = RideSettings(silent_after_s=1_200, phone_position_fresh_s=60)


@pytest.mark.parametrize(
    ("booking", "now", "more", "code"),
    [
        (a_booking(), START, {}, None),
        (a_booking(), START - 15 * MIN, {}, None),
        (a_booking(), START - 15 * MIN - timedelta(seconds=1), {}, "too_early_to_pick_up"),
        (a_booking(), START + 59 * MIN, {}, None),
        (a_booking(), START + 60 * MIN, {}, "too_late_to_pick_up"),
        # A short one is over before anybody gives it up.
        (a_booking(ends_at=START + 30 * MIN), START + 30 * MIN, {}, "too_late_to_pick_up"),
        (a_booking(), START, {"blocked": True}, "rider_blocked"),
        (a_booking(status=BookingStatus.AWAITING_PAYMENT), START, {}, "booking_status"),
        (a_booking(status=BookingStatus.ACTIVE), START, {}, "booking_status"),
        (a_booking(status=BookingStatus.CANCELLED), START, {}, "booking_status"),
        (a_booking(order_kind=OrderKind.PICK_UP, ordered_at=START), START, {}, "booking_busy"),
        (a_booking(), START, {"wanted": 2, "photos": 1}, "photos_needed"),
        (a_booking(), START, {"wanted": 2, "photos": 2}, None),
    ],
)
def test_who_may_pick_up(booking: Booking, now: datetime, more: dict[str, Any], code: str | None) -> None:
    settings = RentalSettings(photos_before=more.get("wanted", 0))
    refusal = may_pick_up(booking, settings, now, blocked=more.get("blocked", False), photos=more.get("photos", 0))
    assert (None if refusal is None else refusal.code) == code


@pytest.mark.parametrize("status", BookingStatus)
def test_orders_need_their_status(status: BookingStatus) -> None:
    refusal = may_order(a_booking(status=status), BookingStatus.ACTIVE)
    assert (refusal is None) == (status is BookingStatus.ACTIVE)


@pytest.mark.parametrize(
    ("fix_age_s", "phone_age_s", "expected"),
    [
        (0, None, "vehicle"),
        (1_200, 0, "vehicle"),
        (1_201, 60, "phone"),
        (1_201, 61, None),
        (1_201, None, None),
        (None, 0, "phone"),
        (None, None, None),
    ],
)
def test_which_position_counts(fix_age_s: int | None, phone_age_s: int | None, expected: str | None) -> None:
    there = Point(61.0, 25.0)
    state = None if fix_age_s is None else a_state(fix_at=END - timedelta(seconds=fix_age_s))
    phone = None if phone_age_s is None else PhonePosition(point=there, at=END - timedelta(seconds=phone_age_s))
    found = position_at_return(state, phone, RIDES, END)
    assert found == {"vehicle": HOME, "phone": there, None: None}[expected]


@pytest.mark.parametrize(
    ("refused", "before_m", "now_m", "stuck"),
    [
        (False, None, 5_000, False),
        (True, 5_000, 5_000, True),
        (True, 5_000, 5_100, True),
        (True, 5_000, 5_101, False),
        (True, None, 5_000, True),
        (True, 5_000, None, True),
    ],
)
def test_a_second_try_counts_where_the_first_was(
    refused: bool, before_m: int | None, now_m: int | None, stuck: bool
) -> None:
    booking = a_booking(
        status=BookingStatus.ACTIVE,
        picked_up_at=START,
        end_odometer_m=before_m,
        lock_refused_at=END if refused else None,
    )
    assert refused_return_at(booking, now_m) == (END if stuck else None)


@pytest.mark.parametrize(
    ("changes", "state", "why"),
    [
        ({}, {}, None),
        ({"status": VehicleStatus.RESERVED, "held_by": "booking:7"}, {}, None),
        ({"status": VehicleStatus.RESERVED, "held_by": "booking:8"}, {}, "not_ready"),
        ({"status": VehicleStatus.IN_USE, "held_by": "booking:7"}, {}, "not_ready"),
        ({"status": VehicleStatus.CHARGING}, {}, "not_ready"),
        ({"device_id": None}, {}, "no_device"),
        ({}, {"seen_at": START - timedelta(seconds=1_201)}, "silent"),
        ({}, {"battery_pct": 19}, "energy_low"),
        ({}, {"battery_pct": 20}, None),
        ({}, None, "silent"),
        ({}, {"lat": HOME.lat + 350 / 111_195}, None),
        ({}, {"lat": HOME.lat + 500 / 111_195}, "elsewhere"),
        ({"status": VehicleStatus.RESERVED, "held_by": "booking:7"}, {"lat": HOME.lat + 1}, "elsewhere"),
        ({"status": VehicleStatus.RESERVED, "held_by": "booking:8"}, {"lat": HOME.lat + 1}, "not_ready"),
    ],
)
def test_what_can_be_handed_out(changes: dict[str, Any], state: dict[str, Any] | None, why: str | None) -> None:
    found = a_vehicle(**{"device_id": DeviceId(9)} | changes)
    found = replace(found, state=None if state is None else a_state(**{"seen_at": START} | state))
    assert handed_out(found) == why


def handed_out(found: LockedVehicle) -> str | None:
    place = place_of(a_station(1, HOME, radius_m=100.0))
    return why_not_handed_out(found, "booking:7", place=place, minimum_energy_pct=20, silent_after_s=1_200, now=START)


def test_what_is_only_rented_was_left_by_no_rider() -> None:
    far = replace(a_vehicle(device_id=DeviceId(9)), state=a_state(lat=HOME.lat + 1))
    assert handed_out(far) == "elsewhere"
    rented = replace(far.model, spec=replace(far.model.spec, sharing=False))
    assert handed_out(replace(far, model=rented)) is None


@pytest.mark.parametrize(
    ("start", "end", "went"), [(1_000, 9_000, 8_000), (9_000, 1_000, 0), (None, 1, None), (1, None, None)]
)
def test_how_far_it_went(start: int | None, end: int | None, went: int | None) -> None:
    assert driven_m(a_booking(start_odometer_m=start, end_odometer_m=end)) == went


@pytest.mark.parametrize(("start", "end", "missing"), [(90, 40, 50), (40, 90, 0), (None, 1, None), (1, None, None)])
def test_what_is_missing(start: int | None, end: int | None, missing: int | None) -> None:
    assert missing_energy_pct(a_booking(start_energy_pct=start, end_energy_pct=end)) == missing


def a_station(nr: int, point: Point, *, radius_m: float | None, area: Any = None) -> Station:
    return Station(
        operator_id=OperatorId(1),
        id=StationId(nr),
        ref=f"s{nr}",
        title=f"Station {nr}",
        point=point,
        area=area,
        radius_m=radius_m,
        spec=StationSpec(),
    )


def north(metres: float) -> Point:
    return Point(HOME.lat + metres / 111_195, HOME.lon)


@pytest.mark.parametrize(
    "station", [a_station(1, HOME, radius_m=100.0), a_station(1, HOME, radius_m=None, area=square(HOME, 100.0))]
)
@pytest.mark.parametrize(
    ("metres", "tolerance_m", "there"),
    [(0, 0, True), (99, 0, True), (101, 0, False), (149, 50, True), (151, 50, False), (5_000, 50, False)],
)
def test_a_station_reaches_as_far_as_its_tolerance(
    station: Station, metres: float, tolerance_m: float, there: bool
) -> None:
    assert is_at(place_of(station), north(metres), tolerance_m) is there


def test_of_two_stations_the_deeper_one_counts() -> None:
    places = [
        (station.id, place_of(station))
        for station in (a_station(1, HOME, radius_m=100.0), a_station(2, north(150), radius_m=100.0))
    ]
    assert station_at(places, north(40), 50) == 1
    assert station_at(places, north(110), 50) == 2
    assert station_at(places, north(299), 50) == 2
    assert station_at(places, north(301), 50) is None
    assert station_at([], HOME, 50) is None

from datetime import UTC, datetime, timedelta

import pytest

from isotope.domain.fleet import By, ModelSpec, Vehicle, VehicleState, VehicleStatus, may_change_status
from isotope.domain.fleet.rules import minimum_battery_pct, status_after_release, why_not_rentable
from isotope.kernel.ids import ModelId, OperatorId, VehicleId

S = VehicleStatus
NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HELD = {S.IN_USE, S.RESERVED}
ALL = set(VehicleStatus)


def vehicle(status: VehicleStatus) -> Vehicle:
    return Vehicle(
        operator_id=OperatorId(1),
        id=VehicleId(1),
        nr="1",
        model_id=ModelId(1),
        device_id=None,
        status=status,
        status_at=NOW,
        held_by="ride:1" if status in HELD else None,
        manual_locker_code=None,
        created_at=NOW,
    )


# by -> from -> to: written out, so that a change of the machine is a change here.
ALLOWED: dict[By, dict[VehicleStatus, set[VehicleStatus]]] = {
    By.HOLD: {S.READY: {S.IN_USE, S.RESERVED}, S.RESERVED: {S.IN_USE}},
    By.RELEASE: {has: {S.READY, S.DISCHARGED, S.NEED_INVESTIGATION} for has in HELD},
    By.WATCH: {S.READY: {S.DISCHARGED, S.NEED_INVESTIGATION}, S.DISCHARGED: {S.READY, S.NEED_INVESTIGATION}},
    By.TASK: {
        **{has: {S.REBALANCING} for has in ALL - HELD},
        S.REBALANCING: ALL - HELD,
    },
    By.PERSON: {has: ALL - HELD - {S.REBALANCING} for has in ALL - HELD},
    By.APPLY: {has: {S.READY, S.DEPRECATED} for has in ALL - HELD},
}


@pytest.mark.parametrize("by", By)
@pytest.mark.parametrize("has", VehicleStatus)
def test_every_change_is_allowed_or_refused_by_the_table(by: By, has: VehicleStatus) -> None:
    allowed = {to for to in VehicleStatus if may_change_status(vehicle(has), to, by) is None}
    assert allowed == ALLOWED[by].get(has, set())


def test_a_refusal_by_hand_names_what_may_be_set() -> None:
    no = may_change_status(vehicle(S.READY), S.IN_USE, By.PERSON)
    assert no is not None
    assert no.code == "status_not_by_hand"
    assert no.details["allowed"] == [status.value for status in VehicleStatus if status in ALLOWED[By.PERSON][S.READY]]


def test_a_held_vehicle_is_left_alone_by_everybody_else() -> None:
    no = may_change_status(vehicle(S.IN_USE), S.NEED_SERVICE, By.PERSON)
    assert no is not None
    assert no.code == "vehicle_held"


@pytest.mark.parametrize(
    ("battery_pct", "needs_check", "status"),
    [
        (10, False, S.READY),
        (9, False, S.DISCHARGED),
        (None, False, S.DISCHARGED),
        (100, True, S.NEED_INVESTIGATION),
        (0, True, S.NEED_INVESTIGATION),
    ],
)
def test_status_after_release(battery_pct: int | None, *, needs_check: bool, status: VehicleStatus) -> None:
    assert status_after_release(battery_pct, 10, needs_check=needs_check) is status


def state(**told: object) -> VehicleState:
    facts: dict[str, object] = {
        "lat": 60.0,
        "lon": 24.0,
        "fix_at": NOW,
        "speed_kmh": 0.0,
        "battery_pct": 50,
        "iot_battery_pct": None,
        "locked": True,
        "odometer_m": 0,
        "seen_at": NOW,
    }
    return VehicleState(**(facts | told))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("status", "known", "word"),
    [
        (S.READY, state(), None),
        (S.IN_USE, state(), "not_ready"),
        (S.READY, None, "silent"),
        (S.READY, state(seen_at=NOW - timedelta(seconds=1_200)), None),
        (S.READY, state(seen_at=NOW - timedelta(seconds=1_201)), "silent"),
        (S.READY, state(battery_pct=10), None),
        (S.READY, state(battery_pct=9), "battery_low"),
    ],
)
def test_why_not_rentable(status: VehicleStatus, known: VehicleState | None, word: str | None) -> None:
    assert why_not_rentable(status, known, minimum_pct=10, silent_after_s=1_200, now=NOW) == word


def test_a_model_may_have_its_own_minimum() -> None:
    assert minimum_battery_pct(ModelSpec(), 10) == 10
    assert minimum_battery_pct(ModelSpec(minimum_battery_pct=0), 10) == 0

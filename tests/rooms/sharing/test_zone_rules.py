"""What a look at a vehicle among zones comes to: what can be done to it, what is recorded, when orders come again."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from isotope.domain.devices.model import Capability, CommandName, ValueSpec
from isotope.domain.fleet import LockedVehicle, ModelSpec, Vehicle, VehicleModel, VehicleState, VehicleStatus
from isotope.domain.sharing.model import EventKind
from isotope.domain.sharing.zone_effects import NOTHING, VehicleEffect
from isotope.domain.sharing.zone_rules import event_of, look_among_zones, look_at_parked, means_of, next_try
from isotope.domain.tenants.model import Operator, Settings, ZoneEffectSettings
from isotope.domain.zones import NO_EFFECT, EffectKind, Means, ZoneEffect, ZoneIndex, ZoneType
from isotope.kernel.ids import CommandId, DeviceId, ModelId, OperatorId, TariffId, VehicleId, ZoneId
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME, zone_draft
from tests.kit.zones import index_of

NOW = datetime(2026, 6, 1, 9, tzinfo=UTC)
LIMIT = Capability(command=CommandName.SPEED_LIMIT, value=ValueSpec(type="integer", min=5, max=30))
ENGINE = Capability(command=CommandName.ENGINE)
SLOW_ZONE = zone_draft(ZoneType.SPEED_LIMIT_ZONE, title="Park")


def operator(*, act: bool = True) -> Operator:
    return Operator(
        id=OperatorId(1),
        slug="o",
        name="O",
        currency="EUR",
        time_zone="Europe/Helsinki",
        languages=("en",),
        settings=Settings(zone_effects=ZoneEffectSettings(act=act)),
    )


def vehicle(
    *capabilities: Capability,
    vehicle_type: VehicleType = VehicleType.SCOOTER,
    speed_kmh: float | None = 0.0,
    seen_s: int = 0,
    is_heard: bool = True,
) -> LockedVehicle:
    """A vehicle at HOME that was heard of so many seconds ago."""
    seen_at = NOW - timedelta(seconds=seen_s)
    state = VehicleState(
        lat=HOME.lat,
        lon=HOME.lon,
        fix_at=seen_at,
        speed_kmh=speed_kmh,
        battery_pct=80,
        iot_battery_pct=80,
        locked=False,
        odometer_m=0,
        seen_at=seen_at,
    )
    return LockedVehicle(
        vehicle=Vehicle(
            operator_id=OperatorId(1),
            id=VehicleId(1),
            nr="1",
            model_id=ModelId(1),
            device_id=DeviceId(1),
            status=VehicleStatus.IN_USE,
            status_at=NOW,
            held_by="ride:1",
            manual_locker_code=None,
            created_at=NOW,
        ),
        model=VehicleModel(
            operator_id=OperatorId(1),
            id=ModelId(1),
            ref="m",
            title="M",
            vehicle_type=vehicle_type,
            tariff_id=TariffId(1),
            addon_ids=(),
            spec=ModelSpec(max_speed_kmh=25, capabilities=capabilities),
        ),
        state=state if is_heard else None,
    )


@pytest.mark.parametrize(
    ("found", "limit", "throttle", "may_cut"),
    [
        (vehicle(), False, False, False),
        (vehicle(LIMIT), True, False, False),
        (vehicle(LIMIT, ENGINE), True, True, True),
        # The law: nothing that stops goes to who moves, or of whom nobody knows.
        (vehicle(ENGINE, speed_kmh=5.1), False, True, False),
        (vehicle(ENGINE, speed_kmh=None), False, True, False),
        (vehicle(ENGINE, seen_s=121), False, True, False),
        (vehicle(ENGINE, is_heard=False), False, True, False),
        # Nobody pushes a car.
        (vehicle(LIMIT, ENGINE, vehicle_type=VehicleType.MOPED), True, True, True),
        (vehicle(LIMIT, ENGINE, vehicle_type=VehicleType.CAR), True, False, False),
    ],
)
def test_what_can_be_done_to_a_vehicle(found: LockedVehicle, *, limit: bool, throttle: bool, may_cut: bool) -> None:
    assert means_of(operator(), found, NOW) == Means(limit=limit, throttle=throttle, may_cut=may_cut)


IN_ONE = {ZoneId(1): None}
SLOWED = ZoneEffect(kind=EffectKind.LIMIT, limit_kmh=12, zone_id=ZoneId(1), title="Park")


def effect(**parts: Any) -> VehicleEffect:
    usual: dict[str, Any] = {"inside": IN_ONE, "effect": SLOWED}
    return VehicleEffect(**(usual | parts))


PENDING: dict[str, Any] = {"speed_command_id": CommandId(1), "tries": 1}


@pytest.mark.parametrize(
    ("before", "due"),
    [
        (NOTHING, True),
        (effect(), False),
        (effect(due_at=NOW + timedelta(seconds=1), **PENDING), False),
        (effect(due_at=NOW, **PENDING), True),
        (effect(inside={}), True),
        (effect(inside={ZoneId(1): NOW}), True),
        (effect(effect=NO_EFFECT, due_at=NOW + timedelta(seconds=1), **PENDING), True),
    ],
)
def test_when_a_look_is_due(before: VehicleEffect, *, due: bool) -> None:
    look = look_among_zones(operator(), index_of(SLOW_ZONE), vehicle(LIMIT), before, NOW)
    assert (look.inside, look.wanted, look.is_due) == (IN_ONE, SLOWED, due)


def test_what_is_unknown_switched_off_or_parked() -> None:
    index: ZoneIndex = index_of(SLOW_ZONE)
    unheard = look_among_zones(operator(), index, vehicle(LIMIT, is_heard=False), effect(), NOW)
    assert (unheard.wanted, unheard.is_due) == (SLOWED, False)
    for look in (
        look_among_zones(operator(act=False), index, vehicle(LIMIT), effect(), NOW),
        look_at_parked(effect(), NOW),
    ):
        assert (look.inside, look.wanted, look.is_due) == ({}, NO_EFFECT, True)
    assert not look_at_parked(NOTHING, NOW).is_due
    let_go = effect(inside={}, effect=NO_EFFECT, due_at=NOW + timedelta(seconds=1), **PENDING)
    assert not look_at_parked(let_go, NOW).is_due
    assert look_at_parked(let_go, NOW + timedelta(seconds=1)).is_due


def test_orders_come_again_ever_later() -> None:
    waits = [(next_try(tries, 8, NOW) - NOW).total_seconds() for tries in (1, 2, 3, 4, 5, 6, 1_000)]
    assert waits == [13, 18, 28, 48, 68, 68, 68]


NO_GO = ZoneEffect(kind=EffectKind.NO_GO, limit_kmh=6, zone_id=ZoneId(2), title="Castle")
STOPPED = ZoneEffect(kind=EffectKind.NO_GO, limit_kmh=6, throttle_off=True, zone_id=ZoneId(2), title="Castle")
RENAMED = ZoneEffect(kind=EffectKind.LIMIT, limit_kmh=12, zone_id=ZoneId(3), title="Square")


@pytest.mark.parametrize(
    ("before", "after", "event"),
    [
        (NO_EFFECT, NO_EFFECT, None),
        (SLOWED, RENAMED, None),
        (NO_EFFECT, SLOWED, EventKind.ZONE_SLOWED),
        (SLOWED, NO_GO, EventKind.ZONE_SLOWED),
        (NO_GO, STOPPED, EventKind.ZONE_STOPPED),
        (SLOWED, STOPPED, EventKind.ZONE_STOPPED),
        (STOPPED, SLOWED, EventKind.ZONE_SLOWED),
        (STOPPED, NO_EFFECT, EventKind.ZONE_RELEASED),
        (SLOWED, NO_EFFECT, EventKind.ZONE_RELEASED),
    ],
)
def test_what_a_rides_events_tell(before: ZoneEffect, after: ZoneEffect, event: EventKind | None) -> None:
    assert event_of(before, after) is event

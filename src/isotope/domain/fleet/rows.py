"""Rows to nouns: every statement of this room that reads vehicles selects these columns."""

from typing import Any, Final

import msgspec

from isotope.domain.fleet.model import (
    LockedVehicle,
    ModelSpec,
    Vehicle,
    VehicleModel,
    VehicleState,
    VehicleStatus,
)
from isotope.kernel.vehicle_types import VehicleType

FULL: Final = 100

VEHICLE_COLUMNS: Final = """
    v.operator_id, v.id, v.nr, v.model_id, v.device_id, v.status, v.status_at, v.held_by, v.manual_locker_code,
    v.created_at
"""
MODEL_COLUMNS: Final = """
    m.ref as model_ref, m.title as model_title, m.vehicle_type, m.tariff_id, m.addon_ids, m.spec,
    m.retired_at as model_retired_at
"""
STATE_COLUMNS: Final = """
    s.lat, s.lon, s.fix_at, s.speed_kmh, s.battery_pct, s.iot_battery_pct, s.locked, s.odometer_m, s.seen_at
"""


def vehicle_of(row: dict[str, Any]) -> Vehicle:
    return Vehicle(
        operator_id=row["operator_id"],
        id=row["id"],
        nr=row["nr"],
        model_id=row["model_id"],
        device_id=row["device_id"],
        status=VehicleStatus(row["status"]),
        status_at=row["status_at"],
        held_by=row["held_by"],
        manual_locker_code=row["manual_locker_code"],
        created_at=row["created_at"],
    )


def model_of(row: dict[str, Any]) -> VehicleModel:
    return VehicleModel(
        operator_id=row["operator_id"],
        id=row["model_id"],
        ref=row["model_ref"],
        title=row["model_title"],
        vehicle_type=VehicleType(row["vehicle_type"]),
        tariff_id=row["tariff_id"],
        addon_ids=tuple(row["addon_ids"]),
        spec=msgspec.convert(row["spec"], ModelSpec),
        retired_at=row["model_retired_at"],
    )


def state_of(row: dict[str, Any]) -> VehicleState | None:
    if row["seen_at"] is None:
        return None
    return VehicleState(
        lat=row["lat"],
        lon=row["lon"],
        fix_at=row["fix_at"],
        speed_kmh=row["speed_kmh"],
        battery_pct=FULL if row["battery_pct"] is None else row["battery_pct"],
        iot_battery_pct=row["iot_battery_pct"],
        locked=row["locked"],
        odometer_m=row["odometer_m"] or 0,
        seen_at=row["seen_at"],
    )


def locked_vehicle_row(**row: Any) -> LockedVehicle:
    """For `tx.find`: vehicle, model and state of one joined row."""
    return LockedVehicle(vehicle=vehicle_of(row), model=model_of(row), state=state_of(row))

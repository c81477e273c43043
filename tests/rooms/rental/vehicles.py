"""Vehicles as a pure rule sees them."""

from typing import Any

from isotope.domain.fleet.model import LockedVehicle, ModelSpec, Vehicle, VehicleModel, VehicleState, VehicleStatus
from isotope.kernel.ids import ModelId, OperatorId, TariffId, VehicleId
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.fleet import HOME
from tests.rooms.rental.bookings import START


def a_vehicle(**changes: Any) -> LockedVehicle:
    """READY, without a unit; nothing is known of it."""
    fields: dict[str, Any] = {
        "operator_id": OperatorId(1),
        "id": VehicleId(3),
        "nr": "R1",
        "model_id": ModelId(4),
        "device_id": None,
        "status": VehicleStatus.READY,
        "status_at": START,
        "held_by": None,
        "manual_locker_code": None,
        "created_at": START,
    }
    model = VehicleModel(
        operator_id=OperatorId(1),
        id=ModelId(4),
        ref="car",
        title="Car",
        vehicle_type=VehicleType.CAR,
        tariff_id=TariffId(1),
        addon_ids=(),
        spec=ModelSpec(),
    )
    return LockedVehicle(vehicle=Vehicle(**(fields | changes)), model=model, state=None)


def a_state(**changes: Any) -> VehicleState:
    """At HOME, heard of at START."""
    fields: dict[str, Any] = {
        "lat": HOME.lat,
        "lon": HOME.lon,
        "fix_at": START,
        "speed_kmh": 0.0,
        "battery_pct": 80,
        "iot_battery_pct": None,
        "locked": True,
        "odometer_m": 1_000,
        "seen_at": START,
    }
    return VehicleState(**(fields | changes))

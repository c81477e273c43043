"""Every no of the fleet room, and its bugs."""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.fleet.slots import Slot
from isotope.kernel.errors import Kind, Refusal


class HolderError(RuntimeError):
    """A bug: somebody takes or releases a vehicle that another holds, or holds it without its row lock."""


class UnknownRefError(LookupError):
    """A description names what the operator does not have. `table` is tariff, addon or vehicle_model."""

    def __init__(self, table: str, refs: Sequence[str]) -> None:
        self.table = table
        self.refs = tuple(refs)
        super().__init__(f"no {table} {', '.join(refs)}")


def vehicle_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "vehicle_not_found")


def vehicle_not_named() -> Refusal:
    """Neither id nor number was given."""
    return Refusal(Kind.INVALID, "vehicle_not_named")


def model_not_found() -> Refusal:
    return Refusal(Kind.NOT_FOUND, "model_not_found")


def vehicle_not_available(status: VehicleStatus) -> Refusal:
    """Somebody else has it, or it is out of service."""
    return Refusal(Kind.CONFLICT, "vehicle_not_available", details={"vehicle_status": status.value})


def vehicle_booked(starts_at: datetime) -> Refusal:
    """Somebody has it booked, or work on it is planned, from soon on."""
    return Refusal(Kind.CONFLICT, "vehicle_booked", details={"booked_from": int(starts_at.timestamp())})


def status_not_by_hand(to_status: VehicleStatus, allowed: list[VehicleStatus]) -> Refusal:
    """The status follows from what happens to the vehicle; `details` has what a person may set."""
    return Refusal(
        Kind.CONFLICT,
        "status_not_by_hand",
        {"status": to_status, "allowed": ", ".join(allowed)},
        {"status": to_status.value, "allowed": [status.value for status in allowed]},
    )


def vehicle_held(nr: str, status: VehicleStatus) -> Refusal:
    """Nothing but its journey changes a vehicle that is in use or reserved."""
    return Refusal(Kind.CONFLICT, "vehicle_held", {"nr": nr, "status": status}, {"vehicle_status": status.value})


def status_change_not_allowed(from_status: VehicleStatus, to_status: VehicleStatus) -> Refusal:
    return Refusal(
        Kind.CONFLICT,
        "status_change_not_allowed",
        {"from_status": from_status, "to_status": to_status},
        {"from_status": from_status.value, "to_status": to_status.value},
    )


def model_has_vehicles(refs: list[str], vehicles: int) -> Refusal:
    """A model is not retired under vehicles that are in service."""
    return Refusal(Kind.CONFLICT, "model_has_vehicles", {"refs": ", ".join(refs), "vehicles": vehicles})


def vehicle_has_no_device() -> Refusal:
    return Refusal(Kind.CONFLICT, "vehicle_has_no_device")


def task_not_found() -> Refusal:
    """The operator has no such work planned."""
    return Refusal(Kind.NOT_FOUND, "task_not_found")


def maintenance_dates(most_days: int) -> Refusal:
    """Planned work ends after now and after its start, and does not last for ever."""
    return Refusal(Kind.CONFLICT, "maintenance_dates", {"days": most_days}, {"maximum_days": most_days})


def maintenance_in_the_way(slot: Slot) -> Refusal:
    """The vehicle is spoken for: `holder` is `booking:12` or `task:7`; with its buffer it ends at `until`."""
    kind, _, number = slot.holder.partition(":")
    return Refusal(
        Kind.CONFLICT,
        "maintenance_in_the_way",
        {"what": kind, "number": number},
        {
            f"{kind}_id": int(number),
            "from": int(slot.starts_at.timestamp()),
            "until": int(slot.ends_at.timestamp()),
        },
    )

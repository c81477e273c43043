"""Every no of the fleet room, and its bugs."""

from collections.abc import Sequence

from isotope.domain.fleet.model import VehicleStatus
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

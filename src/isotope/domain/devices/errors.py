"""The refusals of this room."""

from collections.abc import Sequence

from isotope.kernel.errors import Kind, Refusal


def device_offline() -> Refusal:
    """The device has no session: nothing is kept for when it comes back."""
    return Refusal(Kind.CONFLICT, "device_offline")


def vehicle_moving() -> Refusal:
    """The command would stop or lock a vehicle that moves."""
    return Refusal(Kind.CONFLICT, "vehicle_moving")


def vehicle_speed_unknown() -> Refusal:
    """The command would stop or lock, and nobody knows whether the vehicle moves."""
    return Refusal(Kind.CONFLICT, "vehicle_speed_unknown", retry_after_s=5)


def command_unsupported(name: str, accepted: Sequence[str]) -> Refusal:
    return Refusal(
        Kind.INVALID,
        "command_unsupported",
        params={"command": name[:64], "accepted": ", ".join(accepted)},
        details={"accepted": list(accepted)},
    )


def command_staff_only(name: str) -> Refusal:
    return Refusal(Kind.FORBIDDEN, "command_staff_only", params={"command": name[:64]})


def command_value_invalid(name: str, accepted: str) -> Refusal:
    """A value is missing, of the wrong type or out of range; `accepted` says in words what would do."""
    return Refusal(Kind.INVALID, "command_value_invalid", params={"command": name[:64], "accepted": accepted})


def command_value_unexpected(name: str) -> Refusal:
    return Refusal(Kind.INVALID, "command_value_unexpected", params={"command": name[:64]})


def device_identity_taken(identity: str) -> Refusal:
    """Another operator has a device of that identity; says no more than that."""
    return Refusal(Kind.CONFLICT, "device_identity_taken", params={"identity": identity})

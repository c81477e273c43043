"""Devices (the boxes in the vehicles), their sessions, their commands."""

from collections.abc import Mapping
from datetime import datetime
from enum import StrEnum
from typing import Final, Literal
from uuid import UUID

import msgspec

from isotope.iot.model import PARAMETER, AckStatus, CommandName, RefusedReason, Scalar, StateReport
from isotope.kernel.actor import Actor
from isotope.kernel.ids import CommandId, DeviceId, OperatorId

__all__ = [
    "COMMAND_CHANNEL",
    "OUTCOME_CHANNEL",
    "PARAMETER",
    "SESSION_CHANNEL",
    "AckStatus",
    "Capability",
    "CommandEvent",
    "CommandName",
    "CommandOutcome",
    "CommandRequest",
    "CommandStatus",
    "Device",
    "DeviceCommand",
    "DeviceSpec",
    "ListedCommand",
    "Motion",
    "RefusedReason",
    "ResolvedCommand",
    "Scalar",
    "StateReport",
    "ValueSpec",
]

# NOTIFY channels. A command for a gateway: "<session_id>:<operator_id>:<device_id>:<command_id>".
COMMAND_CHANNEL: Final = "device_command"
# A command has its outcome: "<operator_id>:<command_id>".
OUTCOME_CHANNEL: Final = "command_outcome"
# A device has logged in elsewhere, drop its old socket: "<old session_id>:<operator_id>:<device_id>".
SESSION_CHANNEL: Final = "device_session"


class Device(msgspec.Struct, frozen=True, kw_only=True):
    """A box in a vehicle.

    `session_id` is the gateway process that holds its socket; None: not connected. `session_nr` tells that socket from
    others of the same process.
    """

    operator_id: OperatorId
    id: DeviceId
    protocol: str
    identity: str
    session_id: UUID | None = None
    session_nr: int | None = None
    session_address: str | None = None
    connected_at: datetime | None = None
    last_seen_at: datetime | None = None


class DeviceSpec(msgspec.Struct, frozen=True, kw_only=True):
    """A device as an operator's folder describes it. Identity: IMEI or serial, unique in the installation."""

    protocol: str
    identity: str
    secret: str

    def __repr__(self) -> str:
        return f"DeviceSpec({self.protocol}, …{self.identity[-4:]})"


class CommandStatus(StrEnum):
    """Where in its life a command is; the last four are outcomes and final."""

    REQUESTED = "REQUESTED"
    SENT = "SENT"
    ACKNOWLEDGED = "ACKNOWLEDGED"
    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"
    REFUSED = "REFUSED"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL: Final = frozenset(
    {CommandStatus.DONE, CommandStatus.FAILED, CommandStatus.EXPIRED, CommandStatus.REFUSED},
)


class CommandEvent(StrEnum):
    """What happens to a command."""

    CLAIMED = "CLAIMED"  # a gateway takes it to write it to the unit's socket
    ACCEPTED = "ACCEPTED"  # the unit has it
    CONFIRMED = "CONFIRMED"  # the unit has done it and its state agrees
    FAILED = "FAILED"  # the unit could not, or its state says otherwise
    EXPIRED = "EXPIRED"  # its time is over
    REFUSED = "REFUSED"  # we did not send it


class Motion(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of the vehicle's movement. Speed None: unknown; `seen_at` None: never heard of."""

    speed_kmh: float | None
    seen_at: datetime | None


class CommandRequest(msgspec.Struct, frozen=True, kw_only=True):
    """An order to a device, with all that its audit row keeps.

    Args:
        params: as `PARAMETER` names them; made by `resolve_command` for input from outside.
        actor: who wants it. `cause`: what for, such as `ride:12`.
        life_s: the unit may do it within so many seconds; afterwards nobody does.
        facts: the vehicle's movement as the caller's transaction sees it.
    """

    operator_id: OperatorId
    device_id: DeviceId
    name: CommandName
    params: Mapping[str, Scalar] = {}
    actor: Actor
    cause: str
    now: datetime
    life_s: int
    facts: Motion


class DeviceCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command as the store has it."""

    operator_id: OperatorId
    id: CommandId
    device_id: DeviceId
    name: CommandName
    params: Mapping[str, Scalar]
    actor: Actor
    cause: str
    moving_kmh: float
    status: CommandStatus
    code: str | None
    requested_at: datetime
    expires_at: datetime
    finished_at: datetime | None


class CommandOutcome(msgspec.Struct, frozen=True, kw_only=True):
    """How far a command is. `code`: the unit's or the gateway's word for why not."""

    status: CommandStatus
    code: str | None = None
    finished_at: datetime | None = None

    @property
    def is_final(self) -> bool:
        return self.status.is_final

    @property
    def is_done(self) -> bool:
        return self.status is CommandStatus.DONE


class ValueSpec(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """What value a command takes. `min` and `max` of an integer are inclusive; of a string they bound its length."""

    type: Literal["boolean", "integer", "string"]
    min: int | None = None
    max: int | None = None
    enum: tuple[str, ...] = ()


class Capability(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True, forbid_unknown_fields=True):
    """A command that a vehicle model understands. `value` None: the command's usual one, where it takes any."""

    command: CommandName
    value: ValueSpec | None = None
    staff_only: bool = False


class ListedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A name under which a command can be sent, and the value that must come with it (None: none)."""

    name: str
    command: CommandName
    value: ValueSpec | None
    staff_only: bool


class ResolvedCommand(msgspec.Struct, frozen=True, kw_only=True):
    """What was meant by a name and a value: ready for a `CommandRequest`."""

    name: CommandName
    params: Mapping[str, Scalar]

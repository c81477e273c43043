"""What units say and are told, whatever family they are of. Every codec speaks in these types.

Instants are aware UTC with the precision of a millisecond; units carry their own clock, so three
times are kept apart: the device's, the fix's, and (given by whoever reads the socket) the receipt's.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from isotope.kernel.ids import CommandId, DeviceId, OperatorId

Scalar = bool | int | str


class FrameError(ValueError):
    """These bytes are no frame of the protocol. The only exception that a codec raises; costs one frame, never more."""


class CommandName(StrEnum):
    """The neutral commands; each codec translates those that its family has."""

    UNLOCK = "unlock"
    LOCK = "lock"
    ENGINE = "engine"
    LOCATE = "locate"
    RING = "ring"
    HEADLIGHT = "headlight"
    SPEED_LIMIT = "speed_limit"
    SPEED_MODE = "speed_mode"
    OPEN = "open"
    REBOOT = "reboot"
    REPORT_INTERVAL = "report_interval"
    RAW = "raw"


# The one parameter that a command has; those not listed have none.
PARAMETER: Final[Mapping[CommandName, str]] = {
    CommandName.ENGINE: "on",
    CommandName.RING: "seconds",
    CommandName.HEADLIGHT: "on",
    CommandName.SPEED_LIMIT: "kmh",
    CommandName.SPEED_MODE: "mode",
    CommandName.OPEN: "compartment",
    CommandName.REPORT_INTERVAL: "seconds",
    CommandName.RAW: "text",
}


class AckStatus(StrEnum):
    """The unit's word about a command."""

    ACCEPTED = "accepted"
    DONE = "done"
    FAILED = "failed"
    EXPIRED = "expired"
    UNSUPPORTED = "unsupported"


# From the unit.


@dataclass(frozen=True, slots=True, kw_only=True)
class Hello:
    """Who the unit says it is; the first message of a connection."""

    identity: str
    secret: str = field(repr=False)
    firmware: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """How the unit is. None: the unit does not say.

    `lat` and `lon` come together, with `fix_at`. `buffered`: kept by the unit while it had no
    connection; goes to the history and never changes the live state.
    """

    seq: int
    device_at: datetime
    fix_at: datetime | None = None
    lat: float | None = None
    lon: float | None = None
    speed_kmh: float | None = None
    battery_pct: int | None = None
    iot_battery_pct: int | None = None
    locked: bool | None = None
    odometer_m: int | None = None
    event: str = "periodic"
    buffered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Ack:
    """The unit's answer to a command; `locked` is its lock as it is now."""

    command_id: CommandId
    status: AckStatus
    code: str | None = None
    device_at: datetime | None = None
    locked: bool | None = None


@dataclass(frozen=True, slots=True)
class Ping:
    """Still here."""


UpMessage = Hello | Report | Ack | Ping


# To the unit.


class RefusedReason(StrEnum):
    """Why a connection is not taken."""

    UNKNOWN = "unknown"
    CONFLICT = "conflict"
    TRY_LATER = "try_later"


@dataclass(frozen=True, slots=True, kw_only=True)
class Welcome:
    """The unit is known; it reports every `interval_s` seconds and may set its clock to `at`."""

    at: datetime
    interval_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Refused:
    """The connection is closed after this."""

    reason: RefusedReason


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportOk:
    """The report is in the store; the unit may forget it."""

    seq: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An order; the unit refuses it after `expires_at` with the status `expired`."""

    command_id: CommandId
    name: CommandName
    params: Mapping[str, Scalar]
    expires_at: datetime


@dataclass(frozen=True, slots=True)
class Pong:
    """The answer to a ping."""


DownMessage = Welcome | Refused | ReportOk | Command | Pong


# Beyond the codecs.

# The flag of a position that could not have been reached from the one before; it is kept as history only.
JUMP: Final = "jump"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateReport:
    """A report whose sender is known and whose content was found plausible: what the fleet stores.

    Times are clamped: neither `device_at` nor `fix_at` is after `received_at`. A report without a usable
    position has `fix_at`, `lat` and `lon` None. `flags` name what was doubtful (`gateway.plausibility`).
    """

    operator_id: OperatorId
    device_id: DeviceId
    received_at: datetime
    device_at: datetime
    fix_at: datetime | None
    lat: float | None
    lon: float | None
    speed_kmh: float | None
    battery_pct: int | None
    iot_battery_pct: int | None
    locked: bool | None
    odometer_m: int | None
    event: str
    buffered: bool
    flags: tuple[str, ...] = ()

    @property
    def is_position_live(self) -> bool:
        """Whether the position may become the vehicle's: there is one, it is not late, and it could be reached."""
        return self.fix_at is not None and not self.buffered and JUMP not in self.flags

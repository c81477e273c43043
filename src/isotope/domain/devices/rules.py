"""Pure decisions about commands and sessions."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.devices import errors
from isotope.domain.devices.model import (
    AckStatus,
    CommandEvent,
    CommandName,
    CommandStatus,
    DeviceCommand,
    Motion,
    Scalar,
)
from isotope.kernel.errors import Refusal

# A speed older than this is no knowledge: units on a ride report every few seconds, standing ones every minute.
SPEED_FRESH_S: Final = 120
# A speed limit at or below walking pace stops a scooter in traffic.
WALKING_KMH: Final = 6

_ALWAYS_STOP: Final = frozenset({CommandName.LOCK, CommandName.OPEN, CommandName.REBOOT, CommandName.RAW})

_S, _E = CommandStatus, CommandEvent
_TRANSITIONS: Final[Mapping[tuple[CommandStatus, CommandEvent], CommandStatus]] = {
    (_S.REQUESTED, _E.CLAIMED): _S.SENT,
    (_S.REQUESTED, _E.REFUSED): _S.REFUSED,
    (_S.REQUESTED, _E.EXPIRED): _S.EXPIRED,
    (_S.SENT, _E.ACCEPTED): _S.ACKNOWLEDGED,
    (_S.SENT, _E.CONFIRMED): _S.DONE,
    (_S.SENT, _E.FAILED): _S.FAILED,
    (_S.SENT, _E.EXPIRED): _S.EXPIRED,
    (_S.ACKNOWLEDGED, _E.ACCEPTED): _S.ACKNOWLEDGED,
    (_S.ACKNOWLEDGED, _E.CONFIRMED): _S.DONE,
    (_S.ACKNOWLEDGED, _E.FAILED): _S.FAILED,
    (_S.ACKNOWLEDGED, _E.EXPIRED): _S.EXPIRED,
}


def transition(status: CommandStatus, event: CommandEvent) -> CommandStatus | None:
    """The status after the event, or None where the event changes nothing.

    | status       | CLAIMED | ACCEPTED     | CONFIRMED | FAILED | EXPIRED | REFUSED |
    |--------------|---------|--------------|-----------|--------|---------|---------|
    | REQUESTED    | SENT    | -            | -         | -      | EXPIRED | REFUSED |
    | SENT         | -       | ACKNOWLEDGED | DONE      | FAILED | EXPIRED | -       |
    | ACKNOWLEDGED | -       | ACKNOWLEDGED | DONE      | FAILED | EXPIRED | -       |
    | the others   | -       | -            | -         | -      | -       | -       |

    A unit cannot answer what was never sent, an outcome never changes, and what has been sent is never
    sent again: the unit may have done it already.
    """
    return _TRANSITIONS.get((status, event))


def stops(name: CommandName, params: Mapping[str, Scalar]) -> bool:
    """Whether the command may stop, lock or unbalance a vehicle under its rider.

    | command                                     | stops                                   |
    |---------------------------------------------|-----------------------------------------|
    | lock, open, reboot                          | yes (a battery box opens, a motor dies) |
    | raw                                         | yes: nobody knows what it does          |
    | engine                                      | when it is switched off                 |
    | speed_limit                                 | when at or below walking pace (6 km/h)  |
    | unlock, locate, ring, headlight, speed_mode, report_interval | no                     |
    """
    if name is CommandName.ENGINE:
        return params.get("on") is not True
    if name is CommandName.SPEED_LIMIT:
        kmh = params.get("kmh")
        return not isinstance(kmh, int) or kmh <= WALKING_KMH
    return name in _ALWAYS_STOP


def may_send(
    name: CommandName, params: Mapping[str, Scalar], facts: Motion, now: datetime, moving_kmh: float
) -> Refusal | None:
    """Nothing that stops or locks goes to a vehicle that moves, or of which nobody knows whether it does.

    | stops | last known speed | heard of              | answer                |
    |-------|------------------|-----------------------|-----------------------|
    | no    | any              | any                   | yes                   |
    | yes   | above the limit  | any                   | vehicle_moving        |
    | yes   | at most          | within 120 s          | yes                   |
    | yes   | at most          | longer ago, or never  | vehicle_speed_unknown |
    | yes   | unknown          | any                   | vehicle_speed_unknown |

    Not knowing counts against the command: a scooter that locks at 20 km/h throws its rider, one that
    stays open for another minute costs a minute. Ask for `locate` and try again.
    """
    if not stops(name, params):
        return None
    if facts.speed_kmh is None:
        return errors.vehicle_speed_unknown()
    if facts.speed_kmh > moving_kmh:
        return errors.vehicle_moving()
    if facts.seen_at is None or now - facts.seen_at > timedelta(seconds=SPEED_FRESH_S):
        return errors.vehicle_speed_unknown()
    return None


def may_still_send(
    name: CommandName, params: Mapping[str, Scalar], facts: Motion | None, moving_kmh: float
) -> Refusal | None:
    """The second look, by the gateway that is about to write: only a vehicle known to move refuses here.

    Whether the speed was known at all was judged when the command was requested (`may_send`).
    """
    if facts is None or facts.speed_kmh is None or facts.speed_kmh <= moving_kmh or not stops(name, params):
        return None
    return errors.vehicle_moving()


def refused_at_socket(command: DeviceCommand, motion: Motion | None, connected_at: datetime) -> str | None:
    """The code with which a gateway refuses to write a command; None: it writes it.

    | stops | unit logged in after the request | known to move | code             |
    |-------|----------------------------------|---------------|------------------|
    | no    | any                              | any           | -                |
    | yes   | yes                              | any           | unit_reconnected |
    | yes   | no                               | yes           | vehicle_moving   |
    | yes   | no                               | no            | -                |
    """
    if command.requested_at < connected_at and stops(command.name, command.params):
        return "unit_reconnected"
    no = may_still_send(command.name, command.params, motion, command.moving_kmh)
    return None if no is None else no.code


def wanted_lock(name: CommandName) -> bool | None:
    """What the lock must say once the command is done; None where it has no say."""
    return {CommandName.UNLOCK: False, CommandName.LOCK: True}.get(name)


def judge_ack(
    name: CommandName, status: AckStatus, code: str | None, *, locked: bool | None
) -> tuple[CommandEvent, str | None]:
    """What the unit's answer means: the event and its code.

    | answer      | lock after unlock / lock | event     | code              |
    |-------------|--------------------------|-----------|-------------------|
    | accepted    | any                      | ACCEPTED  | -                 |
    | done        | agrees                   | CONFIRMED | the unit's        |
    | done        | disagrees                | FAILED    | state_disagrees   |
    | done        | not said                 | ACCEPTED  | - (a report must confirm it) |
    | done        | (other commands)         | CONFIRMED | the unit's        |
    | failed      | any                      | FAILED    | the unit's, or `failed` |
    | unsupported | any                      | FAILED    | unsupported       |
    | expired     | any                      | EXPIRED   | expired_in_unit   |
    """
    match status:
        case AckStatus.ACCEPTED:
            return CommandEvent.ACCEPTED, None
        case AckStatus.FAILED:
            return CommandEvent.FAILED, code or "failed"
        case AckStatus.UNSUPPORTED:
            return CommandEvent.FAILED, "unsupported"
        case AckStatus.EXPIRED:
            return CommandEvent.EXPIRED, "expired_in_unit"
        case AckStatus.DONE:
            return _judge_done(code, wanted=wanted_lock(name), locked=locked)


def _judge_done(code: str | None, *, wanted: bool | None, locked: bool | None) -> tuple[CommandEvent, str | None]:
    if wanted is None or locked is wanted:
        return CommandEvent.CONFIRMED, code
    if locked is None:
        return CommandEvent.ACCEPTED, None
    return CommandEvent.FAILED, "state_disagrees"


def is_late(status: CommandStatus) -> bool:
    """Whether an answer to a command of this status comes after its time: a repeated answer to a done one does not."""
    return status is CommandStatus.EXPIRED


def must_relock(
    name: CommandName, ack: AckStatus, *, locked: bool | None, came_late: bool, newer: CommandName | None
) -> bool:
    """Whether a late answer to an unlock is answered with a lock: nobody rides on it, so nobody shall ride off.

    `newer` is the latest unlock or lock of the device after this one that is open or done.

    | command | answer | lock says | late | newer        | relock |
    |---------|--------|-----------|------|--------------|--------|
    | unlock  | done   | not true  | yes  | none or lock | yes    |
    | unlock  | done   | not true  | yes  | unlock       | no: somebody else opened it meanwhile |
    | unlock  | done   | true      | yes  | any          | no: it is locked |
    | anything else                                      | no     |
    """
    return (
        name is CommandName.UNLOCK
        and ack is AckStatus.DONE
        and locked is not True
        and came_late
        and newer is not CommandName.UNLOCK
    )


def may_replace_session(
    *,
    old_address: str | None,
    old_seen_at: datetime | None,
    address: str,
    now: datetime,
    silent_after_s: float,
) -> bool:
    """Whether a new login takes the device from the socket that holds it now.

    | old socket's address | old socket heard of | answer |
    |----------------------|---------------------|--------|
    | the same             | any                 | yes: the unit lost its connection and came back |
    | another              | never or silent     | yes    |
    | another              | lately              | no: two units claim to be the same one         |

    Identities are printed on the boxes, and a secret may be copied: the one that is alive is believed.
    """
    if old_address is None or old_address == address or old_seen_at is None:
        return True
    return now - old_seen_at > timedelta(seconds=silent_after_s)

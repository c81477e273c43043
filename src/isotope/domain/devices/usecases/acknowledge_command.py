"""A unit answered a command."""

from datetime import datetime

import msgspec

from isotope.domain.devices import rules, store
from isotope.domain.devices.model import (
    AckStatus,
    CommandEvent,
    CommandName,
    CommandOutcome,
    CommandRequest,
    DeviceCommand,
    Motion,
)
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import CommandId, DeviceId, OperatorId

_RELOCK_LIFE_S = 30


class AcknowledgeCommand(msgspec.Struct, frozen=True, kw_only=True):
    """The unit's answer. The device is the one that the socket belongs to: nobody answers for another.

    `motion`: what is known of the vehicle's movement, for the lock that may have to follow.
    """

    operator_id: OperatorId
    device_id: DeviceId
    command_id: CommandId
    status: AckStatus
    code: str | None = None
    locked: bool | None = None
    motion: Motion = Motion(speed_kmh=None, seen_at=None)


class Acknowledged(msgspec.Struct, frozen=True, kw_only=True):
    """What the answer led to.

    Args:
        outcome: how far the command is now.
        awaits_lock: the unit says done but not how its lock is; a report that says so finishes the command.
        relock_id: the lock that answers a late unlock.
        came_late: the command had expired.
    """

    name: CommandName
    outcome: CommandOutcome
    requested_at: datetime
    awaits_lock: bool | None = None
    relock_id: CommandId | None = None
    came_late: bool = False


async def acknowledge_command(rt: Runtime, command: AcknowledgeCommand) -> Acknowledged | None:
    """Record the answer; tell who waits. None: this device has no such command.

    An answer after the expiry leaves the command EXPIRED. If it says that the vehicle is now unlocked, a lock is
    ordered in the same transaction (`rules.must_relock`), unless the vehicle is known to move.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        row = await store.lock_command(tx, command.operator_id, command.command_id)
        if row is None or row.device_id != command.device_id:
            return None
        if not row.status.is_final and row.expires_at <= now:
            row = await _expire(tx, row, now)
        event, code = rules.judge_ack(row.name, command.status, command.code, locked=command.locked)
        status = rules.transition(row.status, event)
        if status is not None:
            return Acknowledged(
                name=row.name,
                outcome=await store.set_status(tx, row, status, code, now),
                requested_at=row.requested_at,
                awaits_lock=rules.wanted_lock(row.name)
                if command.status is AckStatus.DONE and not status.is_final
                else None,
            )
        came_late = rules.is_late(row.status)
        return Acknowledged(
            name=row.name,
            outcome=CommandOutcome(status=row.status, code=row.code, finished_at=row.finished_at),
            requested_at=row.requested_at,
            came_late=came_late,
            relock_id=await _answer_late(tx, row, command, now) if came_late else None,
        )


async def _expire(tx: Tx, row: DeviceCommand, now: datetime) -> DeviceCommand:
    status = rules.transition(row.status, CommandEvent.EXPIRED)
    if status is None:
        return row
    outcome = await store.set_status(tx, row, status, None, now)
    return msgspec.structs.replace(row, status=outcome.status, finished_at=outcome.finished_at)


async def _answer_late(tx: Tx, row: DeviceCommand, command: AcknowledgeCommand, now: datetime) -> CommandId | None:
    await store.note_late_answer(tx, row, now)
    newer = await store.find_newer_lock_command(tx, row)
    if not rules.must_relock(row.name, command.status, locked=command.locked, came_late=True, newer=newer):
        return None
    if rules.may_still_send(CommandName.LOCK, {}, command.motion, row.moving_kmh):
        return None
    relock = CommandRequest(
        operator_id=row.operator_id,
        device_id=row.device_id,
        name=CommandName.LOCK,
        actor=SYSTEM,
        cause=f"command:{row.id}",
        now=now,
        life_s=_RELOCK_LIFE_S,
        facts=command.motion,
    )
    return await store.order(tx, relock, row.moving_kmh)

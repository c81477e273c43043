"""A gateway takes a command to write it to the unit's socket."""

from datetime import datetime
from uuid import UUID

import msgspec

from isotope.domain.devices import rules, store
from isotope.domain.devices.model import CommandEvent, DeviceCommand, Motion
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, OperatorId


class ClaimCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A gateway's wish to write a command.

    Args:
        gateway_id: who asks.
        connected_at: since when it holds the unit's socket; None: it does not. If another gateway does, the command
            follows the unit there. What stops and was asked for before is refused: the situation is over.
        motion: what the socket's latest report said; a vehicle known to move is not stopped.
    """

    operator_id: OperatorId
    command_id: CommandId
    gateway_id: UUID
    connected_at: datetime | None
    motion: Motion | None = None


async def claim_command(rt: Runtime, claim: ClaimCommand) -> DeviceCommand | None:
    """REQUESTED becomes SENT and the command is returned, to be written now; None: there is nothing to write.

    After its expiry a command is EXPIRED and never written. A gateway that dies after this call leaves the command
    SENT, and it expires: it is never written twice.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        command = await store.lock_command(tx, claim.operator_id, claim.command_id)
        if command is None:
            return None
        sent = rules.transition(command.status, CommandEvent.CLAIMED)
        if sent is None:
            return None
        if command.expires_at <= now:
            await _close(tx, command, CommandEvent.EXPIRED, None, now)
        elif claim.connected_at is None:
            await _pass_on(tx, command, claim.gateway_id, now)
        elif code := rules.refused_at_socket(command, claim.motion, claim.connected_at):
            await _close(tx, command, CommandEvent.REFUSED, code, now)
        else:
            await store.set_status(tx, command, sent, None, now)
            return command
    return None


async def _pass_on(tx: Tx, command: DeviceCommand, gateway_id: UUID, now: datetime) -> None:
    elsewhere = await store.find_live_session(tx, command.operator_id, command.device_id, now)
    if elsewhere is None or elsewhere == gateway_id:
        await _close(tx, command, CommandEvent.REFUSED, "device_offline", now)
    else:
        await store.tell_gateway(tx, elsewhere, command.operator_id, command.device_id, command.id)


async def _close(tx: Tx, command: DeviceCommand, event: CommandEvent, code: str | None, now: datetime) -> None:
    status = rules.transition(command.status, event)
    if status is not None:
        await store.set_status(tx, command, status, code, now)

"""The reading SQL of devices and commands."""

from datetime import datetime
from uuid import UUID

from isotope.domain.devices.model import CommandOutcome, CommandStatus, Device, DeviceCommand
from isotope.domain.devices.store import command_row
from isotope.infra.db import Tx
from isotope.kernel.ids import CommandId, DeviceId, OperatorId


async def find_outcome(tx: Tx, operator_id: OperatorId, command_id: CommandId) -> CommandOutcome | None:
    """How far the command is; None: there is no such command of this operator."""
    rows = await tx.tuples(
        "select status, code, finished_at from device_command where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": command_id},
    )
    for status, code, finished_at in rows:
        return CommandOutcome(status=CommandStatus(status), code=code, finished_at=finished_at)
    return None


async def find_command(tx: Tx, operator_id: OperatorId, command_id: CommandId) -> DeviceCommand | None:
    return await tx.find(
        command_row,
        """
        select operator_id, id, device_id, name, params, actor, cause, moving_kmh, status, code, requested_at,
               expires_at, finished_at
          from device_command where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": operator_id, "id": command_id},
    )


async def list_commands_of_cause(tx: Tx, operator_id: OperatorId, cause: str) -> list[DeviceCommand]:
    """What was ordered for one cause (`ride:12`), oldest first; at most 100."""
    return await tx.all(
        command_row,
        """
        select operator_id, id, device_id, name, params, actor, cause, moving_kmh, status, code, requested_at,
               expires_at, finished_at
          from device_command where operator_id = %(operator_id)s and cause = %(cause)s order by id limit 100
        """,
        {"operator_id": operator_id, "cause": cause},
    )


async def find_last_command(tx: Tx, operator_id: OperatorId, cause: str) -> DeviceCommand | None:
    """What was ordered last for one cause."""
    return await tx.find(
        command_row,
        """
        select operator_id, id, device_id, name, params, actor, cause, moving_kmh, status, code, requested_at,
               expires_at, finished_at
          from device_command where operator_id = %(operator_id)s and cause = %(cause)s order by id desc limit 1
        """,
        {"operator_id": operator_id, "cause": cause},
    )


async def find_device(tx: Tx, operator_id: OperatorId, device_id: DeviceId) -> Device | None:
    return await tx.find(
        Device,
        """
        select operator_id, id, protocol, identity, session_id, session_nr, session_address, connected_at, last_seen_at
          from device where operator_id = %(operator_id)s and id = %(id)s
        """,
        {"operator_id": operator_id, "id": device_id},
    )


async def list_requested_of_gateway(
    tx: Tx, gateway_id: UUID, now: datetime, limit: int
) -> list[tuple[OperatorId, DeviceId, CommandId]]:
    """Commands that wait for units whose sockets this gateway holds."""
    rows = await tx.tuples(
        """
        select command.operator_id, command.device_id, command.id
          from device join device_command as command
            on command.operator_id = device.operator_id and command.device_id = device.id
         where device.session_id = %(gateway_id)s and command.status = 'REQUESTED' and command.expires_at > %(now)s
         order by command.id limit %(limit)s
        """,
        {"gateway_id": gateway_id, "now": now, "limit": limit},
    )
    return [
        (OperatorId(operator_id), DeviceId(device_id), CommandId(command_id))
        for operator_id, device_id, command_id in rows
    ]

"""Send a command to vehicles, by staff's systems or by the rider of the vehicle."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from isotope.domain.devices import await_outcome, resolve_command
from isotope.domain.devices.model import CommandName, CommandStatus
from isotope.domain.fleet import LockedVehicle, get_vehicle, order_vehicle
from isotope.domain.sharing import errors, queries
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import CommandId, RiderId, VehicleId

MAX_VEHICLES: Final = 100

# What a rider may have done to the vehicle they ride. Locking and unlocking is pausing and going on.
RIDER_COMMANDS: Final = frozenset({CommandName.RING, CommandName.HEADLIGHT, CommandName.OPEN, CommandName.SPEED_MODE})


# What a single vehicle refuses while others obey.
PER_VEHICLE: Final = frozenset({"device_offline", "vehicle_moving", "vehicle_speed_unknown", "vehicle_has_no_device"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SendCommands:
    """`rider_id` None: an integration with the secret key, which may send what the model can do."""

    operator: Operator
    rider_id: RiderId | None
    actor: Actor
    vehicle_ids: Sequence[VehicleId]
    command: str
    value: str | None


@dataclass(frozen=True, slots=True)
class CommandResult:
    """What became of it at one vehicle: the outcome, or the refusal."""

    vehicle_id: VehicleId
    status: CommandStatus
    code: str | None


async def send_commands(rt: Runtime, command: SendCommands) -> list[CommandResult]:
    """One result a vehicle, in the order asked. All commands go out before the first is waited for.

    Raises:
        Refusal: for the whole call: `vehicle_not_found`, `command_not_for_riders`, `vehicle_not_ridden`,
            `command_unsupported` or `command_value_invalid` (the model's list says what would be accepted).
            What a single vehicle refuses (offline, moving) is in its result when there are several, and
            raised when there is only one.
    """
    now = rt.clock.now()
    vehicle_ids = list(dict.fromkeys(command.vehicle_ids))
    requested: list[tuple[VehicleId, CommandId | Refusal]] = []
    async with rt.db.write() as tx:
        ridden = await _ridden(tx, command)
        for vehicle_id in vehicle_ids:
            found = await get_vehicle(tx, command.operator.id, vehicle_id=vehicle_id)
            if ridden is not None and vehicle_id not in ridden:
                raise errors.vehicle_not_ridden()
            try:
                requested.append((vehicle_id, await _request(tx, command, found, now)))
            except Refusal as no:
                if len(vehicle_ids) == 1 or no.code not in PER_VEHICLE:
                    raise
                requested.append((vehicle_id, no))
    return list(await asyncio.gather(*(_result(rt, command.operator, *item) for item in requested)))


async def _ridden(tx: Tx, command: SendCommands) -> set[VehicleId] | None:
    if command.rider_id is None:
        return None
    rides = await queries.list_open_rides(tx, command.operator.id, command.rider_id)
    return {ride.vehicle_id for ride in rides}


async def _request(tx: Tx, command: SendCommands, found: LockedVehicle, now: datetime) -> CommandId:
    staff = command.rider_id is None
    meant = resolve_command(found.model.spec.capabilities, command.command, command.value, staff=staff)
    if not staff and meant.name not in RIDER_COMMANDS:
        raise errors.command_not_for_riders(command.command)
    return await order_vehicle(
        tx,
        command.operator,
        found,
        meant.name,
        params=meant.params,
        actor=command.actor,
        cause=f"vehicle:{found.vehicle.id}",
        now=now,
    )


async def _result(rt: Runtime, operator: Operator, vehicle_id: VehicleId, sent: CommandId | Refusal) -> CommandResult:
    if isinstance(sent, Refusal):
        return CommandResult(vehicle_id, CommandStatus.REFUSED, sent.code)
    outcome = await await_outcome(rt, operator.id, sent, operator.settings.rides.unlock_wait_s)
    return CommandResult(vehicle_id, outcome.status, outcome.code)

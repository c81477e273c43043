"""What vehicles can be told."""

from typing import Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing_types import (
    CommandResult,
    CommandsSent,
    CommandValue,
    RingRequest,
    Rung,
    SendCommandsRequest,
    VehicleCommand,
    VehicleCommands,
    VehicleCommandsRequest,
)
from isotope.domain import sharing
from isotope.domain.devices import list_commands
from isotope.domain.devices.model import CommandName, CommandStatus, ValueSpec
from isotope.domain.fleet import get_vehicle
from isotope.kernel.errors import Kind
from isotope.kernel.geo import Point
from isotope.kernel.ids import VehicleId

_DONE: Final = 1
_NOT_DONE: Final = 0


@operation(
    id="ring_vehicle",
    tag="Sharing",
    title="Ring vehicle",
    method="POST",
    path="/openapi/v1.0/sharing/ring-vehicle",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RingRequest,
    response=Rung,
    refusals=(
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.CONFLICT, "vehicle_not_available"),
        (Kind.CONFLICT, "too_far_from_vehicle"),
        (Kind.CONFLICT, "device_offline"),
        (Kind.UNAVAILABLE, "vehicle_did_not_obey"),
    ),
    request_example={"vehicle_id": 42, "user_latitude": 60.1699, "user_longitude": 24.9384},
    idempotent=True,
)
async def ring_vehicle(call: Call[RingRequest]) -> Rung:
    """Makes a vehicle sound, for a rider who is near it and may take it, or rides it."""
    vehicle_id = VehicleId(call.body.vehicle_id)
    async with call.services.rt.db.glance() as tx:
        found = await get_vehicle(tx, call.operator.id, vehicle_id=vehicle_id)
    if all(capability.command is not CommandName.RING for capability in found.model.spec.capabilities):
        return Rung(status=_NOT_DONE, message=call.text("ring_not_possible"), ring_action_enabled=False)
    await sharing.ring_vehicle(
        call.services.rt,
        sharing.RingVehicle(
            operator=call.operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            vehicle_id=vehicle_id,
            rider_at=Point(call.body.user_latitude, call.body.user_longitude),
        ),
    )
    return Rung(status=_DONE, message=call.text("vehicle_rang"), ring_action_enabled=True)


@operation(
    id="get_vehicle_commands",
    tag="Sharing",
    title="Get vehicle commands",
    method="POST",
    path="/openapi/v1.0/sharing/get-vehicle-commands",
    auth=Auth.PUBLIC_AND_CALLER,
    request=VehicleCommandsRequest,
    response=VehicleCommands,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"),),
    request_example={"vehicle_id": 42},
)
async def get_vehicle_commands(call: Call[VehicleCommandsRequest]) -> VehicleCommands:
    """The commands that this caller may send to the vehicle, under all their names, with the value each takes."""
    async with call.services.rt.db.glance() as tx:
        found = await get_vehicle(tx, call.operator.id, vehicle_id=VehicleId(call.body.vehicle_id))
    return VehicleCommands(
        commands=[
            VehicleCommand(
                command=listed.name,
                value_required=listed.value is not None,
                value=_value(listed.value),
                staff_only=listed.staff_only or listed.command not in sharing.RIDER_COMMANDS,
            )
            for listed in list_commands(found.model.spec.capabilities, staff=call.is_secret)
            if call.is_secret or listed.command in sharing.RIDER_COMMANDS
        ]
    )


def _value(spec: ValueSpec | None) -> CommandValue | None:
    if spec is None:
        return None
    return CommandValue(type=spec.type, min=spec.min, max=spec.max, enum=list(spec.enum) or None)


@operation(
    id="send_vehicle_commands",
    tag="Sharing",
    title="Send vehicle command",
    method="POST",
    path="/openapi/v1.0/sharing/send-vehicle-commands",
    auth=Auth.PUBLIC_AND_CALLER,
    request=SendCommandsRequest,
    response=CommandsSent,
    refusals=(
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.FORBIDDEN, "vehicle_not_ridden"),
        (Kind.FORBIDDEN, "command_not_for_riders"),
        (Kind.CONFLICT, "device_offline"),
        (Kind.CONFLICT, "vehicle_moving"),
    ),
    request_example={"vehicle_ids": [42], "command": "ring", "value": "5"},
    idempotent=True,
)
async def send_vehicle_commands(call: Call[SendCommandsRequest]) -> CommandsSent:
    """Sends one command to one or many vehicles and tells what each made of it.

    With the secret key everything that the model can do; a rider's token commands only the vehicle that is ridden,
    and neither locks nor unlocks. Nothing that stops or locks is sent to a moving vehicle.
    """
    results = await sharing.send_commands(
        call.services.rt,
        sharing.SendCommands(
            operator=call.operator,
            rider_id=None if call.is_secret else call.rider_id(),
            actor=call.actor,
            vehicle_ids=[VehicleId(vehicle_id) for vehicle_id in call.body.vehicle_ids],
            command=call.body.command,
            value=call.body.value,
        ),
    )
    done = sum(result.status is CommandStatus.DONE for result in results)
    return CommandsSent(
        message=call.text("commands_sent", done=done, all=len(results)),
        results=[
            CommandResult(vehicle_id=result.vehicle_id, status=result.status.value, code=result.code)
            for result in results
        ],
    )

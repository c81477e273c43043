"""Ordering something of a vehicle, with what is known of its movement."""

from collections.abc import Mapping
from datetime import datetime

from isotope.domain.devices import request_command
from isotope.domain.devices.model import CommandName, CommandRequest, Motion, Scalar
from isotope.domain.fleet import errors
from isotope.domain.fleet.model import LockedVehicle
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import CommandId


async def order_vehicle(
    tx: Tx,
    operator: Operator,
    found: LockedVehicle,
    name: CommandName,
    *,
    actor: Actor,
    cause: str,
    now: datetime,
    params: Mapping[str, Scalar] | None = None,
) -> CommandId:
    """Request `name` of the vehicle's unit; it may obey within the operator's `unlock_wait_s`.

    Raises:
        Refusal: `vehicle_has_no_device`, `device_offline`, `vehicle_moving`, `vehicle_speed_unknown`.
    """
    if found.vehicle.device_id is None:
        raise errors.vehicle_has_no_device()
    state = found.state
    return await request_command(
        tx,
        CommandRequest(
            operator_id=operator.id,
            device_id=found.vehicle.device_id,
            name=name,
            params=params or {},
            actor=actor,
            cause=cause,
            now=now,
            life_s=operator.settings.rides.unlock_wait_s,
            facts=Motion(
                speed_kmh=None if state is None else state.speed_kmh, seen_at=None if state is None else state.seen_at
            ),
        ),
        operator.settings.rides.moving_kmh,
    )

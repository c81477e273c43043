"""Order something of a device, in the transaction of the reason for it."""

from isotope.domain.devices import errors, rules, store
from isotope.domain.devices.model import CommandRequest
from isotope.infra.db import Tx
from isotope.kernel.ids import CommandId


async def request_command(tx: Tx, request: CommandRequest, moving_kmh: float) -> CommandId:
    """Insert the command and wake the gateway that holds the device's socket, both at the caller's commit.

    `await_outcome` after the commit says how it went. Nothing is kept for a device that is away.

    Raises:
        Refusal: `device_offline`, `vehicle_moving`, `vehicle_speed_unknown` (see `rules.may_send`).
    """
    if no := rules.may_send(request.name, request.params, request.facts, request.now, moving_kmh):
        raise no
    command_id = await store.order(tx, request, moving_kmh)
    if command_id is None:
        raise errors.device_offline()
    return command_id

"""One command to a running ride's vehicle, waited for and recorded: what pausing and going on share."""

from collections.abc import Callable

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import lock_vehicle, order_vehicle
from isotope.domain.payments import NO_CARDS
from isotope.domain.sharing import store
from isotope.domain.sharing.model import Ride, RideStatus
from isotope.domain.sharing.usecases.find_own_ride import RideRef, lock_own_ride
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal


async def order_and_settle(
    rt: Runtime,
    operator: Operator,
    ref: RideRef,
    name: CommandName,
    *,
    actor: Actor,
    waiting: RideStatus,
    may: Callable[[RideStatus], Refusal | None],
) -> tuple[Ride, str | None]:
    """Put the ride into the `waiting` status, send the command, and make of the outcome what it makes.

    The ride afterwards, and the unit's code if it refused.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, what `may` says of the ride's status, `device_offline`,
            `vehicle_moving`, `vehicle_speed_unknown`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        ride = await lock_own_ride(tx, ref)
        if no := may(ride.status):
            raise no
        found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
        command_id = await order_vehicle(tx, operator, found, name, actor=actor, cause=ride.holder, now=now)
        await store.set_status(tx, ride, waiting, command_id=command_id)
        what = SettleRide(operator, ride.id, command_id)
    # Neither pausing nor going on moves money.
    return await await_and_settle(rt, NO_CARDS, what)

"""Go on with a paused ride: the vehicle is unlocked, the ride's price runs from its confirmation."""

from dataclasses import dataclass

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import lock_vehicle
from isotope.domain.sharing import errors, store
from isotope.domain.sharing.model import Ride, RideStatus
from isotope.domain.sharing.orders import order_vehicle
from isotope.domain.sharing.usecases.find_own_ride import RideRef, lock_own_ride
from isotope.domain.sharing.usecases.settle_ride import SettleRide, await_and_settle, defer_settlement
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpauseRide:
    operator: Operator
    ref: RideRef
    actor: Actor


async def unpause_ride(rt: Runtime, command: UnpauseRide) -> Ride:
    """The ride, running again.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, `ride_not_paused`, `ride_busy`, `device_offline`,
            `vehicle_did_not_obey` (the ride then stays paused).
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        ride = await lock_own_ride(tx, command.ref)
        if ride.status is RideStatus.ACTIVE:
            raise errors.ride_not_paused()
        if ride.status is not RideStatus.PAUSED:
            raise errors.ride_busy(ride.status)
        found = await lock_vehicle(tx, operator.id, vehicle_id=ride.vehicle_id)
        command_id = await order_vehicle(
            tx, operator, found, CommandName.UNLOCK, actor=command.actor, cause=ride.holder, now=now
        )
        await store.set_status(tx, ride, RideStatus.UNPAUSING, command_id=command_id)
        what = SettleRide(operator, ride.id, command_id)
        await defer_settlement(rt, tx, what, now)
    settled, code = await await_and_settle(rt, what)
    if settled.status is RideStatus.ACTIVE:
        return settled
    raise errors.vehicle_did_not_obey(code)

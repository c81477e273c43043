"""Go on with a paused ride: the vehicle is unlocked, the ride's price runs from its confirmation."""

from dataclasses import dataclass

from isotope.domain.devices.model import CommandName
from isotope.domain.sharing import errors
from isotope.domain.sharing.model import Ride, RideStatus
from isotope.domain.sharing.rules import may_unpause
from isotope.domain.sharing.usecases.find_own_ride import RideRef
from isotope.domain.sharing.usecases.order_and_settle import order_and_settle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class UnpauseRide:
    """A rider goes on."""

    operator: Operator
    ref: RideRef
    actor: Actor


async def unpause_ride(rt: Runtime, command: UnpauseRide) -> Ride:
    """The ride, running again.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, `ride_not_paused`, `ride_busy`, `device_offline`,
            `vehicle_did_not_obey` (the ride then stays paused).
    """
    ride, code = await order_and_settle(
        rt,
        command.operator,
        command.ref,
        CommandName.UNLOCK,
        actor=command.actor,
        waiting=RideStatus.UNPAUSING,
        may=may_unpause,
    )
    if ride.status is RideStatus.ACTIVE:
        return ride
    raise errors.vehicle_did_not_obey(code)

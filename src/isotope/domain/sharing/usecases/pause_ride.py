"""Pause a ride: the vehicle is locked, the pause price runs from its confirmation."""

from dataclasses import dataclass

from isotope.domain.devices.model import CommandName
from isotope.domain.sharing import errors
from isotope.domain.sharing.model import Ride, RideStatus
from isotope.domain.sharing.rules import may_pause
from isotope.domain.sharing.usecases.find_own_ride import RideRef
from isotope.domain.sharing.usecases.order_and_settle import order_and_settle
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class PauseRide:
    """A rider stops for a while and keeps the vehicle."""

    operator: Operator
    ref: RideRef
    actor: Actor


async def pause_ride(rt: Runtime, command: PauseRide) -> Ride:
    """The ride, paused.

    Raises:
        Refusal: `ride_not_found`, `ride_ambiguous`, `ride_already_paused`, `ride_busy`, `vehicle_moving`,
            `device_offline`, `vehicle_did_not_obey` (the ride then goes on as it was).
    """
    ride, code = await order_and_settle(
        rt,
        command.operator,
        command.ref,
        CommandName.LOCK,
        actor=command.actor,
        waiting=RideStatus.PAUSING,
        may=may_pause,
    )
    if ride.status is RideStatus.PAUSED:
        return ride
    raise errors.vehicle_did_not_obey(code)

"""Make a vehicle sound, so that a rider who stands near finds it."""

from dataclasses import dataclass

from isotope.domain.devices import await_outcome
from isotope.domain.devices.model import CommandName, CommandStatus
from isotope.domain.fleet import VehicleStatus, get_vehicle, order_vehicle, vehicle_not_available
from isotope.domain.sharing import errors, queries
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import RiderId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class RingVehicle:
    operator: Operator
    rider_id: RiderId
    actor: Actor
    vehicle_id: VehicleId
    rider_at: Point


async def ring_vehicle(rt: Runtime, command: RingVehicle) -> None:
    """Returns when the vehicle said that it rings.

    Only a vehicle that may be taken, or that this rider rides, and only from nearby: a bell that
    anybody may ring from anywhere is a nuisance to the street.

    Raises:
        Refusal: `vehicle_not_found`, `vehicle_not_available`, `vehicle_silent`, `too_far_from_vehicle`,
            `vehicle_has_no_device`, `device_offline`, `vehicle_did_not_obey`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        found = await get_vehicle(tx, operator.id, vehicle_id=command.vehicle_id)
        ridden = {ride.vehicle_id for ride in await queries.list_open_rides(tx, operator.id, command.rider_id)}
        if found.vehicle.status is not VehicleStatus.READY and found.vehicle.id not in ridden:
            raise vehicle_not_available(found.vehicle.status)
        if found.state is None:
            raise errors.vehicle_silent()
        away_m = distance_m(command.rider_at, found.state.point)
        if away_m > operator.settings.rides.ring_distance_m:
            raise errors.too_far(round(away_m), operator.settings.rides.ring_distance_m)
        command_id = await order_vehicle(
            tx,
            operator,
            found,
            CommandName.RING,
            actor=command.actor,
            cause=f"ring:{found.vehicle.id}",
            now=now,
        )
    outcome = await await_outcome(rt, operator.id, command_id, operator.settings.rides.unlock_wait_s)
    if outcome.status is not CommandStatus.DONE:
        raise errors.vehicle_did_not_obey(outcome.code)

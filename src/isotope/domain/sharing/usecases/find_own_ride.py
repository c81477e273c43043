"""Which of the rider's open rides is meant."""

from dataclasses import dataclass

from isotope.domain.fleet import get_vehicle
from isotope.domain.sharing import errors, queries, store
from isotope.domain.sharing.model import Ride
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RideId, RiderId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class RideRef:
    """A ride named by its id, by its vehicle's id or number, or by nothing if the rider has only one."""

    operator_id: OperatorId
    rider_id: RiderId
    ride_id: RideId | None = None
    vehicle_id: VehicleId | None = None
    vehicle_nr: str | None = None


async def find_own_ride(tx: Tx, ref: RideRef) -> Ride:
    """The rider's open ride; everything that was named must fit.

    Raises:
        Refusal: `ride_not_found` (also for somebody else's), `ride_ambiguous`, `vehicle_not_found`.
    """
    rides = await queries.list_running_rides(tx, ref.operator_id, ref.rider_id)
    vehicle_id = ref.vehicle_id
    if vehicle_id is None and ref.vehicle_nr is not None:
        found = await get_vehicle(tx, ref.operator_id, nr=ref.vehicle_nr)
        vehicle_id = found.vehicle.id
    meant = [
        ride
        for ride in rides
        if (ref.ride_id is None or ride.id == ref.ride_id) and (vehicle_id is None or ride.vehicle_id == vehicle_id)
    ]
    if not meant:
        raise errors.ride_not_found()
    if len(meant) > 1:
        raise errors.ride_ambiguous([ride.id for ride in meant])
    return meant[0]


async def lock_own_ride(tx: Tx, ref: RideRef) -> Ride:
    """As `find_own_ride`, with the row locked and read again under the lock."""
    ride = await store.lock_ride(tx, ref.operator_id, (await find_own_ride(tx, ref)).id)
    if ride is None or not ride.is_open:
        raise errors.ride_not_found()
    return ride

"""A rider reports a vehicle damaged that stands in the street or that they rode."""

from dataclasses import dataclass

from isotope.domain.evidence import Damage, DamageOn, NewDamage, may_report_damage, record_damage
from isotope.domain.sharing import errors, queries, store
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId, RiderId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageRef:
    """On what: a ride of the rider's, or a vehicle by id or number. Everything that is named must fit."""

    ride_id: RideId | None = None
    vehicle_id: VehicleId | None = None
    vehicle_nr: str | None = None


async def check_damage(rt: Runtime, operator: Operator, rider_id: RiderId, ref: DamageRef) -> VehicleId:
    """The vehicle that is meant, before any picture is looked at.

    Raises:
        Refusal: as `report_damage`.
    """
    async with rt.db.read() as tx:
        on = await _ridden(tx, operator.id, rider_id, ref)
        return await may_report_damage(tx, operator, rider_id, on, rt.clock.now())


async def report_damage(rt: Runtime, new: NewDamage, ref: DamageRef) -> Damage:
    """The report, for staff to look at.

    Raises:
        Refusal: `ride_not_found`, and as `evidence.record_damage`.
    """
    async with rt.db.write() as tx:
        await store.lock_rider(tx, new.operator.id, new.rider_id)
        on = await _ridden(tx, new.operator.id, new.rider_id, ref)
        return await record_damage(tx, new, on, rt.clock.now())


async def _ridden(tx: Tx, operator_id: OperatorId, rider_id: RiderId, ref: DamageRef) -> DamageOn:
    if ref.ride_id is None:
        return DamageOn(vehicle_id=ref.vehicle_id, vehicle_nr=ref.vehicle_nr)
    ride = await queries.find_ride(tx, operator_id, ref.ride_id)
    if ride is None or ride.rider_id != rider_id or ref.vehicle_id not in (None, ride.vehicle_id):
        raise errors.ride_not_found()
    return DamageOn(vehicle_id=ride.vehicle_id, vehicle_nr=ref.vehicle_nr, ride_id=ride.id)

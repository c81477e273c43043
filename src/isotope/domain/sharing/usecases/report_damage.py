"""A rider reports a damaged vehicle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from isotope.domain.fleet import get_vehicle
from isotope.domain.sharing import errors, history, history_errors, pictures, queries, store
from isotope.domain.sharing.history import Damage
from isotope.domain.sharing.pictures import KeptImage
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId, RiderId, VehicleId

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageRef:
    """On what: a ride of the rider's, or a vehicle by id or number. Everything that is named must fit."""

    ride_id: RideId | None = None
    vehicle_id: VehicleId | None = None
    vehicle_nr: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportDamage:
    """`category` is one of the operator's; `description` is text as it was written."""

    operator: Operator
    rider_id: RiderId
    ref: DamageRef
    category: str
    description: str
    images: Sequence[KeptImage] = ()


async def check_damage(rt: Runtime, operator: Operator, rider_id: RiderId, ref: DamageRef) -> VehicleId:
    """The vehicle that is meant, before any picture is looked at.

    Raises:
        Refusal: as `report_damage`.
    """
    async with rt.db.read() as tx:
        return await _allowed(rt, tx, operator, rider_id, ref)


async def report_damage(rt: Runtime, command: ReportDamage) -> Damage:
    """The report, for staff to look at.

    Raises:
        Refusal: `ride_not_found`, `vehicle_not_found`, `damage_not_taken` (the model takes none),
            `too_many_damage_reports`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        # One rider's reports queue here, so that they are counted right.
        await store.lock_rider(tx, operator.id, command.rider_id)
        vehicle_id = await _allowed(rt, tx, operator, command.rider_id, command.ref)
        damage = await history.insert_damage(
            tx,
            operator_id=operator.id,
            rider_id=command.rider_id,
            vehicle_id=vehicle_id,
            ride_id=command.ref.ride_id,
            category=command.category,
            description=command.description,
            at=now,
        )
        for image in command.images:
            await pictures.insert_damage_picture(tx, (operator.id, damage.id), image, now)
    return damage


async def _allowed(rt: Runtime, tx: Tx, operator: Operator, rider_id: RiderId, ref: DamageRef) -> VehicleId:
    vehicle_id = await _ridden(tx, operator.id, rider_id, ref)
    found = await get_vehicle(tx, operator.id, vehicle_id=vehicle_id, nr=ref.vehicle_nr)
    if not found.model.spec.damage_reports:
        raise history_errors.damage_not_taken(found.model.vehicle_type)
    limit = operator.settings.feedback.damage_reports_a_day
    if await history.count_damages(tx, operator.id, rider_id, rt.clock.now() - _DAY) >= limit:
        raise history_errors.too_many_damage_reports(limit)
    return found.vehicle.id


async def _ridden(tx: Tx, operator_id: OperatorId, rider_id: RiderId, ref: DamageRef) -> VehicleId | None:
    """The vehicle by its id or by the ride; None: it is named by number."""
    if ref.ride_id is None:
        return ref.vehicle_id
    ride = await queries.find_ride(tx, operator_id, ref.ride_id)
    if ride is None or ride.rider_id != rider_id or ref.vehicle_id not in (None, ride.vehicle_id):
        raise errors.ride_not_found()
    return ride.vehicle_id

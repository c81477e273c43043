"""A report of damage on a vehicle, in the transaction of who knows how the rider comes to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.evidence import damages, errors, pictures
from isotope.domain.evidence.model import Damage, KeptImage, PictureOf, Shows
from isotope.domain.fleet import get_vehicle
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.ids import BookingId, RideId, RiderId, VehicleId

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class DamageOn:
    """Which vehicle, by id or number: whatever is given must fit; and on which ride or booking it was seen, if on one."""

    vehicle_id: VehicleId | None = None
    vehicle_nr: str | None = None
    ride_id: RideId | None = None
    booking_id: BookingId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDamage:
    """`category` is one of the operator's; `description` is text as it was written."""

    operator: Operator
    rider_id: RiderId
    category: str
    description: str
    images: Sequence[KeptImage] = ()


async def may_report_damage(tx: Tx, operator: Operator, rider_id: RiderId, on: DamageOn, now: datetime) -> VehicleId:
    """The vehicle that is meant.

    Raises:
        Refusal: `vehicle_not_found`, `damage_not_taken` (the model takes none), `too_many_damage_reports`.
    """
    found = await get_vehicle(tx, operator.id, vehicle_id=on.vehicle_id, nr=on.vehicle_nr)
    if not found.model.spec.damage_reports:
        raise errors.damage_not_taken(found.model.vehicle_type)
    limit = operator.settings.feedback.damage_reports_a_day
    if await damages.count_damages(tx, operator.id, rider_id, now - _DAY) >= limit:
        raise errors.too_many_damage_reports(limit)
    return found.vehicle.id


async def record_damage(tx: Tx, new: NewDamage, on: DamageOn, now: datetime) -> Damage:
    """The report, for staff to look at. The caller holds the rider's row, so that their reports are counted right.

    Raises:
        Refusal: as `may_report_damage`.
    """
    vehicle_id = await may_report_damage(tx, new.operator, new.rider_id, on, now)
    damage = await damages.insert_damage(
        tx,
        operator_id=new.operator.id,
        rider_id=new.rider_id,
        vehicle_id=vehicle_id,
        ride_id=on.ride_id,
        booking_id=on.booking_id,
        category=new.category,
        description=new.description,
        at=now,
    )
    for image in new.images:
        await pictures.insert_picture(tx, new.operator.id, Shows(PictureOf.DAMAGE, damage.id), image, now)
    return damage

"""A rider reports that the vehicle of a booking is damaged: before they drive off, on the way, or afterwards."""

from typing import Final

from isotope.domain.evidence import Damage, DamageOn, NewDamage, may_report_damage, record_damage
from isotope.domain.rental import errors, store
from isotope.domain.rental.model import BookingStatus
from isotope.domain.rental.ordering import find_own_booking
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import BookingId, OperatorId, RiderId, VehicleId

# Whose vehicle the rider stands at, sits in, or has brought back.
SEEN_IN: Final = (BookingStatus.UPCOMING, BookingStatus.ACTIVE, BookingStatus.ENDED)


async def check_damage(rt: Runtime, operator: Operator, rider_id: RiderId, booking_id: BookingId) -> VehicleId:
    """The vehicle that is meant, before any picture is looked at.

    Raises:
        Refusal: as `report_damage`.
    """
    async with rt.db.read() as tx:
        on = await _booked(tx, operator.id, rider_id, booking_id)
        return await may_report_damage(tx, operator, rider_id, on, rt.clock.now())


async def report_damage(rt: Runtime, new: NewDamage, booking_id: BookingId) -> Damage:
    """The report, for staff to look at.

    Raises:
        Refusal: `booking_not_found`, `booking_status`, and as `evidence.record_damage`.
    """
    async with rt.db.write() as tx:
        await store.lock_rider(tx, new.operator.id, new.rider_id)
        on = await _booked(tx, new.operator.id, new.rider_id, booking_id)
        return await record_damage(tx, new, on, rt.clock.now())


async def _booked(tx: Tx, operator_id: OperatorId, rider_id: RiderId, booking_id: BookingId) -> DamageOn:
    booking = await find_own_booking(tx, operator_id, rider_id, booking_id)
    if booking.status not in SEEN_IN:
        raise errors.booking_status(booking.status, SEEN_IN)
    return DamageOn(vehicle_id=booking.vehicle_id, booking_id=booking.id)

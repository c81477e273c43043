"""A rider needs longer to get to the vehicle."""

from datetime import timedelta

from isotope.domain.fleet import find_next_slot, lock_vehicle, vehicle_booked
from isotope.domain.sharing import reservation_store
from isotope.domain.sharing.reservation_rules import free_until, may_extend
from isotope.domain.sharing.reservations import Reservation
from isotope.domain.sharing.usecases.cancel_reservation import OwnReservation, lock_own_reservation
from isotope.domain.sharing.usecases.expire_reservation import defer_expiry
from isotope.infra.runtime import Runtime


async def extend_reservation(rt: Runtime, command: OwnReservation) -> Reservation:
    """The vehicle is kept for as long again, from when it would have ended.

    Raises:
        Refusal: `reservation_not_found`, `reservation_ambiguous`, `no_more_extensions`, `vehicle_booked`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        reservation = await lock_own_reservation(tx, command)
        if no := may_extend(reservation, now):
            raise no
        expires_at = reservation.expires_at + timedelta(minutes=reservation.terms.minutes)
        # Under its row nobody books it at the same moment.
        await lock_vehicle(tx, command.operator.id, vehicle_id=reservation.vehicle_id)
        slot = await find_next_slot(tx, command.operator.id, reservation.vehicle_id, after=now)
        if slot is not None and slot.starts_at < free_until(command.operator, expires_at):
            raise vehicle_booked(slot.starts_at)
        extended = await reservation_store.set_extended(tx, reservation, expires_at)
        await defer_expiry(rt, tx, extended)
        return extended

"""A ride that a card did not let begin gives the vehicle back to the reservation that it came from."""

from datetime import datetime

from isotope.domain.fleet import VehicleStatus, hold_vehicle, lock_vehicle
from isotope.domain.sharing import reservation_store
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.reservations import ReservationId, ReservationStatus
from isotope.domain.sharing.usecases.expire_reservation import defer_expiry
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM


async def return_reservation(tx: Tx, rt: Runtime, ride: Ride, now: datetime) -> None:
    """After the ride has failed and let the vehicle go, in the same transaction, which holds the ride's row.

    The rider can then start again with another card. The place goes from ride to reservation in one commit, so that it
    was never free. Nothing happens when the reservation's time is over, or the vehicle is not fit to be taken.
    """
    if ride.terms.reservation is None:
        return
    reservation = await reservation_store.find_reservation(
        tx, ride.operator_id, ReservationId(ride.terms.reservation.id)
    )
    if reservation is None or reservation.expires_at <= now:
        return
    if (reservation.status, reservation.ride_id) != (ReservationStatus.USED, ride.id):
        return
    found = await lock_vehicle(tx, ride.operator_id, vehicle_id=ride.vehicle_id)
    if found.vehicle.status is not VehicleStatus.READY:
        return
    await reservation_store.set_active_again(tx, reservation)
    await hold_vehicle(
        tx, found.vehicle, holder=reservation.holder, status=VehicleStatus.RESERVED, actor=SYSTEM, now=now
    )
    await defer_expiry(rt, tx, reservation)

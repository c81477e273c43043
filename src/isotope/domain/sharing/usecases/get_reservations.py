"""What an app shows of a rider's reservations."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.fleet import VehicleOffer, list_vehicles
from isotope.domain.sharing import reservation_store
from isotope.domain.sharing.reservation_rules import bill_unused, cooldown_until, is_forgiven, reserved_min
from isotope.domain.sharing.reservations import Reservation, ReservationStatus, Unused
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True)
class CurrentReservation:
    """A reservation that lasts.

    Attributes:
        minutes: started minutes so far.
        fee_minor: what has run up, tax included; a ride takes it off again with `credit_on_unlock`.
        cancel_minor: what it would cost to cancel it now.
    """

    reservation: Reservation
    vehicle: VehicleOffer
    left_s: int
    minutes: int
    fee_minor: int
    cancel_minor: int


@dataclass(frozen=True, slots=True)
class CurrentReservations:
    """What lasts, and from when on the rider may reserve again (None: now)."""

    reservations: Sequence[CurrentReservation]
    cooldown_until: datetime | None


async def get_reservations(rt: Runtime, operator: Operator, rider_id: RiderId) -> CurrentReservations:
    """The rider's reservations, oldest first."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        active = await reservation_store.list_active(tx, operator.id, rider_id)
        return await _show(tx, operator, rider_id, active, now)


async def show_reservation(rt: Runtime, operator: Operator, reservation: Reservation) -> CurrentReservation:
    """This one, which was just made or changed."""
    async with rt.db.read() as tx:
        return (await _show(tx, operator, reservation.rider_id, [reservation], rt.clock.now())).reservations[0]


async def _show(
    tx: Tx, operator: Operator, rider_id: RiderId, reservations: Sequence[Reservation], now: datetime
) -> CurrentReservations:
    """These as they are now."""
    unused = await reservation_store.read_unused(tx, operator.id, rider_id, now)
    found = await list_vehicles(tx, operator.id, [one.vehicle_id for one in reservations]) if reservations else []
    vehicles = {offer.vehicle.id: offer for offer in found if offer.vehicle is not None}
    return CurrentReservations(
        [_current(one, vehicles[one.vehicle_id], unused, now) for one in reservations],
        cooldown_until(operator.settings.reservations, unused, now),
    )


def _current(reservation: Reservation, vehicle: VehicleOffer, unused: Unused, now: datetime) -> CurrentReservation:
    forgiven = is_forgiven(reservation, unused, ReservationStatus.CANCELLED, now)
    return CurrentReservation(
        reservation,
        vehicle,
        left_s=max(0, int((reservation.expires_at - now).total_seconds())),
        minutes=reserved_min(reservation, now),
        fee_minor=bill_unused(reservation, now).total_minor,
        cancel_minor=bill_unused(reservation, now, forgiven=forgiven).total_minor,
    )

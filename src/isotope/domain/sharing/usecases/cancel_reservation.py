"""A rider gives up a reservation."""

from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.sharing import errors, reservation_store, store
from isotope.domain.sharing.reservations import Reservation, ReservationId, ReservationStatus
from isotope.domain.sharing.usecases.end_reservation import end_reservation
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId, VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnReservation:
    """A reservation of a rider: by its id, by its vehicle, or the only one. None of several is taken by chance."""

    operator: Operator
    rider_id: RiderId
    actor: Actor
    reservation_id: ReservationId | None = None
    vehicle_id: VehicleId | None = None


async def cancel_reservation(rt: Runtime, command: OwnReservation) -> Reservation:
    """The vehicle is free again, and the fee is charged. One whose time is over meanwhile is cancelled all the same.

    Raises:
        Refusal: `reservation_not_found`, `reservation_ambiguous`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        reservation = await lock_own_reservation(tx, command)
        cancelled = ReservationStatus.CANCELLED
        return await end_reservation(tx, rt, command.operator, reservation, cancelled, command.actor, now)


async def lock_own_reservation(tx: Tx, command: OwnReservation) -> Reservation:
    """The reservation that is meant, which lasts; the rider's row is locked.

    Raises:
        Refusal: `reservation_not_found`, `reservation_ambiguous`.
    """
    await store.lock_rider(tx, command.operator.id, command.rider_id)
    active = await reservation_store.list_active(tx, command.operator.id, command.rider_id)
    meant: Sequence[Reservation] = [
        one
        for one in active
        if command.reservation_id in (None, one.id) and command.vehicle_id in (None, one.vehicle_id)
    ]
    if not meant:
        raise errors.reservation_not_found()
    if len(meant) > 1:
        raise errors.reservation_ambiguous([one.id for one in meant])
    return meant[0]

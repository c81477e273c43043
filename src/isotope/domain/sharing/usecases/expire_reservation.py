"""The time of a reservation is over.

The job is inserted with the reservation and anew with each extension. There is no sweep beside it: a job is as durable
as the reservation itself, and both are written by one commit.
"""

from dataclasses import dataclass
from typing import Final

from isotope.domain.sharing import reservation_store, store
from isotope.domain.sharing.reservations import Reservation, ReservationId, ReservationStatus
from isotope.domain.sharing.usecases.end_reservation import end_reservation
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM

JOB: Final = "expire_reservation"


@dataclass(frozen=True, slots=True)
class ExpireReservation:
    """The job that was inserted when the reservation had been extended so often."""

    operator: Operator
    reservation_id: ReservationId
    extended: int


async def defer_expiry(rt: Runtime, tx: Tx, reservation: Reservation) -> None:
    """In the transaction that sets the reservation's end."""
    await rt.jobs.defer(
        tx,
        JOB,
        at=reservation.expires_at,
        operator_id=reservation.operator_id,
        reservation_id=reservation.id,
        extended=reservation.extended,
    )


async def expire_reservation(rt: Runtime, what: ExpireReservation) -> bool:
    """Whether it expired now. One that was used, cancelled or extended meanwhile is left alone; safe to run twice."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        seen = await reservation_store.find_reservation(tx, what.operator.id, what.reservation_id)
        if seen is None or not seen.is_active:
            return False
        await store.lock_rider(tx, what.operator.id, seen.rider_id)
        reservation = await reservation_store.find_reservation(tx, what.operator.id, what.reservation_id)
        if reservation is None or not reservation.is_active or reservation.extended != what.extended:
            return False
        if reservation.expires_at > now:
            # The store's clock, by which jobs are due, is ahead of this process's.
            await defer_expiry(rt, tx, reservation)
            return False
        await end_reservation(tx, rt, what.operator, reservation, ReservationStatus.EXPIRED, SYSTEM, now)
        return True

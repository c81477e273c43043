"""Lock a booked vehicle at a stop, and unlock it again."""

from dataclasses import dataclass
from typing import Literal

from isotope.domain.fleet import lock_vehicle
from isotope.domain.payments import NO_CARDS
from isotope.domain.rental import errors
from isotope.domain.rental.driving import may_order
from isotope.domain.rental.model import Booking, BookingStatus, OrderKind
from isotope.domain.rental.ordering import lock_own_booking, order
from isotope.domain.rental.usecases.settle_order import SettleOrder, await_and_settle, find_done
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId, RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class StopVehicle:
    """A rider wants the vehicle that they drive locked or unlocked."""

    operator: Operator
    rider_id: RiderId
    booking_id: BookingId
    actor: Actor
    kind: Literal[OrderKind.LOCK, OrderKind.UNLOCK]


async def stop_vehicle(rt: Runtime, what: StopVehicle) -> Booking:
    """The booking, whose time runs on either way, after the vehicle said that it did so.

    Raises:
        Refusal: `booking_not_found`, `booking_status`, `booking_busy`, `device_offline`, `vehicle_moving`,
            `vehicle_did_not_obey`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        booking = await lock_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
        if no := may_order(booking, BookingStatus.ACTIVE):
            raise no
        found = await lock_vehicle(tx, what.operator.id, vehicle_id=booking.vehicle_id)
        waiting = await order(tx, what.operator, booking, found, what.kind, actor=what.actor, now=now)
    if waiting.command_id is None:
        raise LookupError("an order has a command")
    settle = SettleOrder(what.operator, waiting.id, waiting.command_id)
    # Neither moves money.
    made, code = await await_and_settle(rt, NO_CARDS, settle)
    async with rt.db.glance() as tx:
        if not await find_done(tx, settle):
            raise errors.vehicle_did_not_obey(code)
    return made

"""What is ordered of a booking's vehicle: one thing at a time, awaited, settled by whoever comes first."""

from datetime import datetime
from typing import Any, Final

from isotope.domain.devices.model import CommandName
from isotope.domain.fleet import LockedVehicle, VehicleState, order_vehicle
from isotope.domain.rental import errors, queries, store
from isotope.domain.rental.model import Booking, OrderKind
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import BookingId, OperatorId, RiderId

_COMMANDS: Final = {
    OrderKind.PICK_UP: CommandName.UNLOCK,
    OrderKind.UNLOCK: CommandName.UNLOCK,
    OrderKind.LOCK: CommandName.LOCK,
    OrderKind.RETURN: CommandName.LOCK,
}
# The unit cannot be told now: for who stands at the vehicle the same as a lock that does not answer.
UNREACHABLE: Final = frozenset({"device_offline", "vehicle_speed_unknown", "vehicle_has_no_device"})


async def find_own_booking(tx: Tx, operator_id: OperatorId, rider_id: RiderId, booking_id: BookingId) -> Booking:
    """The rider's booking.

    Raises:
        Refusal: `booking_not_found`, also for somebody else's.
    """
    booking = await queries.find_booking(tx, operator_id, booking_id)
    if booking is None or booking.rider_id != rider_id:
        raise errors.booking_not_found()
    return booking


async def lock_own_booking(tx: Tx, operator_id: OperatorId, rider_id: RiderId, booking_id: BookingId) -> Booking:
    """As `find_own_booking`, with its row locked."""
    booking = await store.lock_booking(tx, operator_id, booking_id)
    if booking is None or booking.rider_id != rider_id:
        raise errors.booking_not_found()
    return booking


async def order(
    tx: Tx,
    operator: Operator,
    booking: Booking,
    found: LockedVehicle,
    kind: OrderKind,
    *,
    actor: Actor,
    now: datetime,
    **changes: Any,
) -> Booking:
    """The booking that waits for its vehicle, with these changes too. The caller holds both rows.

    Raises:
        Refusal: `device_offline`, `vehicle_moving`, `vehicle_speed_unknown`, `vehicle_has_no_device`.
    """
    command_id = await order_vehicle(tx, operator, found, _COMMANDS[kind], actor=actor, cause=booking.holder, now=now)
    return await store.change_booking(tx, booking, order_kind=kind, command_id=command_id, ordered_at=now, **changes)


async def settled(tx: Tx, booking: Booking, **changes: Any) -> Booking:
    """The booking for which nothing waits any more, with these changes too."""
    return await store.change_booking(tx, booking, order_kind=None, command_id=None, ordered_at=None, **changes)


def odometer_of(state: VehicleState | None) -> int | None:
    """None: the unit never told."""
    return None if state is None or not state.odometer_m else state.odometer_m

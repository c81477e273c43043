"""What becomes of a booking, inside a transaction. The caller holds its row."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from isotope.domain.fleet import (
    Slot,
    free_slot,
    get_vehicle,
    lock_vehicle,
    minimum_battery_pct,
    move_slot,
    release_vehicle,
    status_after_release,
)
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.rental import store
from isotope.domain.rental.model import (
    Booking,
    BookingCharge,
    BookingStatus,
    DepositStatus,
    Interval,
    RentalAddonId,
)
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor


async def confirm(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, actor: Actor, now: datetime) -> Booking:
    """It is paid: UPCOMING. Its rider is told."""
    upcoming = await store.change_booking(tx, booking, status=BookingStatus.UPCOMING, confirmed_at=now, hold_until=None)
    await store.add_event(tx, upcoming, "confirmed", now, actor)
    await _tell(tx, rt, operator, upcoming, "booking_confirmed")
    return upcoming


async def give_up(tx: Tx, booking: Booking, outcome: str, actor: Actor, now: datetime) -> Booking:
    """It was not paid: as if it had never been. Its vehicle and add-ons are free at once."""
    return await _over(tx, booking, BookingStatus.UNPAID, outcome, actor, now)


async def close(
    tx: Tx, operator: Operator, booking: Booking, status: BookingStatus, outcome: str, actor: Actor, now: datetime
) -> Booking:
    """CANCELLED or NO_SHOW: its vehicle and add-ons are free at once. What goes back of its price is the caller's."""
    closed = await _over(tx, booking, status, outcome, actor, now)
    found = await lock_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    if found.vehicle.held_by == booking.holder:
        to_status = status_after_release(
            None if found.state is None else found.state.battery_pct,
            minimum_battery_pct(found.model.spec, operator.settings.rides.minimum_battery_pct),
            needs_check=False,
        )
        await release_vehicle(
            tx,
            found.vehicle,
            holder=booking.holder,
            to_status=to_status,
            actor=actor,
            cause=f"{booking.holder}:{outcome}",
            now=now,
        )
    return closed


async def undo_extension(
    tx: Tx, rt: Runtime, operator: Operator, booking: Booking, extension: BookingCharge, now: datetime
) -> Booking:
    """More time was not paid: the booking ends when it did before, or when it was brought back after that."""
    before = extension.ended_at_before
    if before is None or not booking.is_open or booking.ends_at != extension.ends_at:
        return booking
    shorter = await store.change_booking(tx, booking, ends_at=before)
    slot = Slot(
        vehicle_id=booking.vehicle_id,
        holder=booking.holder,
        starts_at=booking.starts_at,
        ends_at=before + timedelta(minutes=booking.terms.buffer_min),
    )
    if not await move_slot(tx, operator.id, slot):
        raise LookupError(f"{booking.holder}: no room for what was its own")
    await store.keep_addons(tx, shorter, stocked_addons(shorter), Interval(booking.starts_at, before))
    await store.add_event(tx, shorter, "extension_unpaid", now, SYSTEM, code=extension.code)
    await _tell(tx, rt, operator, shorter, "booking_extension_unpaid")
    return shorter


def stocked_addons(booking: Booking) -> Sequence[RentalAddonId]:
    """Its add-ons of which there are only so many."""
    return [addon.id for addon in booking.terms.addons if addon.spec.stock is not None]


async def _over(tx: Tx, booking: Booking, status: BookingStatus, outcome: str, actor: Actor, now: datetime) -> Booking:
    deposit = DepositStatus.NONE if booking.deposit_status is DepositStatus.DUE else booking.deposit_status
    over = await store.change_booking(
        tx,
        booking,
        status=status,
        outcome=outcome,
        closed_at=now,
        order_kind=None,
        command_id=None,
        ordered_at=None,
        deposit_status=deposit,
    )
    await free_slot(tx, booking.operator_id, booking.holder)
    await store.keep_addons(tx, over, (), over.interval)
    await store.add_event(tx, over, status.value.lower(), now, actor, outcome=outcome)
    return over


async def _tell(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, code: str) -> None:
    found = await get_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    zone = ZoneInfo(booking.terms.time_zone)
    params: dict[str, str | int] = {
        "vehicle": found.vehicle.nr,
        "start": f"{booking.starts_at.astimezone(zone):%Y-%m-%d %H:%M}",
        "end": f"{booking.ends_at.astimezone(zone):%Y-%m-%d %H:%M}",
    }
    await tell_later(tx, rt, TellRider(operator=operator, rider_id=booking.rider_id, code=code, params=params))

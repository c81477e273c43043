"""Another vehicle for a booking, when its own cannot be handed out."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.fleet import (
    LockedVehicle,
    Slot,
    VehicleStatus,
    get_vehicle,
    hold_vehicle,
    list_slots,
    lock_vehicle,
    move_slot,
    release_vehicle,
)
from isotope.domain.identity import TellRider, tell_later
from isotope.domain.rental import drive_queries, store
from isotope.domain.rental.driving import ELSEWHERE, ENERGY_LOW, why_not_handed_out
from isotope.domain.rental.model import Booking
from isotope.domain.rental.places import place_of
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.ids import VehicleId

# Slots that lie in the minutes before a booking.
MOST_BEFORE: Final = 1_000
# What becomes of a vehicle that was not fit; of others somebody finds out.
_ASIDE: Final = {ENERGY_LOW: VehicleStatus.DISCHARGED, ELSEWHERE: VehicleStatus.READY}


async def keep_vehicle(
    tx: Tx, rt: Runtime, operator: Operator, booking: Booking, *, actor: Actor, now: datetime
) -> tuple[Booking, LockedVehicle, str | None]:
    """The booking's vehicle, or another one if that is not fit, RESERVED for it; else why its own cannot be handed out.

    The caller holds the booking's row; vehicles are locked here, in the order of their ids. Its rider is told of
    another vehicle.
    """
    unfit = await why_not(tx, operator, booking, await get_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id), now)
    candidates = [] if unfit is None else await drive_queries.list_candidates(tx, booking, now)
    locked = await _lock_all(tx, operator, booking, candidates)
    own = locked[booking.vehicle_id]
    unfit = await why_not(tx, operator, booking, own, now)
    if unfit is None:
        return booking, await _held(tx, booking, own, actor, now), None
    moved = await _move_to_one_of(tx, rt, operator, booking, locked, unfit, now)
    return (*moved, None) if moved is not None else (booking, own, unfit)


async def change_vehicle(
    tx: Tx, rt: Runtime, operator: Operator, booking: Booking, unfit: str, *, now: datetime
) -> Booking | None:
    """The booking with another vehicle, RESERVED for it, because its own proved unfit, which is put aside; None: no other is free.

    As `keep_vehicle`.
    """
    candidates = await drive_queries.list_candidates(tx, booking, now)
    locked = await _lock_all(tx, operator, booking, candidates)
    moved = await _move_to_one_of(tx, rt, operator, booking, locked, unfit, now)
    return None if moved is None else moved[0]


async def _lock_all(
    tx: Tx, operator: Operator, booking: Booking, candidates: Sequence[VehicleId]
) -> dict[VehicleId, LockedVehicle]:
    return {
        vehicle_id: await lock_vehicle(tx, operator.id, vehicle_id=vehicle_id)
        for vehicle_id in sorted({booking.vehicle_id, *candidates})
    }


async def _move_to_one_of(
    tx: Tx,
    rt: Runtime,
    operator: Operator,
    booking: Booking,
    locked: Mapping[VehicleId, LockedVehicle],
    unfit: str,
    now: datetime,
) -> tuple[Booking, LockedVehicle] | None:
    if len(locked) == 1:
        return None
    # Read again under the locks, under which everybody takes slots.
    for vehicle_id in await drive_queries.list_candidates(tx, booking, now):
        other = locked.get(vehicle_id)
        if other is None or await why_not(tx, operator, booking, other, now) is not None:
            continue
        moved = await _move(tx, rt, operator, booking, (locked[booking.vehicle_id], unfit), other, now)
        return moved, await _held(tx, moved, other, SYSTEM, now)
    return None


async def why_not(tx: Tx, operator: Operator, booking: Booking, found: LockedVehicle, now: datetime) -> str | None:
    """Why the vehicle cannot be handed out for the booking, in one word; None: it can."""
    return why_not_handed_out(
        found,
        booking.holder,
        place=place_of(await drive_queries.get_station(tx, booking)),
        minimum_energy_pct=await drive_queries.find_minimum_energy_pct(tx, operator.id, booking.model_id),
        silent_after_s=operator.settings.rides.silent_after_s,
        now=now,
    )


async def _held(tx: Tx, booking: Booking, found: LockedVehicle, actor: Actor, now: datetime) -> LockedVehicle:
    if found.vehicle.held_by == booking.holder:
        return found
    vehicle = await hold_vehicle(
        tx, found.vehicle, holder=booking.holder, status=VehicleStatus.RESERVED, actor=actor, now=now
    )
    return LockedVehicle(vehicle=vehicle, model=found.model, state=found.state)


async def _move(
    tx: Tx,
    rt: Runtime,
    operator: Operator,
    booking: Booking,
    left: tuple[LockedVehicle, str],
    other: LockedVehicle,
    now: datetime,
) -> Booking:
    own, unfit = left
    await let_go(tx, booking, own, to_status=_ASIDE.get(unfit, VehicleStatus.NEED_INVESTIGATION), cause=unfit, now=now)
    slot = Slot(
        vehicle_id=other.vehicle.id,
        holder=booking.holder,
        starts_at=min(now, booking.starts_at),
        ends_at=booking.ends_at + timedelta(minutes=booking.terms.buffer_min),
    )
    if not await move_slot(tx, operator.id, slot):
        raise LookupError(f"vehicle {other.vehicle.id} was free under its lock and has a slot")
    moved = await store.change_booking(tx, booking, vehicle_id=other.vehicle.id)
    await store.add_event(
        tx,
        moved,
        "vehicle_changed",
        now,
        SYSTEM,
        from_vehicle=own.vehicle.nr,
        to_vehicle=other.vehicle.nr,
        reason=unfit,
    )
    params = {"vehicle": other.vehicle.nr, "before": own.vehicle.nr}
    what = TellRider(operator=operator, rider_id=booking.rider_id, code="booking_vehicle_changed", params=params)
    await tell_later(tx, rt, what)
    return moved


async def let_go(
    tx: Tx, booking: Booking, found: LockedVehicle, *, to_status: VehicleStatus, cause: str, now: datetime
) -> None:
    """If it is kept for the booking. The caller holds its row."""
    if found.vehicle.held_by == booking.holder:
        await release_vehicle(
            tx,
            found.vehicle,
            holder=booking.holder,
            to_status=to_status,
            actor=SYSTEM,
            cause=f"{booking.holder}:{cause}",
            now=now,
        )


async def take_from(tx: Tx, booking: Booking, at: datetime) -> None:
    """Picked up before its time: the vehicle is spoken for from now on, unless the slot before it still lasts.

    The caller holds the vehicle's row.
    """
    if at >= booking.starts_at:
        return
    before = await list_slots(
        tx, booking.operator_id, [booking.vehicle_id], since=at, until=booking.starts_at, limit=MOST_BEFORE
    )
    others = [slot for slot in before if slot.holder != booking.holder]
    own = next((slot for slot in before if slot.holder == booking.holder), None)
    since = max([at, *(slot.ends_at for slot in others)])
    until = booking.ends_at + timedelta(minutes=booking.terms.buffer_min)
    if own is not None and own.starts_at <= since:
        return
    slot = Slot(vehicle_id=booking.vehicle_id, holder=booking.holder, starts_at=since, ends_at=until)
    if not await move_slot(tx, booking.operator_id, slot):
        raise LookupError(f"{booking.holder}: no room for what was its own")

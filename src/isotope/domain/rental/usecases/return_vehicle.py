"""Bring a vehicle back: where it may be left, the lock, what it comes to."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from isotope.domain.evidence import KeptImage, Taken
from isotope.domain.fleet import LockedVehicle, lock_vehicle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.rental import errors, store
from isotope.domain.rental.drive_queries import get_station
from isotope.domain.rental.driving import PhonePosition, may_order, position_at_return, refused_return_at
from isotope.domain.rental.ending import UNCONFIRMED_LOCK, Ending, end_booking
from isotope.domain.rental.model import Booking, BookingStatus, OrderKind, Station
from isotope.domain.rental.ordering import UNREACHABLE, find_own_booking, lock_own_booking, odometer_of, order
from isotope.domain.rental.photos import add_photos, count_photos
from isotope.domain.rental.places import is_at, place_of
from isotope.domain.rental.usecases.settle_order import SettleOrder, await_and_settle
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import BookingId, RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReturnVehicle:
    """A rider has brought a vehicle back. `phone`: where they are, in case the vehicle does not know where it is."""

    operator: Operator
    rider_id: RiderId
    booking_id: BookingId
    actor: Actor
    phone: PhonePosition | None = None
    photos: Sequence[KeptImage] = field(default=())


@dataclass(frozen=True, slots=True)
class _Decided:
    """What the first transaction came to: a lock to wait for, a no that must survive it, or a booking that is over."""

    booking: Booking
    wait_for: SettleOrder | None = None
    refusal: Refusal | None = None
    calls: tuple[CardCall, ...] = ()


async def return_vehicle(rt: Runtime, cards: Cards, what: ReturnVehicle) -> Booking:
    """The booking, ENDED and settled. What could not be paid is debt; what a card has not answered yet is pending.

    The vehicle must stand in its station and confirm its lock. When it does not, the booking goes on and the refusal
    says to ask again; the second time it ends on the rider's word, as of the first, and the vehicle is put aside.

    Raises:
        Refusal: `booking_not_found`, by the second table of `driving`, `vehicle_moving`, `rental_did_not_lock`.
    """
    async with rt.db.write() as tx:
        decided = await _decide(tx, rt, cards, what, rt.clock.now())
    if decided.refusal is not None:
        raise decided.refusal
    if decided.wait_for is None:
        await carry_out_all(rt, cards, what.operator, decided.calls)
        async with rt.db.glance() as tx:
            return await find_own_booking(tx, what.operator.id, what.rider_id, what.booking_id)
    booking, code = await await_and_settle(rt, cards, decided.wait_for)
    if booking.status is BookingStatus.ENDED:
        return booking
    raise errors.rental_did_not_lock(code)


async def _decide(tx: Tx, rt: Runtime, cards: Cards, what: ReturnVehicle, now: datetime) -> _Decided:
    operator = what.operator
    booking = await lock_own_booking(tx, operator.id, what.rider_id, what.booking_id)
    if no := may_order(booking, BookingStatus.ACTIVE):
        raise no
    found = await lock_vehicle(tx, operator.id, vehicle_id=booking.vehicle_id)
    station = await get_station(tx, booking)
    at = _place(operator, station, found, what.phone, now)
    photos = await count_photos(tx, booking, Taken.AFTER, what.photos)
    if photos < operator.settings.rentals.photos_after:
        raise errors.photos_needed(operator.settings.rentals.photos_after, photos)
    await add_photos(tx, booking, Taken.AFTER, what.photos, now)
    return await _lock_or_end(tx, rt, cards, what, booking, found, at, now)


def _place(
    operator: Operator, station: Station, found: LockedVehicle, phone: PhonePosition | None, now: datetime
) -> Point:
    """Where it is returned, which is in its station."""
    at = position_at_return(found.state, phone, operator.settings.rides, now)
    if at is None:
        raise errors.return_position_unknown(operator.settings.rides.phone_position_fresh_s)
    if not is_at(place_of(station), at, operator.settings.rentals.zone_tolerance_m):
        raise errors.return_not_in_station(station.title, station.point, round(distance_m(at, station.point)))
    return at


async def _lock_or_end(
    tx: Tx,
    rt: Runtime,
    cards: Cards,
    what: ReturnVehicle,
    booking: Booking,
    found: LockedVehicle,
    at: Point,
    now: datetime,
) -> _Decided:
    odometer_m = odometer_of(found.state)
    refused_at = refused_return_at(booking, odometer_m)
    place = {"end": at, "end_odometer_m": odometer_m, "lock_refused_at": refused_at}
    try:
        waiting = await order(tx, what.operator, booking, found, OrderKind.RETURN, actor=what.actor, now=now, **place)
    except Refusal as no:
        if no.code not in UNREACHABLE:
            raise
        if refused_at is None:
            refused = await store.change_booking(tx, booking, **place | {"lock_refused_at": now})
            await store.add_event(tx, refused, "return_refused", now, SYSTEM, reason="lock_not_confirmed", code=no.code)
            return _Decided(refused, refusal=errors.rental_did_not_lock(no.code))
        there = await store.change_booking(tx, booking, **place)
        ending = Ending(returned_at=refused_at, outcome=UNCONFIRMED_LOCK, actor=what.actor, lock_confirmed=False)
        return _Decided(there, calls=tuple(await end_booking(tx, rt, cards, what.operator, there, ending, now)))
    if waiting.command_id is None:
        raise LookupError("an order has a command")
    return _Decided(waiting, wait_for=SettleOrder(what.operator, booking.id, waiting.command_id))

"""More time for a booking: how far, and back again when a card does not pay it. Who writes holds the booking's row.

| the new end is                                                     | refusal                   |
|--------------------------------------------------------------------|---------------------------|
| not after the old one, or over already                             | extension_not_later       |
| after the next slot's start without the buffer, or the longest end | extension_too_long        |
| when the station is closed                                         | station_closed            |
| when all of a limited add-on are out with others                   | rental_addon_out_of_stock |

Time that an unpaid card was asked for is taken back (`undo_extension`), unless the vehicle was brought back after the
earlier end by then: that time was used, and is owed (`is_used`).
"""

from datetime import datetime, timedelta

from isotope.domain.fleet import Slot, find_next_slot, move_slot
from isotope.domain.rental import errors, store, transitions
from isotope.domain.rental.looks import LATE
from isotope.domain.rental.model import Booking, BookingCharge, BookingPrice, BookingStatus, ChargeKind, Interval
from isotope.domain.rental.paying import OpenCharge, open_charge
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal

EXTENDABLE = (BookingStatus.UPCOMING, BookingStatus.ACTIVE)


def may_extend(booking: Booking, new_end: datetime, latest: datetime, now: datetime) -> Refusal | None:
    """By the first two rows of the table, and by where the booking stands."""
    if booking.status not in EXTENDABLE:
        return errors.booking_status(booking.status, EXTENDABLE)
    if booking.order_kind is not None:
        return errors.booking_busy(booking.order_kind)
    if new_end <= booking.ends_at or new_end <= now:
        return errors.extension_not_later(booking.ends_at)
    return errors.extension_too_long(latest) if new_end > latest else None


async def latest_end(tx: Tx, booking: Booking, maximum_days: int) -> datetime:
    """Until when it can last: by the operator's longest, and by whose the vehicle is next."""
    longest = booking.starts_at + timedelta(days=maximum_days)
    following = await find_next_slot(
        tx, booking.operator_id, booking.vehicle_id, after=booking.ends_at, but=booking.holder
    )
    if following is None:
        return longest
    return min(longest, following.starts_at - timedelta(minutes=booking.terms.buffer_min))


async def check_addons(tx: Tx, booking: Booking, new_end: datetime) -> None:
    """Limited add-ons stay with the booking for as long; others may have them booked by then.

    Their rows are locked, before any vehicle's.

    Raises:
        Refusal: `rental_addon_out_of_stock`.
    """
    limited = sorted(transitions.stocked_addons(booking))
    if not limited:
        return
    params = {
        "operator_id": booking.operator_id,
        "id": booking.id,
        "addon_ids": limited,
        "start": booking.ends_at,
        "end": new_end,
    }
    await tx.execute(
        """
        select 1 from rental_addon where operator_id = %(operator_id)s and id = any(%(addon_ids)s::bigint[])
         order by id for update
        """,
        params,
    )
    # The statement after this one sees what others had taken. By booking_addon_during.
    rows = await tx.tuples(
        """
        select a.id, a.title from rental_addon a
         where a.operator_id = %(operator_id)s and a.id = any(%(addon_ids)s::bigint[])
           and (a.spec ->> 'stock')::int <= (
               select count(*) from booking_addon b
                where b.operator_id = a.operator_id and b.addon_id = a.id and b.booking_id <> %(id)s
                  and b.during && tstzrange(%(start)s, %(end)s))
         order by a.id
        """,
        params,
    )
    if rows:
        raise errors.rental_addon_out_of_stock([addon_id for addon_id, _title in rows], [title for _id, title in rows])


async def set_end(tx: Tx, booking: Booking, new_end: datetime) -> Booking:
    """With its slot, its add-ons, and reminders of the new end.

    Raises:
        Refusal: `extension_too_long`: somebody was there first; nothing may be written after it.
    """
    slot = Slot(
        vehicle_id=booking.vehicle_id,
        holder=booking.holder,
        starts_at=booking.starts_at,
        ends_at=new_end + timedelta(minutes=booking.terms.buffer_min),
    )
    if not await move_slot(tx, booking.operator_id, slot):
        raise errors.extension_too_long(booking.ends_at)
    await store.keep_addons(tx, booking, transitions.stocked_addons(booking), Interval(booking.starts_at, new_end))
    told = tuple(word for word in booking.told if word != LATE and not word.startswith("end:"))
    return await store.change_booking(tx, booking, ends_at=new_end, told=told)


def is_used(booking: Booking, charge: BookingCharge) -> bool:
    """Whether the time of an extension was used, whoever pays it."""
    before = charge.ended_at_before
    return booking.returned_at is not None and before is not None and booking.returned_at > before


async def undo_extension(
    tx: Tx, rt: Runtime, operator: Operator, booking: Booking, charge: BookingCharge, now: datetime
) -> Booking:
    """The booking ends again when it did before the extension that was not paid; time that was used by then is owed."""
    if is_used(booking, charge):
        await _owe(tx, rt, operator, booking, charge, now)
        return booking
    return await transitions.undo_extension(tx, rt, operator, booking, charge, now)


async def _owe(tx: Tx, rt: Runtime, operator: Operator, booking: Booking, charge: BookingCharge, now: datetime) -> None:
    """No card is asked again: what the wallet does not pay is debt, which has its own way."""
    price = BookingPrice(
        lines=charge.lines,
        taxes=charge.taxes,
        net_minor=charge.total_minor - charge.tax_minor,
        tax_minor=charge.tax_minor,
        total_minor=charge.total_minor,
    )
    await open_charge(
        tx,
        rt,
        OpenCharge(
            operator=operator,
            booking=booking,
            kind=ChargeKind.CLAIM,
            price=price,
            card=None,
            actor=SYSTEM,
            now=now,
            reason="extension_unpaid",
            key=f"extension:{charge.id}",
        ),
    )

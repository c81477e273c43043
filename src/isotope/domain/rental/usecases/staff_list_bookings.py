"""Bookings as staff see them."""

from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.evidence import LinkedPicture, PictureOf, show_pictures
from isotope.domain.rental import queries
from isotope.domain.rental.model import Booking, BookingCharge, BookingRefund
from isotope.domain.rental.staff_queries import WhichBookings, list_all_bookings
from isotope.domain.rental.staff_rules import sees_riders
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import BookingId


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffBooking:
    """A booking with its money and its pictures, oldest first; without `is_open_book` there is nothing of either."""

    booking: Booking
    is_open_book: bool
    charges: Sequence[BookingCharge] = ()
    refunds: Sequence[BookingRefund] = ()
    pictures: Sequence[LinkedPicture] = ()


async def staff_list_bookings(
    rt: Runtime, operator: Operator, role: Role, which: WhichBookings, after_id: BookingId | None, limit: int
) -> list[StaffBooking] | None:
    """What starts last first, after the booking `after_id`; None if there is no such booking.

    Who it is that has booked, their money and pictures are for the roles of `staff_rules.sees_riders`.
    """
    is_open_book = sees_riders(role)
    async with rt.db.read() as tx:
        after = None
        if after_id is not None:
            after = await queries.find_booking(tx, operator.id, after_id)
            if after is None:
                return None
        if which.rider_id is not None and not is_open_book:
            return []
        found = await list_all_bookings(tx, operator.id, which, after, limit)
        if not is_open_book or not found:
            return [StaffBooking(booking=booking, is_open_book=is_open_book) for booking in found]
        ids = [booking.id for booking in found]
        charges = await queries.list_charges(tx, operator.id, ids)
        refunds = await queries.list_refunds(tx, operator.id, ids)
        pictures = await show_pictures(tx, PictureOf.BOOKING, operator.id, ids, rt.clock.now())
    return [
        StaffBooking(
            booking=booking,
            is_open_book=True,
            charges=[one for one in charges if one.booking_id == booking.id],
            refunds=[one for one in refunds if one.booking_id == booking.id],
            pictures=[one for one in pictures if one.picture.subject_id == booking.id],
        )
        for booking in found
    ]

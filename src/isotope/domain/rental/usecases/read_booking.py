"""One booking, with all that happened to it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from isotope.domain.evidence import LinkedPicture, PictureOf, show_pictures
from isotope.domain.rental import queries
from isotope.domain.rental.model import Booking, BookingEvent
from isotope.domain.rental.ordering import find_own_booking
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import BookingId, OperatorId, RiderId

MOST_EVENTS: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class WholeBooking:
    """`events` and `pictures` oldest first."""

    booking: Booking
    events: Sequence[BookingEvent]
    pictures: Sequence[LinkedPicture]


async def read_booking(rt: Runtime, operator: Operator, rider_id: RiderId, booking_id: BookingId) -> WholeBooking:
    """The rider's booking.

    Raises:
        Refusal: `booking_not_found`, also for somebody else's.
    """
    async with rt.db.read() as tx:
        booking = await find_own_booking(tx, operator.id, rider_id, booking_id)
        return WholeBooking(
            booking=booking,
            events=await queries.list_events(tx, operator.id, booking.id, MOST_EVENTS),
            pictures=await show_pictures(tx, PictureOf.BOOKING, operator.id, [booking.id], rt.clock.now()),
        )


async def find_booking_of(rt: Runtime, operator_id: OperatorId, rider_id: RiderId, booking_id: BookingId) -> Booking:
    """As `read_booking`, the booking alone."""
    async with rt.db.glance() as tx:
        return await find_own_booking(tx, operator_id, rider_id, booking_id)

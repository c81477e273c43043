"""A rider's bookings, with all that an app shows of them."""

from collections.abc import Mapping
from typing import Final, Literal

from isotope.domain.rental import queries
from isotope.domain.rental.model import BookingStatus
from isotope.domain.rental.usecases.show_bookings import ShownBooking, show_bookings
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId

MOST: Final = 200
Which = Literal["UPCOMING", "ACTIVE", "ENDED", "ALL"]
STATUSES: Final[Mapping[Which, tuple[BookingStatus, ...]]] = {
    "UPCOMING": (BookingStatus.AWAITING_PAYMENT, BookingStatus.UPCOMING),
    "ACTIVE": (BookingStatus.ACTIVE,),
    "ENDED": (BookingStatus.ENDED, BookingStatus.CANCELLED, BookingStatus.NO_SHOW),
    "ALL": tuple(BookingStatus),
}


async def list_user_bookings(
    rt: Runtime, operator_id: OperatorId, rider_id: RiderId, which: Which
) -> list[ShownBooking]:
    """What starts last first, at most `MOST`. UNPAID ones only among ALL: they never were bookings."""
    async with rt.db.read() as tx:
        bookings = await queries.list_bookings(tx, operator_id, rider_id, STATUSES[which], MOST)
        return await show_bookings(tx, operator_id, bookings, rt.clock.now())

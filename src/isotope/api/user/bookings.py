"""A rider's rental bookings."""

from isotope.api.operation import Auth, Call, operation
from isotope.api.rental import views
from isotope.api.rental_types import UserBookings, UserBookingsRequest
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.domain import rental


@operation(
    id="get_user_bookings",
    tag=TAG,
    title="Get user bookings",
    method="POST",
    path=f"{BASE}/get-user-bookings",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserBookingsRequest,
    response=UserBookings,
    refusals=(NO_RIDER,),
    request_example={"booking_status": "ALL"},
)
async def get_user_bookings(call: Call[UserBookingsRequest]) -> UserBookings:
    """The rider's rental bookings, with what can be done with each and what a cancel would cost now."""
    shown = await rental.list_user_bookings(
        call.services.rt, call.operator.id, call.rider_id(), call.body.booking_status
    )
    return UserBookings(bookings=[views.with_vehicle(one) for one in shown])

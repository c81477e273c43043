"""Trips that a driver promised or drove."""

from typing import Final

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.driver import views
from isotope.api.driver.account import BASE, TAG
from isotope.api.driver_types import (
    ByTripRequest,
    DriverTrips,
    DriverTripShown,
    DriverTripsRequest,
    Nothing,
    PromisedTrips,
)
from isotope.api.operation import Auth, Call, operation
from isotope.domain import taxi
from isotope.kernel.errors import Kind
from isotope.kernel.ids import TripId

_LIST: Final = "driver_trips"


@operation(
    id="get_driver_trip",
    tag=TAG,
    title="Trip",
    method="POST",
    path=f"{BASE}/get-trip",
    auth=Auth.DRIVER,
    request=ByTripRequest,
    response=DriverTripShown,
    refusals=((Kind.NOT_FOUND, "trip_not_found"),),
    request_example={"trip_id": 12},
)
async def get_driver_trip(call: Call[ByTripRequest]) -> DriverTripShown:
    """One trip that the driver drives, drove or promised."""
    return views.trip_of(
        await taxi.show_driver_trip(call.services.rt, call.operator, call.driver().id, TripId(call.body.trip_id))
    )


@operation(
    id="get_promised_trips",
    tag=TAG,
    title="Promised trips",
    method="POST",
    path=f"{BASE}/get-promised-trips",
    auth=Auth.DRIVER,
    request=Nothing,
    response=PromisedTrips,
)
async def get_promised_trips(call: Call[Nothing]) -> PromisedTrips:
    """Trips for later that the driver accepted; `set-off` when it is time."""
    found = await taxi.list_promised(call.services.rt, call.operator, call.driver().id)
    return PromisedTrips(trips=[views.trip_of(one) for one in found])


@operation(
    id="get_driver_trips",
    tag=TAG,
    title="Past trips",
    method="POST",
    path=f"{BASE}/get-trips",
    auth=Auth.DRIVER,
    request=DriverTripsRequest,
    response=DriverTrips,
    request_example={"page_length": 20},
)
async def get_driver_trips(call: Call[DriverTripsRequest]) -> DriverTrips:
    """The driver's trips that are over, newest first, page by page: see `get-wallet-entries` for bookmarks."""
    body = call.body
    sent = chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark)
    before = None if sent is None else TripId(read_bookmark(sent[1], _LIST, sent[0]))
    found = await taxi.list_driven(call.services.rt, call.operator, call.driver().id, before, body.page_length + 1)
    if found is None:
        raise bookmark_unknown(sent[0] if sent else "")
    page = found[: body.page_length]
    return DriverTrips(
        trips=[views.trip_of(one) for one in page],
        bookmark_next=write_bookmark(_LIST, page[-1].trip.id) if len(found) > len(page) else None,
    )

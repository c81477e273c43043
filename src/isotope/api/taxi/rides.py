"""Trips: requested, looked at, cancelled, rated; those for later."""

from collections.abc import Mapping
from typing import Any, Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.streams import EventStream, follow
from isotope.api.taxi import views
from isotope.api.taxi_types import (
    CancelScheduledTaxiRideRequest,
    CancelTaxiRideRequest,
    RateTaxiRideRequest,
    RequestedTaxiRide,
    RequestTaxiRideRequest,
    ScheduledTaxiRidesRequest,
    TaxiRated,
    TaxiRideAnswer,
    TaxiRideRequest,
    TaxiRideStreamRequest,
    TaxiScheduledCancelled,
    TaxiScheduledRides,
    TaxiStatus,
)
from isotope.domain import taxi
from isotope.kernel.errors import Kind
from isotope.kernel.ids import DriverId, RiderId, TripId

_BASE: Final = "/openapi/v1.0/taxi"
_NOT_FOUND: Final = (Kind.NOT_FOUND, "trip_not_found")
# A stream looks again so often where nothing was said: drivers move without saying so to riders.
_LOOK_S: Final = 5.0

_WAYPOINT: Final[Mapping[str, Any]] = {
    "title": "Mannerheimintie 1",
    "subtitle": "00100 Helsinki",
    "coordinates": {"latitude": 60.1684, "longitude": 24.9411},
    "type": "PICK_UP",
    "reached_at": None,
}
_WAYPOINTS: Final = [
    _WAYPOINT,
    {
        **_WAYPOINT,
        "title": "Linnanmäki",
        "subtitle": "00510 Helsinki",
        "coordinates": {"latitude": 60.1884, "longitude": 24.9407},
        "type": "DESTINATION",
    },
]
_SCHEDULED: Final = {
    "ride_id": 8,
    "status": "SCHEDULED_RIDE",
    "scheduled_at": 1_798_116_300,
    "scheduled_date": "2026-12-24",
    "scheduled_time": "14:45",
    "time_zone": "Europe/Helsinki",
    "class_id": 1,
    "class_title": "Comfort",
    "waypoints": _WAYPOINTS,
    "price": 11.4,
    "currency_code": "EUR",
    "payment_type": "WALLET",
    "payment_method_id": "wallet",
    "comment": "",
    "is_confirmed": False,
    "cancel_fee": 0.0,
    "free_cancel_until": 1_798_112_700,
}
_INFO: Final = {
    "count": 1,
    "limit": 10,
    "next_ride_id": 8,
    "next_at": 1_798_116_300,
    "message": "Your next trip: 2026-12-24 at 14:45.",
}
_RIDE: Final = {
    "ride": {
        "ride_id": 7,
        "status": "RIDE_ACCEPTED",
        "outcome": None,
        "message": "Your driver is on the way.",
        "class_id": 1,
        "class_title": "Comfort",
        "waypoints": _WAYPOINTS,
        "route_waypoints": None,
        "requested_at": 1_780_000_000,
        "scheduled_at": None,
        "search_until": None,
        "accepted_at": 1_780_000_010,
        "arrived_at": None,
        "started_at": None,
        "ended_at": None,
        "driver": {
            "name": "Aino",
            "phone": "+358 •••••••67",
            "rating": 4.8,
            "is_connected": True,
            "coordinates": {"latitude": 60.1702, "longitude": 24.9391},
            "heading": 90,
            "position_at": 1_780_000_055,
        },
        "vehicle": {"title": "Toyota Prius", "color": "white", "plate": "ABC-123", "seats": 4},
        "pick_up_eta_seconds": 180,
        "next_stop_eta_seconds": None,
        "destination_eta_seconds": None,
        "distance_meters": 3200,
        "travel_time_seconds": 540,
        "price": 11.4,
        "price_now": 11.4,
        "lines": [{"code": "taxi_base", "text": "Base fare", "quantity": 1, "unit_price": 11.4, "amount": 11.4}],
        "tax": 1.0,
        "paid": {
            "bonus": 0.0,
            "balance": 0.0,
            "card": 0.0,
            "pending": 0.0,
            "cash": 0.0,
            "cash_due": 0.0,
            "debt": 0.0,
            "refunded": 0.0,
        },
        "currency_code": "EUR",
        "surge": 1.0,
        "payment_type": "CARD",
        "payment_method_id": "card_12",
        "comment": "By the kiosk",
        "pin": None,
        "free_waiting_until": None,
        "allowed_actions": ["CANCEL"],
        "cancel_fee": 0.0,
        "rating": None,
        "rating_comment": None,
    },
    "next_request_seconds": 5,
    "scheduled_ride_info": None,
}


@operation(
    id="request_taxi_ride",
    tag="Taxi",
    title="Request ride",
    method="POST",
    path=f"{_BASE}/request-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RequestTaxiRideRequest,
    response=RequestedTaxiRide,
    refusals=(
        (Kind.CONFLICT, "quote_ended"),
        (Kind.CONFLICT, "quote_used"),
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.CONFLICT, "debt_open"),
        (Kind.CONFLICT, "class_not_offered"),
        (Kind.CONFLICT, "cash_not_taken"),
        (Kind.CONFLICT, "too_many_trips"),
        (Kind.CONFLICT, "too_many_scheduled_trips"),
        (Kind.CONFLICT, "scheduled_trips_off"),
        (Kind.CONFLICT, "schedule_too_soon"),
        (Kind.CONFLICT, "schedule_too_far"),
        (Kind.CONFLICT, "unknown_payment_method"),
        (Kind.CONFLICT, "quote_is_for_cash"),
        (Kind.CONFLICT, "quote_is_not_for_cash"),
        (Kind.CONFLICT, "trip_unaffordable"),
        (Kind.CONFLICT, "driver_not_available"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.UNAVAILABLE, "card_no_answer"),
    ),
    request_example={"token": "token of a class", "payment_method_id": "wallet", "comment": "By the kiosk"},
    response_example={"ride_id": 8, "scheduled_ride": _SCHEDULED},
    idempotent=True,
)
async def request_taxi_ride(call: Call[RequestTaxiRideRequest]) -> RequestedTaxiRide:
    """Requests a trip at a price of `get-drivers`: drivers are looked for, or it is kept for its time.

    What pays is settled first: the wallet must hold the price, a card reserves it, cash must be taken. Date and time stand
    in the token; if they are sent again they must say the same. A token works once: the answer to a second try names the
    trip that it was used for. Ask `get-ride` for what comes of it, or listen to `ride-stream`.
    """
    body, services, operator = call.body, call.services, call.operator
    trip = await taxi.request_trip(
        services.rt,
        services.cards,
        taxi.RequestTrip(
            operator=operator,
            token_key=await services.operators.get_token_key(operator),
            rider_id=call.rider_id(),
            actor=call.actor,
            by_secret_key=call.is_secret,
            token=body.token,
            payment_method_id=body.payment_method_id,
            comment=(body.comment or "").strip(),
            driver_id=None if body.driver_id is None else DriverId(body.driver_id),
            scheduled_at=taxi.read_schedule(body.scheduled_date, body.scheduled_time, operator.time_zone),
        ),
    )
    if trip.scheduled_at is None:
        return RequestedTaxiRide(ride_id=trip.id, scheduled_ride=None)
    shown, _scheduled = await taxi.list_scheduled_trips(services.rt, operator, call.rider_id(), call.text)
    found = next((one for one in shown if one.trip.id == trip.id), None)
    return RequestedTaxiRide(ride_id=trip.id, scheduled_ride=None if found is None else views.scheduled_ride(found))


@operation(
    id="cancel_taxi_ride",
    tag="Taxi",
    title="Cancel ride",
    method="POST",
    path=f"{_BASE}/cancel-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CancelTaxiRideRequest,
    response=TaxiStatus,
    refusals=(_NOT_FOUND, (Kind.CONFLICT, "trip_status")),
    request_example={"ride_id": 7},
    response_example={"status": 1},
    idempotent=True,
)
async def cancel_taxi_ride(call: Call[CancelTaxiRideRequest]) -> TaxiStatus:
    """Cancels a trip that has not started. `cancel_fee` of `get-ride` says what it costs.

    Nobody is offered it any more, and what a card reserved beyond the fee is let go. Cancelling again changes nothing and
    says the same. The secret key cancels for whoever's trip it is, on the same terms.
    """
    await _cancel(call, call.body.ride_id, call.find_rider_id())
    return TaxiStatus(status=1)


@operation(
    id="get_taxi_ride",
    tag="Taxi",
    title="Get ride",
    method="POST",
    path=f"{_BASE}/get-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=TaxiRideRequest,
    response=TaxiRideAnswer,
    refusals=(_NOT_FOUND,),
    request_example={"ride_id": 7},
    response_example=_RIDE,
)
async def get_taxi_ride(call: Call[TaxiRideRequest]) -> TaxiRideAnswer:
    """A trip as it is now: who comes, where they are and how soon, what it costs so far, what can be done.

    Without `ride_id` it is the one that is under way; `ride` is null where there is none. Driver and rider see each other's
    first name and a masked number from the acceptance until the end. Ask again after `next_request_seconds`, or listen to
    `ride-stream`, which tells each change at once.
    """
    return await _look(call, call.body, call.rider_id())


@operation(
    id="get_taxi_ride_stream",
    tag="Taxi",
    title="Listen to a ride",
    method="GET",
    path=f"{_BASE}/ride-stream",
    auth=Auth.PUBLIC_AND_CALLER,
    request=TaxiRideStreamRequest,
    response=EventStream[TaxiRideAnswer],
    refusals=(_NOT_FOUND,),
    request_example={"ride_id": 7},
)
async def get_taxi_ride_stream(call: Call[TaxiRideStreamRequest]) -> EventStream[TaxiRideAnswer]:
    """The same as `get-ride`, told as it changes: server-sent events, each named `ride` with the whole answer as its data.

    The first comes at once; the last when the trip is over. A stream lasts five minutes at most: open the next one, as
    browsers' `EventSource` does by itself. A comment every 15 s says that it is still there. What goes wrong on the way is
    an event `refusal`.
    """
    rider_id = call.rider_id()
    first = await _look(call, call.body, rider_id)
    told = call.body
    trip_id = None if first.ride is None else first.ride.ride_id

    async def read() -> tuple[TaxiRideAnswer, bool]:
        if trip_id is None:
            return first, True
        found = await _look(call, told, rider_id, TripId(trip_id))
        return found, found.next_request_seconds is None

    hub = call.services.rt.hub
    payload = f"{call.operator.id}:{trip_id}"
    return EventStream(
        states=follow(hub, taxi.TRIP_CHANNEL, payload, read, look_s=_LOOK_S),
        event="ride",
        caller=f"{call.actor}:{rider_id}",
    )


@operation(
    id="rate_taxi_ride",
    tag="Taxi",
    title="Rate taxi ride",
    method="POST",
    path=f"{_BASE}/rate-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=RateTaxiRideRequest,
    response=TaxiRated,
    refusals=(_NOT_FOUND, (Kind.CONFLICT, "trip_status"), (Kind.CONFLICT, "trip_already_rated")),
    request_example={"ride_id": 7, "rating": 5, "comment": "A calm drive"},
    response_example={"status": 1, "message": "Thank you for telling us."},
    idempotent=True,
)
async def rate_taxi_ride(call: Call[RateTaxiRideRequest]) -> TaxiRated:
    """Rates a trip that has ended, once, by whoever took it. It counts for the driver."""
    body = call.body
    await taxi.rate_trip(
        call.services.rt,
        taxi.RateTrip(
            operator=call.operator,
            rider_id=call.rider_id(),
            trip_id=TripId(body.ride_id),
            rating=body.rating,
            actor=call.actor,
            comment=(body.comment or "").strip() or None,
        ),
    )
    return TaxiRated(status=1, message=call.text("ride_rated"))


@operation(
    id="get_scheduled_taxi_rides",
    tag="Taxi",
    title="Get scheduled rides",
    method="POST",
    path=f"{_BASE}/get-scheduled-rides",
    auth=Auth.PUBLIC_AND_CALLER,
    request=ScheduledTaxiRidesRequest,
    response=TaxiScheduledRides,
    response_example={"scheduled_rides": [_SCHEDULED], "scheduled_ride_info": _INFO},
)
async def get_scheduled_taxi_rides(call: Call[ScheduledTaxiRidesRequest]) -> TaxiScheduledRides:
    """The rider's trips for later, the next one first. One whose driver has set off is a trip under way: see `get-ride`."""
    shown, scheduled = await taxi.list_scheduled_trips(call.services.rt, call.operator, call.rider_id(), call.text)
    return TaxiScheduledRides(
        scheduled_rides=[views.scheduled_ride(one) for one in shown],
        scheduled_ride_info=views.scheduled_info(call, scheduled),
    )


@operation(
    id="cancel_scheduled_taxi_ride",
    tag="Taxi",
    title="Cancel scheduled ride",
    method="POST",
    path=f"{_BASE}/cancel-scheduled-ride",
    auth=Auth.PUBLIC_AND_CALLER,
    request=CancelScheduledTaxiRideRequest,
    response=TaxiScheduledCancelled,
    refusals=(_NOT_FOUND, (Kind.CONFLICT, "trip_status")),
    request_example={"ride_id": 8},
    response_example={"status": 1, "scheduled_ride_info": None},
    idempotent=True,
)
async def cancel_scheduled_taxi_ride(call: Call[CancelScheduledTaxiRideRequest]) -> TaxiScheduledCancelled:
    """Cancels a trip for later, as `cancel-ride` does; only one that was ordered for a time.

    It is free until `free_cancel_until`, and while no driver has promised it; `cancel_fee` says what it costs.
    """
    rider_id = call.rider_id()
    await taxi.must_be_scheduled(call.services.rt, call.operator.id, rider_id, TripId(call.body.ride_id))
    await _cancel(call, call.body.ride_id, rider_id)
    _shown, scheduled = await taxi.list_scheduled_trips(call.services.rt, call.operator, rider_id, call.text)
    return TaxiScheduledCancelled(status=1, scheduled_ride_info=views.scheduled_info(call, scheduled))


async def _cancel(call: Call[Any], ride_id: int, rider_id: RiderId | None) -> None:
    await taxi.cancel_trip(
        call.services.rt,
        call.services.cards,
        taxi.CancelTrip(operator=call.operator, trip_id=TripId(ride_id), rider_id=rider_id, actor=call.actor),
    )


async def _look(
    call: Call[Any],
    asked: TaxiRideRequest | TaxiRideStreamRequest,
    rider_id: RiderId,
    trip_id: TripId | None = None,
) -> TaxiRideAnswer:
    wanted = trip_id if trip_id is not None or asked.ride_id is None else TripId(asked.ride_id)
    shown, scheduled = await taxi.find_shown_trip(
        call.services.rt,
        call.services.maps.roads,
        taxi.ShowTrip(operator=call.operator, rider_id=rider_id, words=call.text, trip_id=wanted),
    )
    return views.ride_answer(call, shown, scheduled, with_route=bool(asked.route_waypoints_required))

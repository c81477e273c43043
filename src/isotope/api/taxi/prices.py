"""What trips cost, and who could come."""

from typing import Any, Final

from isotope.api.operation import Auth, Call, operation
from isotope.api.taxi import views
from isotope.api.taxi_types import TaxiClassOffer, TaxiDriverOffer, TaxiDrivers, TaxiDriversRequest
from isotope.domain import taxi
from isotope.kernel.errors import Kind
from isotope.kernel.money import to_decimal

_WAYPOINTS: Final = [
    {
        "title": "Mannerheimintie 1",
        "subtitle": "00100 Helsinki",
        "coordinates": {"latitude": 60.1684, "longitude": 24.9411},
        "type": "PICK_UP",
        "reached_at": None,
    },
    {
        "title": "Linnanmäki",
        "subtitle": "00510 Helsinki",
        "coordinates": {"latitude": 60.1884, "longitude": 24.9407},
        "type": "DESTINATION",
        "reached_at": None,
    },
]


@operation(
    id="get_taxi_drivers",
    tag="Taxi",
    title="Get drivers",
    method="POST",
    path="/openapi/v1.0/taxi/get-drivers",
    auth=Auth.PUBLIC_AND_CALLER,
    request=TaxiDriversRequest,
    response=TaxiDrivers,
    refusals=(
        (Kind.CONFLICT, "cash_not_taken"),
        (Kind.CONFLICT, "scheduled_trips_off"),
        (Kind.CONFLICT, "schedule_too_soon"),
        (Kind.CONFLICT, "schedule_too_far"),
        (Kind.CONFLICT, "no_route"),
        (Kind.UNAVAILABLE, "roads_unavailable"),
    ),
    request_example={
        "waypoints": ["token of the pick-up", "token of the destination"],
        "is_cash_payment": False,
        "show_driver_list": True,
    },
    response_example={
        "classes": [
            {
                "id": 1,
                "title": "Comfort",
                "description": "Four seats and some luggage",
                "image_url": None,
                "capacity": 4,
                "is_available": True,
                "eta_seconds": 240,
                "travel_time_seconds": 540,
                "distance_meters": 3200,
                "price": 11.4,
                "tax": 1.0,
                "lines": [
                    {"code": "taxi_base", "text": "Base fare", "quantity": 1, "unit_price": 4.0, "amount": 4.0},
                    {"code": "taxi_distance", "text": "3.2 km", "quantity": 1, "unit_price": 4.0, "amount": 4.0},
                    {"code": "taxi_time", "text": "9.0 min", "quantity": 1, "unit_price": 3.4, "amount": 3.4},
                ],
                "surge": 1.0,
                "currency_code": "EUR",
                "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InF1b3RlIn0...",
                "token_expires_at": 1_780_000_120,
            }
        ],
        "max_comment_length": 200,
        "waypoints": _WAYPOINTS,
        "drivers": [
            {
                "driver_id": 4,
                "name": "Aino",
                "rating": 4.8,
                "vehicle": "Toyota Prius",
                "vehicle_color": "white",
                "seats": 4,
                "class_id": 1,
                "class_title": "Comfort",
                "eta_seconds": 240,
                "distance_meters": 1300,
                "price": 11.4,
                "currency_code": "EUR",
                "token": "eyJhbGciOiJIUzI1NiIsInR5cCI6InF1b3RlIn0...",
                "token_expires_at": 1_780_000_120,
            }
        ],
        "selected_payment_method_info": "visa •••• 4242",
    },
)
async def get_taxi_drivers(call: Call[TaxiDriversRequest]) -> TaxiDrivers:
    """The classes of service for a way, each with its price, how soon a driver could come, and a token to request it.

    A token holds the price for as long as the operator says (two minutes as a rule), for this rider, way, class, way of
    paying and time, and works once. Without `allow_scheduled_rides` only classes come of which a driver is near; with it
    the others come too, and can be requested for a time. With the secret key the tokens are for whichever rider
    `request-ride` names.
    """
    body, services, operator = call.body, call.services, call.operator
    quotes = await taxi.quote_trips(
        services.rt,
        services.cards,
        services.maps.roads,
        taxi.QuoteTrips(
            operator=operator,
            token_key=await services.operators.get_token_key(operator),
            waypoints=body.waypoints,
            rider_id=call.find_rider_id(),
            is_cash=body.is_cash_payment,
            words=call.text,
            scheduled_at=taxi.read_schedule(body.scheduled_date, body.scheduled_time, operator.time_zone),
            show_drivers=body.show_driver_list,
            allow_scheduled=body.allow_scheduled_rides,
            show_offline=body.show_offline_classes,
        ),
    )
    return TaxiDrivers(
        classes=[_class(call, quotes, one) for one in quotes.classes],
        max_comment_length=operator.settings.taxi.comment_length,
        waypoints=views.waypoints(quotes.stops),
        drivers=[_driver(call, one) for one in quotes.drivers] if body.show_driver_list else None,
        selected_payment_method_info=_paying(call, quotes),
    )


def _class(call: Call[Any], quotes: taxi.Quotes, one: taxi.QuotedClass) -> TaxiClassOffer:
    currency, spec, price = call.operator.currency, one.taxi_class.spec, one.price
    return TaxiClassOffer(
        id=one.taxi_class.id,
        title=one.taxi_class.title,
        description=spec.description,
        image_url=spec.image or None,
        capacity=spec.capacity,
        is_available=one.nearest is not None,
        eta_seconds=None if one.nearest is None else one.nearest.duration_s,
        travel_time_seconds=quotes.route.duration_s,
        distance_meters=quotes.route.distance_m,
        price=None if price is None else to_decimal(price.total_minor, currency),
        tax=None if price is None else to_decimal(price.tax_minor, currency),
        lines=[] if price is None else views.lines(call, price.lines, currency),
        surge=float(one.surge),
        currency_code=currency,
        token=one.token,
        token_expires_at=views.find_unix(one.expires_at),
    )


def _driver(call: Call[Any], one: taxi.QuotedDriver) -> TaxiDriverOffer:
    currency, driver = call.operator.currency, one.driver
    return TaxiDriverOffer(
        driver_id=driver.driver_id,
        name=driver.first_name,
        rating=driver.rating,
        vehicle=driver.vehicle_title,
        vehicle_color=driver.vehicle_color,
        seats=driver.seats,
        class_id=one.taxi_class.id,
        class_title=one.taxi_class.title,
        eta_seconds=one.way.duration_s,
        distance_meters=one.way.distance_m,
        price=to_decimal(one.price.total_minor, currency),
        currency_code=currency,
        token=one.token,
        token_expires_at=views.unix(one.expires_at),
    )


def _paying(call: Call[TaxiDriversRequest], quotes: taxi.Quotes) -> str | None:
    if call.body.is_cash_payment:
        return call.text("payment_method_cash")
    if quotes.paying is None:
        return None
    card = quotes.paying.card
    return call.text("payment_method_wallet") if card is None else f"{card.brand} •••• {card.last4}"

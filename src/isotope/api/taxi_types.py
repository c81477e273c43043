"""Requests and answers of the section Taxi: prices, trips, trips for later.

The reference elides what is inside `classes`, `drivers`, `ride` and `scheduled_rides`; the names here are those of its
requests, continued. Instants are Unix seconds; dates and times of trips for later are by the operator's clock; amounts are
in the currency's unit with the tax in them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, UserId
from isotope.api.money_types import BillLine
from isotope.api.sharing_types import Coordinates, CurrencyCode, UnixSeconds
from isotope.api.user_types import Amount
from isotope.domain.taxi.model import MAX_POINTS, MIN_POINTS
from isotope.infra.signed import MOST_TOKEN

RideStatusName = Literal[
    "RIDE_REQUESTED",
    "SCHEDULED_RIDE",
    "RIDE_ACCEPTED",
    "DRIVER_ARRIVED",
    "RIDE_STARTED",
    "RIDE_ENDED",
    "RIDE_CANCELED",
]
TaxiActionName = Literal["CANCEL", "RATE"]
PaymentName = Literal["CASH", "CARD", "WALLET"]
Token = Annotated[str, Meta(min_length=1, max_length=MOST_TOKEN)]
ScheduledDate = Annotated[
    Annotated[str, Meta(max_length=20)] | None,
    Meta(
        description="For a trip for later: the day by the operator's clock, together with `scheduled_time`.",
        examples=["2026-12-24"],
    ),
]
ScheduledTime = Annotated[
    Annotated[str, Meta(max_length=20)] | None,
    Meta(description="The time of the day, together with `scheduled_date`.", examples=["14:45"]),
]
RideId = Annotated[Id, Meta(description="Of `request-ride`.", examples=[7])]
Seconds = Annotated[int, Meta(description="Seconds.", examples=[240])]
Metres = Annotated[int, Meta(description="Metres.", examples=[3200])]
_Status = Annotated[int, Meta(description="Always 1: it is done.", examples=[1])]


# -- Prices -----------------------------------------------------------------------------------------------------------


class TaxiDriversRequest(msgspec.Struct, frozen=True, kw_only=True):
    """From where to where, how paid, when."""

    waypoints: Annotated[
        list[Token],
        Meta(
            min_length=MIN_POINTS,
            max_length=MAX_POINTS,
            description="Tokens of `get-suggestions` or `get-place`: pick-up, stops, destination.",
        ),
    ]
    is_cash_payment: Annotated[
        bool, Meta(description="Whether the trip will be paid in cash: only classes and drivers that take it.")
    ]
    scheduled_date: ScheduledDate = None
    scheduled_time: ScheduledTime = None
    show_driver_list: Annotated[
        bool, Meta(description="Name the drivers too, each with a token that offers the trip to that driver alone.")
    ] = False
    show_offline_classes: Annotated[
        bool,
        Meta(
            description="Together with `allow_scheduled_rides`: classes without a driver have a price and a token also "
            "where no time is given. Deprecated in the reference."
        ),
    ] = False
    allow_scheduled_rides: Annotated[
        bool, Meta(description="Classes without a driver come too; off, only those that can come now.")
    ] = False


class TaxiWaypoint(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the way."""

    title: Annotated[str, Meta(examples=["Mannerheimintie 1"])]
    subtitle: Annotated[str, Meta(examples=["00100 Helsinki"])]
    coordinates: Coordinates
    type: Annotated[Literal["PICK_UP", "STOP", "DESTINATION"], Meta(examples=["PICK_UP"])]
    reached_at: Annotated[UnixSeconds | None, Meta(description="When the driver was there.")] = None


class TaxiClassOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A class of service, with its price."""

    id: int
    title: Annotated[str, Meta(examples=["Comfort"])]
    description: str
    image_url: Annotated[str | None, Meta(description="A picture of the class.")]
    capacity: Annotated[int, Meta(description="How many riders fit in.", examples=[4])]
    is_available: Annotated[bool, Meta(description="Whether a driver of the class could come now.")]
    eta_seconds: Annotated[
        Seconds | None, Meta(description="So soon the nearest driver could be at the pick-up; null: there is none.")
    ]
    travel_time_seconds: Annotated[Seconds, Meta(description="From the pick-up to the destination.")]
    distance_meters: Annotated[Metres, Meta(description="From the pick-up to the destination, by road.")]
    price: Annotated[
        Amount | None, Meta(description="Of the whole trip. Null: ask again with a time, for no driver is there now.")
    ]
    tax: Annotated[Amount | None, Meta(description="What of it is tax.")]
    lines: Annotated[list[BillLine], Meta(description="What the price is made of; a raised one has a line for that.")]
    surge: Annotated[float, Meta(description="By how much prices are raised right now; 1: they are not.")]
    currency_code: CurrencyCode
    token: Annotated[
        str | None, Meta(description="For `request-ride`, once. It holds the price; null where there is none.")
    ]
    token_expires_at: Annotated[UnixSeconds | None, Meta(description="Until then the price is held.")]


class TaxiDriverOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A driver who could come, in one class. One who drives several classes comes once for each."""

    driver_id: Annotated[int, Meta(description="For `request-ride`.")]
    name: Annotated[str, Meta(description="The first name.", examples=["Aino"])]
    rating: Annotated[float | None, Meta(description="1 to 5; null while too few have rated.")]
    vehicle: Annotated[str, Meta(examples=["Toyota Prius"])]
    vehicle_color: str
    seats: int
    class_id: int
    class_title: str
    eta_seconds: Annotated[Seconds, Meta(description="So soon the driver could be at the pick-up.")]
    distance_meters: Annotated[Metres, Meta(description="So far from the pick-up, by road.")]
    price: Amount
    currency_code: CurrencyCode
    token: Annotated[str, Meta(description="For `request-ride`: only this driver is offered the trip.")]
    token_expires_at: UnixSeconds


class TaxiDrivers(msgspec.Struct, frozen=True, kw_only=True):
    """What a trip would cost, and who could come."""

    classes: Annotated[list[TaxiClassOffer], Meta(description="In the operator's order.")]
    max_comment_length: Annotated[int, Meta(description="Of `comment` of `request-ride`.", examples=[200])]
    waypoints: list[TaxiWaypoint]
    drivers: Annotated[
        list[TaxiDriverOffer] | None, Meta(description="The soonest first; null unless `show_driver_list` is on.")
    ]
    selected_payment_method_info: Annotated[
        str | None,
        Meta(
            description="What pays unless `request-ride` says otherwise; null with the secret key.", examples=["Cash"]
        ),
    ]


# -- Requests ---------------------------------------------------------------------------------------------------------


class RequestTaxiRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A price that is taken."""

    token: Annotated[Token, Meta(description="Of a class or a driver of `get-drivers`. It works once.")]
    scheduled_date: ScheduledDate = None
    scheduled_time: ScheduledTime = None
    payment_method_id: Annotated[
        Annotated[str, Meta(max_length=40)] | None,
        Meta(
            description="Of `get-user-payment-methods`. Empty or null: cash where the price is for cash, else what is "
            "chosen for taxis.",
            examples=["wallet"],
        ),
    ] = ""
    comment: Annotated[
        Annotated[str, Meta(max_length=1000)] | None,
        Meta(description="For the driver; at most `max_comment_length` characters.", examples=["By the kiosk"]),
    ] = None
    driver_id: Annotated[
        Id | None, Meta(description="Only this driver is offered the trip; of `drivers` of `get-drivers`.")
    ] = None
    user_id: UserId = None


class TaxiScheduledRide(msgspec.Struct, frozen=True, kw_only=True):
    """A trip for later."""

    ride_id: int
    status: RideStatusName
    scheduled_at: UnixSeconds
    scheduled_date: Annotated[str, Meta(examples=["2026-12-24"])]
    scheduled_time: Annotated[str, Meta(examples=["14:45"])]
    time_zone: Annotated[str, Meta(description="In which date and time are.", examples=["Europe/Helsinki"])]
    class_id: int
    class_title: str
    waypoints: list[TaxiWaypoint]
    price: Annotated[Amount, Meta(description="As it was agreed.")]
    currency_code: CurrencyCode
    payment_type: PaymentName
    payment_method_id: str
    comment: str
    is_confirmed: Annotated[bool, Meta(description="Whether a driver has promised it.")]
    cancel_fee: Annotated[Amount, Meta(description="What a cancel costs now.")]
    free_cancel_until: Annotated[UnixSeconds, Meta(description="Until then a cancel is free of charge.")]


class RequestedTaxiRide(msgspec.Struct, frozen=True, kw_only=True):
    """What was requested."""

    ride_id: int
    scheduled_ride: Annotated[TaxiScheduledRide | None, Meta(description="Null for a trip now.")]


class CancelTaxiRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip."""

    ride_id: RideId


class TaxiStatus(msgspec.Struct, frozen=True, kw_only=True):
    """It is done."""

    status: _Status


# -- A trip -----------------------------------------------------------------------------------------------------------


class TaxiRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip."""

    ride_id: Annotated[Id | None, Meta(description="Null: the one that is under way.", examples=[7])] = None
    route_waypoints_required: Annotated[
        bool | None, Meta(description="Include all points of the route, for a map.")
    ] = None
    user_id: UserId = None


class TaxiRideDriver(msgspec.Struct, frozen=True, kw_only=True):
    """Who drives; told from the acceptance until the end."""

    name: Annotated[str, Meta(description="The first name.", examples=["Aino"])]
    phone: Annotated[str, Meta(description="Masked: enough to know who calls.", examples=["+358 •••••••67"])]
    rating: Annotated[float | None, Meta(description="1 to 5; null while too few have rated.")]
    is_connected: Annotated[bool, Meta(description="Whether the driver was heard of lately.")]
    coordinates: Annotated[Coordinates | None, Meta(description="Null: not known well enough.")]
    heading: Annotated[int | None, Meta(description="Degrees, 0 north, 90 east.")]
    position_at: Annotated[UnixSeconds | None, Meta(description="When the driver was there.")]


class TaxiRideVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """What comes."""

    title: Annotated[str, Meta(examples=["Toyota Prius"])]
    color: str
    plate: Annotated[str, Meta(examples=["ABC-123"])]
    seats: int


class TaxiPaid(msgspec.Struct, frozen=True, kw_only=True):
    """What paid the trip, or its fee."""

    bonus: Amount
    balance: Amount
    card: Amount
    pending: Annotated[Amount, Meta(description="Asked of the card; its answer is awaited.")]
    cash: Annotated[Amount, Meta(description="Given to the driver.")]
    cash_due: Annotated[Amount, Meta(description="To be given to the driver.")]
    debt: Annotated[Amount, Meta(description="Owed.")]
    refunded: Amount


class TaxiRide(msgspec.Struct, frozen=True, kw_only=True):
    """A trip as it is now."""

    ride_id: int
    status: RideStatusName
    outcome: Annotated[
        str | None, Meta(description="Why it was over, for programs; null while it goes on.", examples=["driven"])
    ]
    message: Annotated[str, Meta(description="How it stands, for the rider.", examples=["A driver is on the way."])]
    class_id: int
    class_title: str
    waypoints: list[TaxiWaypoint]
    route_waypoints: Annotated[
        list[Coordinates] | None,
        Meta(description="All points of the planned way; null unless `route_waypoints_required` is on."),
    ]
    requested_at: UnixSeconds
    scheduled_at: UnixSeconds | None
    search_until: Annotated[
        UnixSeconds | None, Meta(description="While a driver is looked for: until when, at the latest.")
    ]
    accepted_at: UnixSeconds | None
    arrived_at: UnixSeconds | None
    started_at: UnixSeconds | None
    ended_at: Annotated[UnixSeconds | None, Meta(description="When it was over, driven or not.")]
    driver: TaxiRideDriver | None
    vehicle: TaxiRideVehicle | None
    pick_up_eta_seconds: Annotated[Seconds | None, Meta(description="Until the driver is at the pick-up.")]
    next_stop_eta_seconds: Annotated[Seconds | None, Meta(description="On the way: until the next point.")]
    destination_eta_seconds: Annotated[Seconds | None, Meta(description="On the way: until the destination.")]
    distance_meters: Annotated[Metres, Meta(description="Of the planned way; of an ended trip what was driven.")]
    travel_time_seconds: Annotated[Seconds, Meta(description="Of the planned way; of an ended trip what it took.")]
    price: Annotated[Amount, Meta(description="As it was agreed.")]
    price_now: Annotated[
        Amount, Meta(description="So far, with waiting; once it is over what it came to, a fee or the fare.")
    ]
    lines: Annotated[list[BillLine], Meta(description="What `price_now` is made of.")]
    tax: Annotated[Amount, Meta(description="What of `price_now` is tax.")]
    paid: TaxiPaid
    currency_code: CurrencyCode
    surge: Annotated[float, Meta(description="By how much the price was raised; 1: it was not.")]
    payment_type: PaymentName
    payment_method_id: str
    comment: str
    pin: Annotated[
        str | None, Meta(description="Four digits to tell the driver before the start; null where none are needed.")
    ]
    free_waiting_until: Annotated[UnixSeconds | None, Meta(description="The driver waits: from then on waiting costs.")]
    allowed_actions: Annotated[list[TaxiActionName], Meta(description="What the rider can do now.")]
    cancel_fee: Annotated[Amount, Meta(description="What a cancel costs now; 0 where it is free or not possible.")]
    rating: Annotated[int | None, Meta(description="By the rider, 1 to 5.")]
    rating_comment: str | None


class TaxiScheduledInfo(msgspec.Struct, frozen=True, kw_only=True):
    """What is ordered for later, in short."""

    count: Annotated[int, Meta(description="How many trips for later there are.", examples=[1])]
    limit: Annotated[int, Meta(description="And how many there can be.", examples=[10])]
    next_ride_id: int | None
    next_at: UnixSeconds | None
    message: Annotated[str, Meta(examples=["Your next trip: 2026-12-24 at 14:45."])]


class TaxiRideAnswer(msgspec.Struct, frozen=True, kw_only=True):
    """A trip, and when to ask again."""

    ride: Annotated[TaxiRide | None, Meta(description="Null: none is under way.")]
    next_request_seconds: Annotated[
        int | None, Meta(description="Ask again after so long; null: nothing will change by itself.", examples=[5])
    ]
    scheduled_ride_info: Annotated[TaxiScheduledInfo | None, Meta(description="Null: nothing is ordered for later.")]


class TaxiRideStreamRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip."""

    ride_id: Annotated[Id | None, Meta(description="Null: the one that is under way.", examples=[7])] = None
    route_waypoints_required: Annotated[bool | None, Meta(description="Include all points of the route.")] = None
    user_id: UserId = None


class RateTaxiRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How it was."""

    ride_id: RideId
    comment: Annotated[
        Annotated[str, Meta(max_length=1000)] | None, Meta(description="In words.", examples=["A calm drive"])
    ] = None
    rating: Annotated[int, Meta(ge=1, le=5, description="5 is best.", examples=[5])]
    user_id: UserId = None


class TaxiRated(msgspec.Struct, frozen=True, kw_only=True):
    """It is kept."""

    status: _Status
    message: str


# -- Trips for later --------------------------------------------------------------------------------------------------


class ScheduledTaxiRidesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of whom."""

    user_id: UserId = None


class TaxiScheduledRides(msgspec.Struct, frozen=True, kw_only=True):
    """What is ordered for later."""

    scheduled_rides: Annotated[list[TaxiScheduledRide], Meta(description="The next one first.")]
    scheduled_ride_info: Annotated[TaxiScheduledInfo | None, Meta(description="Null: nothing is ordered for later.")]


class CancelScheduledTaxiRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip."""

    ride_id: RideId
    user_id: UserId = None


class TaxiScheduledCancelled(msgspec.Struct, frozen=True, kw_only=True):
    """It is done; what is ordered for later still."""

    status: _Status
    scheduled_ride_info: Annotated[TaxiScheduledInfo | None, Meta(description="Null: nothing is ordered for later.")]

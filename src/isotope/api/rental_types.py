"""Requests and answers of the section Rental: stations, models and prices, bookings.

The reference elides what is inside `available_zones`, `vehicle_models`, `rental` and `vehicle`; the names here are those
of its requests, continued. Dates are ISO 8601 by the operator's clock, with its offset; instants that something happened
at are Unix seconds; amounts are in the currency's unit with the tax in them.
"""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, UserId
from isotope.api.money_types import BillLine
from isotope.api.sharing_types import Coordinates, CurrencyCode, Polygon, UnixSeconds, ZoneWindow
from isotope.api.user_types import Amount
from isotope.domain.rental import ACCEPTED_DATES
from isotope.kernel.vehicle_types import VehicleType

LocalDate = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=40,
        description=f"{ACCEPTED_DATES[0].upper()}{ACCEPTED_DATES[1:]}.",
        examples=["2026-12-24 10:00"],
    ),
]
ShownDate = Annotated[str, Meta(examples=["2026-12-24T10:00:00+02:00"])]
Percent = Annotated[int, Meta(ge=0, le=100)]
BookingStatusName = Literal["AWAITING_PAYMENT", "UPCOMING", "ACTIVE", "ENDED", "CANCELLED", "NO_SHOW", "UNPAID"]
ActionName = Literal["PAY", "CANCEL", "PICK_UP", "UNLOCK", "LOCK", "EXTEND", "RETURN", "REPORT_DAMAGE"]
AddonKindName = Annotated[
    Literal["FIXED", "PER_DAY"], Meta(description="Once a booking, or for each started day.", examples=["PER_DAY"])
]
_ID_OF_STATION: str = "A station: `id` of `get-available-zones`."


# -- Stations ---------------------------------------------------------------------------------------------------------


class AvailableZonesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing: all stations."""


class RentalZone(msgspec.Struct, frozen=True, kw_only=True):
    """A station: where vehicles are picked up and brought back."""

    id: Annotated[int, Meta(description="For `pick_up_zone_id` and `return_zone_id`.")]
    title: Annotated[str, Meta(examples=["Helsinki, Eliel Square"])]
    coordinates: Annotated[Coordinates, Meta(description="Where a map has its pin.")]
    zone_area: Annotated[Polygon | None, Meta(description="Null for a circle.")]
    zone_radius: Annotated[float | None, Meta(description="Metres, for a circle around `coordinates`.")]
    address: str
    phone: str
    instructions: Annotated[str, Meta(description="How to find the vehicles.")]
    opening: Annotated[
        list[ZoneWindow], Meta(description="When bookings can begin and end, by the operator's clock; empty: always.")
    ]
    closed: Annotated[list[str], Meta(description="Days on which none begins or ends.", examples=[["2026-12-25"]])]
    lead_minutes: Annotated[int, Meta(description="A booking begins so long after now, at the earliest.")]
    advance_days: Annotated[int, Meta(description="And so long, at the latest.")]


class AvailableZones(msgspec.Struct, frozen=True, kw_only=True):
    """The operator's stations, and by which clock they are open."""

    available_zones: Annotated[list[RentalZone], Meta(description="By title.")]
    time_zone: Annotated[str, Meta(examples=["Europe/Helsinki"])]


# -- Models and prices ------------------------------------------------------------------------------------------------


class VehicleModelsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Where, and from when to when."""

    pick_up_zone_id: Annotated[Id, Meta(description=_ID_OF_STATION)]
    return_zone_id: Annotated[Id, Meta(description="The same as `pick_up_zone_id`.")]
    pick_up_date: LocalDate
    return_date: LocalDate
    show_exact_match: Annotated[
        bool,
        Meta(
            description="Only models that are free here for this time. Otherwise also when and where else the others are."
        ),
    ] = False


class RentalAddonOffer(msgspec.Struct, frozen=True, kw_only=True):
    """Something that can be rented along: `addon_ids` of `create-booking` takes its id."""

    id: int
    title: Annotated[str, Meta(examples=["Child seat"])]
    description: str
    price: Amount
    price_kind: AddonKindName
    total: Annotated[Amount, Meta(description="For this time.")]
    available: Annotated[int | None, Meta(description="How many are left for this time; null: no limit.")]


class RentalPackageOffer(msgspec.Struct, frozen=True, kw_only=True):
    """So many hours for one price: `pricing_package_id` of `create-booking` takes its id."""

    id: int
    title: Annotated[str, Meta(examples=["Weekend with 300 km"])]
    price: Amount
    hours: Annotated[int, Meta(description="That it covers; time beyond them costs what the rates say.")]
    included_km: Annotated[int | None, Meta(description="Of the whole booking; null: no limit.")]
    total: Annotated[Amount, Meta(description="What the booking costs with it.")]
    tax: Amount
    lines: list[BillLine]


class CancelRule(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling costs until some time before the start."""

    minutes_before: Annotated[int, Meta(description="Cancelled at least so long before the start.", examples=[1440])]
    fee_percent: Annotated[Percent, Meta(description="Of what was paid; later than the last rule: all of it.")]


class Alternative(msgspec.Struct, frozen=True, kw_only=True):
    """Where and when else a vehicle of the model can be had for as long."""

    pick_up_zone_id: int
    return_zone_id: int
    zone_title: str
    pick_up_date: ShownDate
    return_date: ShownDate
    total: Amount


class RentalModelOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A model, and what it costs for the time that was asked for."""

    id: Annotated[int, Meta(description="For `vehicle_model_id` of `create-booking`.")]
    title: Annotated[str, Meta(examples=["Eider"])]
    vehicle_type: VehicleType
    description: str
    picture_url: str | None
    pictures: list[str]
    seats: int
    doors: int | None
    luggage: Annotated[int | None, Meta(description="Pieces that fit.")]
    propulsion: Annotated[str, Meta(description="As in GBFS.", examples=["electric"])]
    transmission: Annotated[Literal["automatic", "manual", "none"], Meta(examples=["automatic"])]
    range_km: float | None
    available: Annotated[
        int, Meta(description="How many are free here for this time; 0 only where `show_exact_match` is off.")
    ]
    total: Annotated[Amount, Meta(description="Without package and add-ons.")]
    tax: Amount
    currency_code: CurrencyCode
    lines: list[BillLine]
    included_km: Annotated[int | None, Meta(description="Of the whole booking; null: no limit.")]
    extra_km_price: Annotated[Amount, Meta(description="For each kilometre beyond them.")]
    deposit: Annotated[Amount, Meta(description="Reserved at the pick-up.")]
    minimum_age: Annotated[int | None, Meta(description="At the start; null: any.")]
    licence_category: Annotated[str, Meta(description="Empty: none is asked for in particular.", examples=["B"])]
    cancellation: list[CancelRule]
    pricing_packages: list[RentalPackageOffer]
    addons: list[RentalAddonOffer]
    alternatives: Annotated[list[Alternative], Meta(description="Nearest first; empty where it is free as asked.")]


class VehicleModels(msgspec.Struct, frozen=True, kw_only=True):
    """What can be booked."""

    vehicle_models: Annotated[list[RentalModelOffer], Meta(description="Free ones first, the cheapest first.")]


# -- Bookings ---------------------------------------------------------------------------------------------------------


class CreateBookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is booked, and what pays. A model, or a vehicle of it."""

    pick_up_zone_id: Annotated[Id, Meta(description=_ID_OF_STATION)]
    return_zone_id: Annotated[Id, Meta(description="The same as `pick_up_zone_id`.")]
    pick_up_date: LocalDate
    return_date: LocalDate
    payment_method_id: Annotated[
        Annotated[str, Meta(max_length=128)] | None,
        Meta(description="From `get-user-payment-methods`; null: what was chosen for RENTAL.", examples=["wallet"]),
    ] = None
    vehicle_model_id: Annotated[Id | None, Meta(description="`id` of `get-vehicle-models`.")] = None
    addon_ids: Annotated[
        Annotated[list[Id], Meta(max_length=50)] | None, Meta(description="What is rented along, each once.")
    ] = None
    pricing_package_id: Annotated[Id | None, Meta(description="A package of the model that fits the time.")] = None
    fleet_id: Annotated[Id | None, Meta(description="Not used: an operator has one fleet.")] = None
    vehicle_id: Annotated[Id | None, Meta(description="This vehicle and no other.")] = None
    allow_to_create_booking_without_saved_card: Annotated[
        bool | None, Meta(description="Even where the operator asks for one.", extra={"secret_only": True})
    ] = None
    skip_wallet_check: Annotated[
        bool | None, Meta(description="Book in spite of debt.", extra={"secret_only": True})
    ] = None
    allow_user_to_go_in_debt: Annotated[
        bool | None, Meta(description="What is not paid is owed.", extra={"secret_only": True})
    ] = None
    user_id: UserId = None


class CancelBookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking."""

    booking_id: Annotated[Id, Meta(description="The booking by its id.")]
    user_id: UserId = None


class Cancelled(msgspec.Struct, frozen=True, kw_only=True):
    """What cancelling cost."""

    message: str
    fee: Annotated[Amount, Meta(description="What is kept of what was paid.")]
    refunded: Annotated[Amount, Meta(description="What goes back, the way it was paid.")]
    currency_code: CurrencyCode


class BookedAddon(msgspec.Struct, frozen=True, kw_only=True):
    """What is rented along, as agreed when it was booked."""

    id: int
    title: str
    price: Amount
    price_kind: AddonKindName


class BookingCharge(msgspec.Struct, frozen=True, kw_only=True):
    """Something that the booking was asked for: `total = bonus + balance + card + pending + debt`."""

    kind: Annotated[
        Literal["BOOKING", "EXTENSION", "SETTLEMENT", "CLAIM"],
        Meta(description="Its price; more time; what came up by the return; by staff, for damage and the like."),
    ]
    status: Literal["PENDING", "PAID", "FAILED"]
    lines: list[BillLine]
    total: Amount
    tax: Amount
    charged_bonus: Amount
    charged_balance: Amount
    charged_card: Amount
    pending: Annotated[Amount, Meta(description="What the card has not answered yet.")]
    debt: Amount
    refunded: Annotated[Amount, Meta(description="What was given back of it.")]
    at: UnixSeconds


class Deposit(msgspec.Struct, frozen=True, kw_only=True):
    """Money that is kept aside while the vehicle is out."""

    amount: Amount
    status: Literal["NONE", "DUE", "ASKED", "HELD", "REFUSED", "ENDING", "RELEASED", "CAPTURED"]
    kept: Annotated[Amount, Meta(description="What staff claimed of it.")]
    held_until: Annotated[UnixSeconds | None, Meta(description="Then it is let go; null: not known yet.")]


class Rental(msgspec.Struct, frozen=True, kw_only=True):
    """A booking."""

    booking_id: int
    booking_status: BookingStatusName
    outcome: Annotated[str | None, Meta(description="Why it is over, in one stable word.")]
    vehicle_model_id: int
    vehicle_model_title: str
    pick_up_zone_id: int
    return_zone_id: int
    zone_title: str
    zone_address: str
    zone_coordinates: Coordinates
    instructions: Annotated[str, Meta(description="How to find the vehicle.")]
    pick_up_date: ShownDate
    return_date: ShownDate
    pick_up_from: Annotated[ShownDate, Meta(description="From when it can be picked up.")]
    pick_up_until: Annotated[ShownDate, Meta(description="Not picked up by then, it is a no-show.")]
    time_zone: Annotated[str, Meta(examples=["Europe/Helsinki"])]
    requested_at: UnixSeconds
    pay_until: Annotated[UnixSeconds | None, Meta(description="AWAITING_PAYMENT: so long the vehicle is kept.")]
    redirect_url: Annotated[
        str | None, Meta(description="The bank's page, where the rider confirms the payment; null: nothing to confirm.")
    ]
    picked_up_at: UnixSeconds | None
    returned_at: UnixSeconds | None
    payment_method_id: str
    currency_code: CurrencyCode
    total: Annotated[Amount, Meta(description="What it costs by now, refunds taken off.")]
    charges: Annotated[list[BookingCharge], Meta(description="What it is made of, oldest first.")]
    refunded: Amount
    cancel_fee: Annotated[
        Amount | None, Meta(description="What `cancel-booking` would keep now; null: it cannot be cancelled any more.")
    ]
    allowed_actions: Annotated[
        list[ActionName], Meta(description="Calls that would do something now; PAY: the page at `redirect_url`.")
    ]
    cancellation: list[CancelRule]
    deposit: Deposit
    package_title: str | None
    addons: list[BookedAddon]
    included_km: Annotated[int | None, Meta(description="Null: no limit.")]
    extra_km_price: Amount
    distance_m: Annotated[int | None, Meta(description="Driven, by the odometer; null: not known.")]
    start_energy_percent: Percent | None
    end_energy_percent: Percent | None


class RentalVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle of a booking; until it is driven another one may take its place."""

    id: int
    nr: Annotated[str, Meta(examples=["1301"])]
    type: VehicleType
    model: Annotated[str, Meta(examples=["Eider"])]
    picture_url: str | None
    seats: int
    coordinates: Annotated[
        Coordinates | None, Meta(description="Where it is, from `pick_up_from` on until it is returned; else null.")
    ]
    battery_level: Annotated[
        Percent | None, Meta(description="Charge of the battery, or what is in the tank; null: not known.")
    ]


class BookingWithVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A booking and the vehicle that is kept for it."""

    rental: Rental
    vehicle: RentalVehicle


class UserBookingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which of a rider's bookings."""

    booking_status: Annotated[
        Literal["UPCOMING", "ENDED", "ACTIVE", "ALL"],
        Meta(description="UPCOMING has those that wait for a card; ENDED has cancelled ones and no-shows."),
    ]
    user_id: UserId = None


class UserBookings(msgspec.Struct, frozen=True, kw_only=True):
    """What starts last first; at most 200."""

    bookings: list[BookingWithVehicle]

"""Requests and answers of the section Sharing.

The reference elides what is inside `vehicles`, `pricing_data` and the like. The names below that real clients parse
are theirs; everything else is chosen so that an app needs nothing but these answers. Amounts are in the currency's
unit, exact JSON numbers; instants are Unix seconds; distances end in `_m`, speeds in `_kmh`.
"""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, Latitude, Longitude, UserId
from isotope.api.upload import Upload
from isotope.api.user_types import Amount, PaymentMethod
from isotope.domain.pricing import LINE_CODES
from isotope.kernel.vehicle_types import VehicleType

ZoneTypeName = Literal[
    "PARKING_ZONE",
    "PAID_PARKING_ZONE",
    "PARK_PLACE_ZONE",
    "NO_PARKING_ZONE",
    "NO_GO_ZONE",
    "SPEED_LIMIT_ZONE",
    "BONUS_ZONE",
]
UnixSeconds = Annotated[int, Meta(description="Unix time in seconds.", examples=[1767225600])]
CurrencyCode = Annotated[str, Meta(description="ISO 4217 code.", examples=["EUR"])]
_CODES = ", ".join(f"`{code}`" for code in LINE_CODES if code not in ("correction_", "tax"))
VehicleNumber = Annotated[str, Meta(min_length=1, max_length=64, examples=["1001"])]
ByVehicleId = Annotated[Id | None, Meta(description="The vehicle by its `id`.")]
ByVehicleNumber = Annotated[VehicleNumber | None, Meta(description="The vehicle by its printed number (`nr`).")]


class Coordinates(msgspec.Struct, frozen=True, kw_only=True):
    """A place on the globe."""

    latitude: Latitude
    longitude: Longitude


# -- Get sharing zones ----------------------------------------------------------------------------------------------


class ZonesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which zones; without any field all of the operator's."""

    ride_id: Annotated[
        Id | None, Meta(description="Only zones that concern the vehicle of this ride, which must be the caller's.")
    ] = None
    vehicle_id: Annotated[Id | None, Meta(description="Only zones that concern this vehicle.")] = None
    vehicle_types: Annotated[
        Annotated[list[Annotated[str, Meta(min_length=1, max_length=32)]], Meta(max_length=50)] | None,
        Meta(description="Only zones for one of these types; a type that nobody has matches nothing."),
    ] = None
    zone_types: Annotated[
        Annotated[list[ZoneTypeName], Meta(max_length=50)] | None, Meta(description="Only zones of these types.")
    ] = None


class Polygon(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON Polygon: rings of `[longitude, latitude]`, the first is the outline, the others are holes."""

    type: Literal["Polygon"]
    coordinates: list[list[tuple[float, float]]]


class ZoneWindow(msgspec.Struct, frozen=True, kw_only=True):
    """When a zone is in force, in the operator's local time.

    A window whose end is not after its start crosses midnight and belongs to the day on which it starts.
    """

    weekdays: Annotated[list[int], Meta(description="1 Monday to 7 Sunday.", examples=[[1, 2, 3, 4, 5]])]
    from_time: Annotated[str, Meta(description="HH:MM", examples=["07:00"])]
    to_time: Annotated[str, Meta(description="HH:MM, exclusive", examples=["19:00"])]


class Zone(msgspec.Struct, frozen=True, kw_only=True):
    """An area with a rule: a polygon (`zone_area`), or a circle (`zone_point` and `zone_radius`)."""

    zone_id: int
    zone_type: ZoneTypeName
    zone_title: Annotated[str, Meta(examples=['ID: 21675 "Central station" (Helsinki)'])]
    zone_color: Annotated[str, Meta(pattern="^[0-9A-F]{6}$", description="Hex without #.", examples=["21C378"])]
    zone_area: Annotated[Polygon | None, Meta(description="Null for a circle.")]
    zone_point: Annotated[Coordinates | None, Meta(description="Centre of a circle, else null.")] = None
    zone_radius: Annotated[float | None, Meta(description="Metres, for a circle, else null.")] = None
    zone_vehicle_types: Annotated[list[VehicleType], Meta(description="Types it concerns; empty: all.")]
    zone_speed_limit_kmh: Annotated[int | None, Meta(description="For SPEED_LIMIT_ZONE.")] = None
    zone_fee: Annotated[Amount | None, Meta(description="For PAID_PARKING_ZONE: what parking costs.")] = None
    zone_windows: Annotated[list[ZoneWindow], Meta(description="When it is in force; empty: always.")] = []


# -- Vehicles -------------------------------------------------------------------------------------------------------


class Addon(msgspec.Struct, frozen=True, kw_only=True):
    """Something extra that can be had with a vehicle: `addon_ids` of `start-ride` takes its id."""

    id: int
    title: Annotated[str, Meta(examples=["Helmet"])]
    price: Amount
    price_kind: Annotated[
        Literal["FIXED", "PER_MINUTE", "PER_KM"],
        Meta(description="Once a ride, or for each started riding minute or kilometre."),
    ]
    currency_code: CurrencyCode


class PriceSummary(msgspec.Struct, frozen=True, kw_only=True):
    """What a map pin shows of a price; `get-vehicle-pricing` has all of it."""

    unlock: Annotated[Amount, Meta(description="Once, at the start.")]
    per_minute: Annotated[Amount, Meta(description="The first minute that costs something.")]
    free_minutes: Annotated[int, Meta(description="Minutes at the start that cost nothing.")]
    pause_per_minute: Annotated[Amount, Meta(description="The first pause minute that costs something.")]
    currency_code: CurrencyCode


class Vehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle that can be ridden now, or is ridden by the caller or reserved for them."""

    id: Annotated[int, Meta(examples=[42])]
    nr: Annotated[str, Meta(description="The printed number.", examples=["1001"])]
    type: VehicleType
    coordinates: Coordinates
    battery_level: Annotated[int, Meta(ge=0, le=100, description="Per cent; 100 where there is no battery.")]
    is_active_ride: Annotated[bool, Meta(description="The caller rides it.")]
    is_paused: Annotated[bool, Meta(description="The caller's ride on it is paused.")]
    addons: Annotated[list[Addon], Meta(description="What can be had with it.")]
    active_ride_id: Annotated[int | None, Meta(description="The caller's ride on it.")] = None
    is_reserved: Annotated[bool, Meta(description="It is kept for the caller.")] = False
    reservation_id: Annotated[int | None, Meta(description="The caller's reservation of it.")] = None
    reserved_until: Annotated[int | None, Meta(description="When that ends, Unix seconds.")] = None
    model_id: int
    model_title: Annotated[str, Meta(examples=["City scooter"])]
    picture_url: str | None = None
    range_km: Annotated[float | None, Meta(description="How far the battery still goes; null if unknown.")] = None
    max_speed_kmh: float | None = None
    seats: int = 1
    pricing: PriceSummary
    commands: Annotated[
        list[str], Meta(description="What its rider can have it do during the ride.", examples=[["ring", "headlight"]])
    ]


# -- Get vehicles ---------------------------------------------------------------------------------------------------


class VehiclesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Around where."""

    user_longitude: Longitude
    user_latitude: Latitude
    radius_in_km: Annotated[
        int, Meta(ge=0, le=20_038, description="Beyond the operator's largest radius, that one is taken.", examples=[2])
    ]
    user_id: UserId = None


class Fleet(msgspec.Struct, frozen=True, kw_only=True):
    """Whose vehicles they are."""

    id: int
    name: Annotated[str, Meta(examples=["Isotope Helsinki"])]
    currency_code: CurrencyCode
    country_code: Annotated[str, Meta(description="ISO 3166 code.", examples=["FI"])]
    time_zone: Annotated[str, Meta(examples=["Europe/Helsinki"])]


class TypeCount(msgspec.Struct, frozen=True, kw_only=True):
    """How many vehicles of a type the answer has."""

    type: VehicleType
    count: int


class DockStation(msgspec.Struct, frozen=True, kw_only=True):
    """A station with docks."""

    id: int
    title: str
    coordinates: Coordinates


class VehicleCluster(msgspec.Struct, frozen=True, kw_only=True):
    """Vehicles that the answer has no room for, in one cell of a grid."""

    coordinates: Annotated[Coordinates, Meta(description="The middle of them.")]
    count: int
    types: list[TypeCount]


class Vehicles(msgspec.Struct, frozen=True, kw_only=True):
    """What a map shows. Vehicles on somebody else's ride, out of service, too empty or long silent are not in it."""

    vehicles: Annotated[
        list[Vehicle], Meta(description="Nearest first, what the caller rides or has reserved before all others.")
    ]
    fleets: list[Fleet]
    addons: Annotated[list[Addon], Meta(description="Every add-on of the vehicles in the answer, once.")]
    zone_update_timestamp: Annotated[
        int | None, Meta(description="When zones last changed, Unix seconds: time to ask `get-zones` again.")
    ]
    dock_stations: Annotated[list[DockStation], Meta(description="Empty: vehicles are free-floating.")] = []
    types: list[TypeCount]
    hidden_vehicles: Annotated[
        int, Meta(description="Vehicles in the radius that the answer leaves out because it has a largest size.")
    ] = 0
    clusters: Annotated[
        list[VehicleCluster],
        Meta(
            description="Where the hidden vehicles are, at most 196 places; their counts sum to `hidden_vehicles`. "
            "Empty where nothing is hidden."
        ),
    ] = []
    selected_payment_method: Annotated[
        PaymentMethod | None, Meta(description="What a ride is paid with unless told otherwise; null without a rider.")
    ] = None
    available_damage_report_vehicle_types: Annotated[
        list[VehicleType], Meta(description="Types for which a rider can report damage; empty: none.")
    ] = []
    vehicle_models_with_pricing_packages: Annotated[
        list[int], Meta(description="Ids of models for which a ride that starts now can take a package; empty: none.")
    ] = []
    active_vehicle_ids: Annotated[list[int], Meta(description="Vehicles that the caller rides now.")] = []
    message_title: Annotated[str | None, Meta(description="Something the rider must know first, such as debt.")] = None
    message_description: str | None = None
    night_mode: Annotated[bool | None, Meta(description="The service is closed for the night.")] = False
    user_location_outdated: Annotated[
        bool, Meta(description="Always false: the position in the request is taken as it is.")
    ] = False


# -- Rides ----------------------------------------------------------------------------------------------------------


class PriceLine(msgspec.Struct, frozen=True, kw_only=True):
    """One line of a bill."""

    code: Annotated[
        str,
        Meta(description=f"Stable: {_CODES}, `correction_...`, `tax`.", examples=["ride_minutes"]),
    ]
    text: Annotated[str, Meta(examples=["Riding minutes"])]
    quantity: int
    unit_price: Annotated[Amount, Meta(description="Below zero where something is taken off.")]
    amount: Annotated[Amount, Meta(description="`quantity` times `unit_price`.")]


class ActingZone(msgspec.Struct, frozen=True, kw_only=True):
    """The zone that slows the vehicle now, or has switched off its throttle."""

    reason: Literal["speed_limit_zone", "no_go_zone"]
    zone_id: int
    title: str
    limit_kmh: Annotated[int | None, Meta(description="The limit it asks for; null: the vehicle takes none.")]
    throttle_off: Annotated[bool, Meta(description="It must be pushed out of the zone.")]


class RideVehicle(msgspec.Struct, frozen=True, kw_only=True):
    """A vehicle with the caller's ride on it."""

    id: int
    nr: str
    type: VehicleType
    coordinates: Annotated[Coordinates | None, Meta(description="Null before the vehicle ever reported.")]
    battery_level: Annotated[int | None, Meta(description="Per cent; null before the vehicle ever reported.")]
    is_active_ride: bool = True
    is_paused: bool
    active_ride_id: int
    ride_status: Annotated[
        Literal["ACTIVE", "PAUSING", "PAUSED", "UNPAUSING", "ENDING"],
        Meta(description="Those in ING wait for the vehicle's word."),
    ]
    started_at: UnixSeconds
    ride_seconds: Annotated[int, Meta(description="Riding time so far, pauses left out.")]
    pause_seconds: int
    distance_m: Annotated[int | None, Meta(description="By the vehicle's odometer.")] = None
    price: Annotated[Amount, Meta(description="What it would cost if it ended now, tax included.")]
    price_lines: list[PriceLine]
    currency_code: CurrencyCode
    addons: Annotated[list[Addon], Meta(description="What was taken with it, at the price of the start.")]
    model_id: int
    model_title: str
    picture_url: str | None = None
    range_km: float | None = None
    max_speed_kmh: float | None = None
    commands: Annotated[list[str], Meta(description="What the rider can have it do.", examples=[["ring"]])]
    last_seen_at: UnixSeconds | None = None
    zone_effect: Annotated[
        ActingZone | None, Meta(description="The zone that acts on the vehicle now; null: none does.")
    ] = None


class StartRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicle: by id or by number."""

    vehicle_id: ByVehicleId = None
    vehicle_number: ByVehicleNumber = None
    user_longitude: Longitude
    user_latitude: Latitude
    addon_ids: Annotated[
        Annotated[list[Id], Meta(max_length=50)] | None, Meta(description="Of the vehicle's `addons`.", examples=[[1]])
    ] = None
    payment_method_id: Annotated[
        Annotated[str, Meta(max_length=128)] | None,
        Meta(description="Of `selected_payment_method` or `get-user-payment-methods`.", examples=["wallet"]),
    ] = None
    pricing_package_id: Annotated[
        Id | None, Meta(description="A package of `pricing_packages` of `get-vehicle-pricing`, for this ride.")
    ] = None
    user_id: UserId = None
    skip_wallet_check: Annotated[
        bool | None, Meta(description="Start even with too little in the wallet.", extra={"secret_only": True})
    ] = False
    skip_save_card_check: Annotated[
        bool | None, Meta(description="Start even without a saved card.", extra={"secret_only": True})
    ] = False
    skip_auto_topup: Annotated[
        bool | None, Meta(description="Do not top the wallet up during this ride.", extra={"secret_only": True})
    ] = False
    skip_auto_stop: Annotated[
        bool | None,
        Meta(description="Do not stop this ride when the money is used up.", extra={"secret_only": True}),
    ] = False


class StartedRide(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle said that it is unlocked, and the meter runs."""

    active_ride_id: int
    manual_locker_code: Annotated[str, Meta(description="Code of its mechanical lock; empty if it has none.")]
    vehicle: RideVehicle
    addons: Annotated[list[Addon], Meta(description="What was taken.")]
    max_allowed_vehicles_per_user: Annotated[
        int, Meta(description="How many vehicles of this type one rider may have at once, reserved ones included.")
    ]


class EndRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which ride: by its id, or by vehicle. With one ride running none need be named."""

    vehicle_id: ByVehicleId = None
    vehicle_number: ByVehicleNumber = None
    user_longitude: Longitude
    user_latitude: Latitude
    user_location_timestamp: Annotated[
        int,
        Meta(
            ge=0,
            le=253_402_300_799_999,
            description="When the position was fixed: Unix seconds (milliseconds are understood). "
            "A position that is too old is not used; the vehicle's own is.",
            examples=[1767225600],
        ),
    ]
    images: Annotated[
        Annotated[list[Upload], Meta(max_length=8)] | None,
        Meta(
            description="Pictures of the parked vehicle, all in fields of this name: JPEG, PNG or WebP by their content, "
            "at most 8 of 10 MiB each."
        ),
    ] = None
    user_id: UserId = None
    active_ride_id: Annotated[Id | None, Meta(description="The ride by its id.")] = None
    accepted_fine: Annotated[
        Decimal | None,
        Meta(
            description="End the ride for a fine where a call before was refused with `details.fine`: that amount or "
            "more. Only the fine that is in force is asked for; if it is higher by now, the call is refused anew.",
            examples=[25.0],
        ),
    ] = None


class PaymentInfo(msgspec.Struct, frozen=True, kw_only=True):
    """The bill, and what paid it.

    `total = charged_bonus + charged_balance + charged_card + pending + debt = net + tax`.
    """

    currency_code: CurrencyCode
    total: Amount
    net: Amount
    tax: Amount
    charged_bonus: Amount
    charged_balance: Amount
    charged_card: Amount
    pending: Annotated[
        Amount, Meta(description="What the card is still asked for; it becomes `charged_card` or `debt`.")
    ]
    debt: Annotated[Amount, Meta(description="What nothing was left for; refuses the next start until it is paid.")]
    lines: list[PriceLine]
    payment_method_id: Annotated[
        str,
        Meta(description="What paid when bonus and balance were used up: `wallet`, `card_12`.", examples=["card_12"]),
    ]
    started_at: UnixSeconds
    ended_at: UnixSeconds
    ride_seconds: int
    pause_seconds: int
    distance_m: int | None = None
    earned_bonus: Annotated[Amount, Meta(description="Bonus that was given for ending where it did, after this bill.")]


class EndedRide(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle is locked, the ride is paid or owed."""

    total_paid: Annotated[str, Meta(description="The total, as exact decimals.", examples=["2.60"])]
    payment_info: PaymentInfo
    active_ride_id: Annotated[int, Meta(description="The ride that ended.")]
    review_status: Annotated[
        Literal["IN_REVIEW"] | None,
        Meta(
            description="IN_REVIEW: staff look at how it ended, because a photo that was asked for is missing or shows "
            "nothing, or the vehicle did not say that it is locked. The price stays. null: nobody does."
        ),
    ]


class CurrentRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicles."""

    active_vehicle_id: Annotated[
        list[Id], Meta(max_length=50, description="Vehicles that are ridden; others are left out.", examples=[[42]])
    ]
    user_id: UserId = None


class CurrentRide(msgspec.Struct, frozen=True, kw_only=True):
    """Running rides; empty arrays if none of the vehicles is ridden by the rider."""

    addons: Annotated[list[Addon], Meta(description="What was taken with any of them.")]
    vehicles: list[RideVehicle]
    max_allowed_vehicles_per_user: int
    action_insufficient_funds: Annotated[
        Literal["ADD_MONEY", "WAIT_TOP_UP"] | None,
        Meta(
            description="ADD_MONEY: bonus and balance do not cover the rides that the wallet pays. WAIT_TOP_UP: nor do "
            "they, but money is on its way from a card. null otherwise."
        ),
    ] = None
    insufficient_funds_amount: Annotated[
        Amount | None,
        Meta(
            description="How much would be missing if the rides that the wallet pays ended now; null if nothing. "
            "What a card pays is never missing."
        ),
    ] = None
    payment_method_flow: Annotated[
        Literal["WALLET", "CARD"] | None,
        Meta(description="CARD: cards pay all of the rides; WALLET: the wallet pays some; null: none runs."),
    ] = None


class ByVehicleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which ride, by its vehicle. With one ride running none need be named."""

    vehicle_id: ByVehicleId = None
    vehicle_number: ByVehicleNumber = None
    user_id: UserId = None


class Done(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle confirmed it."""

    status: Annotated[int, Meta(description="1: done.", examples=[1])]
    message: str | None = None


class RingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicle."""

    vehicle_id: Id
    user_longitude: Longitude
    user_latitude: Latitude
    user_id: UserId = None


class Rung(msgspec.Struct, frozen=True, kw_only=True):
    """The vehicle rang, or why an app need not offer it."""

    status: Annotated[int, Meta(description="1: it rang. 0: it cannot ring.", examples=[1])]
    message: str | None = None
    ring_action_enabled: Annotated[bool | None, Meta(description="Whether vehicles of this model can ring.")] = None


class ActiveRidesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose."""

    user_id: UserId = None


class ActiveRides(msgspec.Struct, frozen=True, kw_only=True):
    """Running rides, oldest first."""

    user_id: int
    active_ride_ids: list[int]


# -- Prices ---------------------------------------------------------------------------------------------------------


class PricingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """By a vehicle or by a model."""

    vehicle_id: Annotated[Id | None, Meta(description="A vehicle.")] = None
    model_id: Annotated[Id | None, Meta(description="A model.")] = None
    user_id: UserId = None


class PricingText(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the price list, ready to be shown: a line that the bill can have."""

    code: Annotated[str, Meta(description=f"As on the bill: {_CODES}.", examples=["ride_minutes"])]
    text: Annotated[
        str,
        Meta(description="In the caller's language.", examples=["Riding, minutes 4 to 6, 0.20 EUR per minute"]),
    ]
    unit: Annotated[str, Meta(description="`once`, `minute` or `km`: what `price` is for.", examples=["minute"])]
    price: Annotated[
        Amount,
        Meta(
            description="Of `minimum`, `ride_cap` and `day_cap` the limit; 0 where `percent` or `included` counts.",
        ),
    ]
    percent: Annotated[int | None, Meta(description="Of surcharges and discounts in per cent.")] = None
    included: Annotated[
        int | None, Meta(description="How many minutes, kilometres or unlockings a package or subscription covers.")
    ] = None


class PricingTier(msgspec.Struct, frozen=True, kw_only=True):
    """Minutes `from_min` to `upto_min` (null: without end) cost `price` each, every started minute."""

    from_min: int
    upto_min: int | None
    price: Amount


class PricingKmTier(msgspec.Struct, frozen=True, kw_only=True):
    """Kilometres `from_km` to `upto_km` (null: without end) cost `price` each, every started kilometre."""

    from_km: int
    upto_km: int | None
    price: Amount


class PricingSurcharge(msgspec.Struct, frozen=True, kw_only=True):
    """Asked for on top, because of the time or of where the vehicle stands."""

    title: str
    percent: Annotated[int, Meta(description="Of unlocking, minutes, pauses and kilometres.")]
    amount: Annotated[Amount, Meta(description="Once.")]
    per_minute: Annotated[Amount, Meta(description="For each started riding minute.")]


class PricingDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller pays less: of the ride itself, not of add-ons, packages and fees."""

    kind: Literal["group", "promo"]
    title: str
    percent: int


class Included(msgspec.Struct, frozen=True, kw_only=True):
    """So much costs nothing more: of each the first that would cost something."""

    unlocks: int
    minutes: int
    pause_minutes: int
    km: int


class PricingSubscription(msgspec.Struct, frozen=True, kw_only=True):
    """The caller's subscription that the ride would use."""

    id: int
    title: str
    percent: Annotated[int, Meta(description="Off what the quota does not cover.")]
    left: Annotated[Included, Meta(description="What is left of its quota.")]


class PricingData(msgspec.Struct, frozen=True, kw_only=True):
    """The price list for programs."""

    model_id: int
    model_title: str
    vehicle_type: VehicleType
    currency_code: CurrencyCode
    unlock: Amount
    minute_tiers: list[PricingTier]
    pause_tiers: Annotated[list[PricingTier], Meta(description="Empty: a pause is free.")]
    km_tiers: Annotated[list[PricingKmTier], Meta(description="Empty: kilometres are free.")]
    minimum: Annotated[Amount, Meta(description="Least price of a ride without package or subscription.")]
    ride_cap: Annotated[Amount | None, Meta(description="Most that a ride itself costs; null: no limit.")]
    day_cap: Annotated[
        Amount | None,
        Meta(description="Most that the caller's rides at this price list cost in a day; null: no limit."),
    ]
    surcharges: Annotated[list[PricingSurcharge], Meta(description="In force now, where the vehicle stands.")]
    discounts: Annotated[list[PricingDiscount], Meta(description="The caller's.")]
    subscription: Annotated[PricingSubscription | None, Meta(description="The caller's; null: none for this ride.")]
    free_minutes_used: Annotated[
        int, Meta(description="Free minutes that the caller had on this vehicle just now; they do not come again.")
    ]
    regular_price: Annotated[
        Amount, Meta(description="Unlocking and the first minute that costs something, for anybody, now.")
    ]
    addons: list[Addon]
    tax_rate: Annotated[Decimal, Meta(description="A part of one.", examples=[0.255])]
    tax_inclusive: Annotated[bool, Meta(description="Prices contain the tax; else it is added at the end.")]


class PricingPackage(msgspec.Struct, frozen=True, kw_only=True):
    """Can be taken for one ride that begins now: its price is billed with the ride."""

    id: Annotated[int, Meta(description="`pricing_package_id` of `start-ride`.")]
    title: str
    price: Amount
    included: Included
    pricing: Annotated[list[PricingText], Meta(description="The lines that it adds to the price list.")]


class Pricing(msgspec.Struct, frozen=True, kw_only=True):
    """What a ride costs."""

    pricing: list[PricingText]
    pricing_data: PricingData
    additional_info: Annotated[str | None, Meta(description="All of `pricing`, and the tax, in a sentence.")] = None
    pricing_packages: Annotated[list[PricingPackage], Meta(description="Cheapest first. Empty: there are none.")] = []
    subscription_subaccount_id: Annotated[
        int | None, Meta(description="The caller's subscription that the ride would use; null: none.")
    ] = None
    subscription_available: Annotated[
        bool | None, Meta(description="Whether the caller has a subscription that the ride would use.")
    ] = False
    decreased_price: Annotated[
        Amount | None,
        Meta(
            description="What `regular_price` comes to with the caller's discounts and subscription; "
            "null: nothing makes it cheaper."
        ),
    ] = None


# -- Commands -------------------------------------------------------------------------------------------------------


class VehicleCommandsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of which vehicle."""

    vehicle_id: Id


class CommandValue(msgspec.Struct, frozen=True, kw_only=True):
    """What must stand in `value`; bounds are inclusive, of a string they bound its length."""

    type: Literal["boolean", "integer", "string"]
    min: int | None = None
    max: int | None = None
    enum: list[str] | None = None


class VehicleCommand(msgspec.Struct, frozen=True, kw_only=True):
    """A command that the vehicle understands, under one of its names."""

    command: Annotated[str, Meta(description="For `send-vehicle-commands`.", examples=["headlight"])]
    value_required: bool
    value: Annotated[CommandValue | None, Meta(description="Null: the command takes no value.")] = None
    staff_only: Annotated[bool, Meta(description="Only the secret key may send it.")]


class VehicleCommands(msgspec.Struct, frozen=True, kw_only=True):
    """What the caller may send to it."""

    commands: list[VehicleCommand]


class SendCommandsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """One command to one or many vehicles."""

    vehicle_ids: Annotated[list[Id], Meta(min_length=1, max_length=100, examples=[[42]])]
    command: Annotated[str, Meta(min_length=1, max_length=64, examples=["ring"])]
    value: Annotated[
        Annotated[str, Meta(max_length=256)] | None, Meta(description="Where the command takes one.", examples=["5"])
    ] = None


class CommandResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of it at one vehicle."""

    vehicle_id: int
    status: Annotated[
        str,
        Meta(
            description="DONE: the vehicle did it. FAILED, EXPIRED, REFUSED: it did not. "
            "SENT, ACKNOWLEDGED: it has not said yet.",
            examples=["DONE"],
        ),
    ]
    code: Annotated[str | None, Meta(description="Why not, in one stable word.")] = None


class CommandsSent(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the commands."""

    message: Annotated[str, Meta(examples=["Done by 1 of 1 vehicles."])]
    results: Annotated[list[CommandResult], Meta(description="One for each vehicle, in the order asked.")]

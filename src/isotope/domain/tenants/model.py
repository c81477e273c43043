"""Operators, their settings, their staff."""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from isotope.kernel.ids import OperatorId, StaffId, SubaccountId
from isotope.kernel.vehicle_types import VehicleType


class OtpSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Phone codes (domain rules, section Phone OTP)."""

    life_s: Annotated[int, Meta(ge=60, le=900, description="how long a code and its token live")] = 600
    resend_wait_s: Annotated[int, Meta(ge=1, le=600, description="wait before the next code to the same number")] = 60
    max_checks: Annotated[int, Meta(ge=1, le=10, description="wrong codes before the token dies")] = 5
    sends_per_number: Annotated[int, Meta(ge=1, description="codes to one number in `number_window_s`")] = 3
    number_window_s: Annotated[int, Meta(ge=60, le=86_400, description="the time that `sends_per_number` is for")] = 600
    # Mobile networks put hundreds of people behind one IPv4 address.
    sends_per_address: Annotated[int, Meta(ge=1, description="codes asked for by one IP address in an hour")] = 100
    sends_per_prefix: Annotated[int, Meta(ge=1, description="codes to one country prefix in an hour")] = 2_000
    allowed_prefixes: Annotated[tuple[str, ...], Meta(description="country prefixes that get codes; empty: all")] = ()


class RideSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Sharing rides."""

    max_vehicles_per_rider: Annotated[
        int, Meta(ge=1, le=20, description="rides that one rider may have open at once")
    ] = 5
    minimum_balance_minor: Annotated[
        int, Meta(ge=0, description="balance and bonus together that a start asks for")
    ] = 0
    bonus_only: Annotated[bool, Meta(description="a rider whose wallet has bonus and no money may start")] = True
    start_distance_m: Annotated[int, Meta(ge=1, description="how far from the vehicle a ride may be started")] = 200
    ring_distance_m: Annotated[int, Meta(ge=1, description="how far from the vehicle it may be rung")] = 500
    minimum_battery_pct: Annotated[int, Meta(ge=0, le=100, description="below it a vehicle cannot be started")] = 10
    silent_after_s: Annotated[int, Meta(ge=10, description="a vehicle not heard of for so long is hidden")] = 1_200
    unlock_wait_s: Annotated[int, Meta(ge=1, le=14, description="how long a start waits for the vehicle's word")] = 8
    moving_kmh: Annotated[float, Meta(ge=1, le=15, description="above it nothing that stops or locks is sent")] = 5.0
    phone_position_fresh_s: Annotated[
        int, Meta(ge=5, description="a phone position older than this is not used at the end")
    ] = 60
    max_radius_km: Annotated[int, Meta(ge=1, le=200, description="largest radius of get-vehicles that is served")] = 50
    max_by_type: Annotated[
        dict[VehicleType, Annotated[int, Meta(ge=1, le=20)]],
        Meta(description="vehicle type -> rides that one rider may have open at once on such vehicles"),
    ] = {}
    group_same_type: Annotated[bool, Meta(description="rides of one rider at once are on one type of vehicle")] = True
    gps_tolerance_m: Annotated[
        int, Meta(ge=0, le=200, description="so far off a border the rider is right: parking grows, forbidden shrinks")
    ] = 20
    apart_m: Annotated[
        int, Meta(ge=50, le=10_000, description="phone farther than this from a vehicle that is heard: end refused")
    ] = 200
    outside_fine_minor: (
        Annotated[
            int,
            Meta(
                ge=1,
                le=1_000_000_000,
                description="fine for which a ride may end outside parking zones; null: it may not",
            ),
        ]
        | None
    ) = None
    repark_grace_s: Annotated[
        int, Meta(ge=0, le=3_600, description="after a refused end, time to re-park that is not counted; 0: none")
    ] = 300
    repark_distance_m: Annotated[
        int, Meta(ge=0, le=10_000, description="ridden farther than this after it, the refused end is forgotten")
    ] = 500
    failed_ride_s: Annotated[int, Meta(ge=0, le=3_600, description="a ride as short as this may have failed")] = 180
    failed_ride_m: Annotated[
        int, Meta(ge=0, le=10_000, description="and has, if the vehicle moved less: free of charge; 0: never")
    ] = 100
    late_reports_s: Annotated[
        int, Meta(ge=0, le=86_400, description="wait for a vehicle's late reports before an ended ride is looked at")
    ] = 120
    rerent_min: Annotated[
        int, Meta(ge=0, le=1_440, description="the same vehicle taken again so soon has no new free minutes")
    ] = 10
    photo_required: Annotated[bool, Meta(description="a ride that ends without a photo is reviewed")] = False


# Amounts in settings: the bound keeps every sum far inside 64 bits.
_MOST_MINOR: Final = 1_000_000_000
AmountMinor = Annotated[int, Meta(ge=0, le=_MOST_MINOR)]


class ReservationSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Reservations before a ride (domain rules, section Sharing ride)."""

    minutes: Annotated[int, Meta(ge=0, le=1_440, description="how long a vehicle is kept; 0: none can be reserved")] = (
        15
    )
    extensions: Annotated[int, Meta(ge=0, le=20, description="how often it can be extended by as long again")] = 1
    distance_m: Annotated[int, Meta(ge=1, le=100_000, description="how far from the vehicle it may be reserved")] = (
        2_000
    )
    fee: Annotated[
        Literal["NONE", "FIXED", "PER_MINUTE"], Meta(description="what a reservation costs: nothing, once, a minute")
    ] = "NONE"
    fee_minor: AmountMinor = 0
    credit_on_unlock: Annotated[bool, Meta(description="a reservation that became a ride costs nothing")] = True
    cooldown_min: Annotated[
        int, Meta(ge=0, le=10_080, description="after an unused one, time until the next; 0: none")
    ] = 720


class AutoSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """When a ride is paused or ended by itself; ending only where rides may end, else staff are called."""

    pause_idle_min: Annotated[int, Meta(ge=1, le=1_440, description="stands so long: paused; null: never")] | None = (
        None
    )
    end_idle_min: Annotated[int, Meta(ge=1, le=10_080, description="stands so long: ended; null: never")] | None = 60
    battery_pct: (
        Annotated[int, Meta(ge=0, le=50, description="battery below it: ended where it stands; null: never")] | None
    ) = 3
    contact_lost_min: (
        Annotated[int, Meta(ge=1, le=10_080, description="not heard of for so long: staff are called; null: never")]
        | None
    ) = 30
    pause_max_min: (
        Annotated[int, Meta(ge=1, le=100_000, description="paused so long in all: ended; null: never")] | None
    ) = 120
    ride_max_min: Annotated[int, Meta(ge=1, le=100_000, description="so long in all: ended; null: never")] | None = (
        1_440
    )
    ghost_min: Annotated[
        int, Meta(ge=2, le=1_440, description="locked and unmoved ever since the start: ended free of charge")
    ] = 10


class ZoneEffectSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How speed-limit and no-go zones act on vehicles that are ridden (domain rules, section Sharing ride)."""

    act: Annotated[bool, Meta(description="speed-limit and no-go zones act on vehicles")] = True
    enter_m: Annotated[int, Meta(ge=0, le=200, description="so deep in a zone, a vehicle has entered it")] = 5
    leave_m: Annotated[int, Meta(ge=1, le=200, description="so far outside of it, it has left it")] = 10
    leave_s: Annotated[int, Meta(ge=1, le=3_600, description="or outside of it by less for so long")] = 20
    walking_kmh: Annotated[
        int,
        Meta(
            ge=3,
            le=10,
            description="in a no-go zone: speed limit (at least 7 is sent, less stops in traffic), and at most so fast the throttle is switched off",
        ),
    ] = 6
    tell_riders: Annotated[bool, Meta(description="a rider gets an SMS when a zone slows or stops the vehicle")] = False


class PaymentSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cards, debt, refunds (domain rules, section Wallet)."""

    card_required: Annotated[bool, Meta(description="a ride needs a saved card, where cards can be saved at all")] = (
        True
    )
    authorise_minor: Annotated[
        AmountMinor,
        Meta(
            description="least that is reserved on the card when a ride starts, more where it costs more as it begins; "
            "0: nothing; a model may say otherwise"
        ),
    ] = 1_000
    debt_after_min: Annotated[
        tuple[Annotated[int, Meta(ge=0, le=525_600)], ...],
        Meta(max_length=20, description="minutes after a debt arose at which a saved card is tried for it, rising"),
    ] = (0, 60, 1_440, 7_200, 14_400)
    top_up_minimum_minor: Annotated[int, Meta(ge=1, le=_MOST_MINOR, description="least amount of a top-up")] = 100
    top_up_maximum_minor: Annotated[int, Meta(ge=1, le=_MOST_MINOR, description="largest amount of a top-up")] = 50_000
    bonus_days: (
        Annotated[int, Meta(ge=1, le=3_650, description="days until given bonus expires; null: never")] | None
    ) = None
    auto_stop_minor: (
        Annotated[AmountMinor, Meta(description="money left at which a wallet-paid ride is stopped; null: never")]
        | None
    ) = None
    auto_stop_warn_minor: Annotated[
        AmountMinor, Meta(description="money left above that at which riders are warned")
    ] = 200
    auto_stop_kmh: Annotated[
        int,
        Meta(
            ge=3,
            le=25,
            description="speed limit of a vehicle that is to stop, until it stands; at least 7 is sent, less stops it in traffic",
        ),
    ] = 6
    support_refund_minor: Annotated[AmountMinor, Meta(description="most that the role support refunds of a ride")] = (
        2_000
    )
    fine_maximum_minor: Annotated[int, Meta(ge=1, le=_MOST_MINOR, description="largest fine")] = 20_000
    bonus_buys_subscriptions: Annotated[bool, Meta(description="bonus pays subscriptions too, before money")] = False
    return_urls: Annotated[
        tuple[Annotated[str, Meta(min_length=4, max_length=200)], ...],
        Meta(max_length=20, description="beginnings of addresses that riders may be sent to after the card page"),
    ] = ()
    provider_account: Annotated[
        str,
        Meta(max_length=100, description="the operator's account at the card provider (acct_...); empty: the only one"),
    ] = ""

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in pairwise(self.debt_after_min)):
            raise ValueError("debt_after_min must rise")
        if self.top_up_minimum_minor > self.top_up_maximum_minor:
            raise ValueError("top_up_minimum_minor is above top_up_maximum_minor")


class CodeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Promo and referral codes that riders type in: how many may be wrong before one has to wait."""

    tries_per_rider: Annotated[int, Meta(ge=1, le=1_000, description="wrong codes of one rider in `window_s`")] = 10
    # Mobile networks put hundreds of people behind one IPv4 address.
    tries_per_address: Annotated[int, Meta(ge=1, le=100_000, description="wrong codes from one IP address")] = 100
    window_s: Annotated[int, Meta(ge=60, le=86_400, description="the time that these are for")] = 3_600


class ReferralSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What riders get, as bonus, for bringing others. Both amounts 0: there are no referral codes."""

    referee_minor: Annotated[AmountMinor, Meta(description="for the new rider, at once")] = 0
    referrer_minor: Annotated[AmountMinor, Meta(description="for who brought them, after their first paid ride")] = 0
    most_per_rider: Annotated[int, Meta(ge=1, le=1_000_000, description="riders whom one rider can bring")] = 20

    @property
    def is_on(self) -> bool:
        return bool(self.referee_minor or self.referrer_minor)


class SubscriptionSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How subscriptions go on from period to period.

    Raises:
        ValueError: `retry_after_min` does not rise (as a ValidationError when converted).
    """

    retry_after_min: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=525_600)], ...],
        Meta(max_length=20, description="minutes after a period at which an unpaid renewal is tried again, rising"),
    ] = (60, 1_440, 4_320)
    notice_days: Annotated[
        int, Meta(ge=0, le=365, description="riders are told of a plan's new terms so long before they count")
    ] = 14

    def __post_init__(self) -> None:
        if any(later <= earlier for earlier, later in pairwise(self.retry_after_min)):
            raise ValueError("retry_after_min must rise")


class PrivacySettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is kept of where riders were, and how exactly it is shown."""

    route_days: Annotated[
        int, Meta(ge=0, le=3_650, description="days after a ride in which its route is shown; 0: never")
    ] = 60
    route_tolerance_m: Annotated[
        int, Meta(ge=0, le=1_000, description="a route is simplified: no place of it is farther off than this")
    ] = 10
    route_blur_m: Annotated[
        int, Meta(ge=0, le=1_000, description="its places are moved onto a grid of this width; 0: none")
    ] = 20
    route_hide_m: Annotated[
        int, Meta(ge=0, le=5_000, description="so much around its start and its end is left out; 0: nothing")
    ] = 0
    photo_days: Annotated[
        int, Meta(ge=1, le=3_650, description="days until pictures of rides, bookings and damage are deleted")
    ] = 180


Code = Annotated[str, Meta(pattern="^[a-z][a-z0-9_]{0,39}$")]


class FeedbackSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What riders say about rides and vehicles."""

    reasons: Annotated[
        tuple[Code, ...], Meta(max_length=50, description="codes of reasons that can be given with a rating")
    ] = ("vehicle", "brakes", "battery", "lock", "price", "parking", "app", "support")
    damage_categories: Annotated[
        tuple[Code, ...], Meta(min_length=1, max_length=50, description="codes of what can be damaged")
    ] = ("brakes", "tyres", "lights", "handlebar", "throttle", "lock", "battery", "frame", "dirty", "other")
    damage_reports_a_day: Annotated[
        int, Meta(ge=1, le=1_000, description="damage reports that one rider can send in 24 hours")
    ] = 10


class RentalSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Booking a vehicle for given dates (domain rules, section Rental booking). Prices are in `rental.yaml`.

    Raises:
        ValueError: a maximum below its minimum, reminders that do not fall (as a ValidationError when converted).
    """

    lead_min: Annotated[
        int, Meta(ge=0, le=43_200, description="a booking begins so long after now, at the earliest")
    ] = 120
    advance_days: Annotated[int, Meta(ge=1, le=730, description="and so long, at the latest")] = 90
    minimum_min: Annotated[int, Meta(ge=1, le=527_040, description="shortest booking")] = 60
    maximum_days: Annotated[int, Meta(ge=1, le=366, description="longest booking, extensions included")] = 30
    buffer_min: Annotated[
        int, Meta(ge=0, le=10_080, description="after a booking a vehicle is kept free for so long")
    ] = 30
    hold_min: Annotated[int, Meta(ge=1, le=120, description="so long an unpaid booking keeps its vehicle")] = 15
    early_pick_up_min: Annotated[
        int, Meta(ge=0, le=1_440, description="so long before its start a booking can be picked up")
    ] = 15
    prepare_min: Annotated[
        int,
        Meta(
            ge=0,
            le=10_080,
            description="so long before a booking its vehicle is taken off the map, and no ride starts on it",
        ),
    ] = 60
    unready_min: Annotated[
        int,
        Meta(
            ge=0,
            le=43_200,
            description="a vehicle that is charged or moved now is offered for bookings that begin later than this",
        ),
    ] = 360
    no_show_min: Annotated[
        int, Meta(ge=0, le=10_080, description="not picked up so long after its start: released")
    ] = 60
    late_grace_min: Annotated[int, Meta(ge=0, le=1_440, description="so late a return is not late")] = 15
    inspect_hours: Annotated[
        int, Meta(ge=0, le=720, description="after the return, time for staff to claim some of the deposit")
    ] = 24
    claim_maximum_minor: Annotated[
        int, Meta(ge=1, le=_MOST_MINOR, description="most that staff charge a booking for damage and such, at once")
    ] = 200_000
    remind_start_min: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=43_200)], ...],
        Meta(max_length=5, description="minutes before its start at which a rider is reminded, falling"),
    ] = (1_440, 60)
    remind_end_min: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=43_200)], ...],
        Meta(max_length=5, description="minutes before its end at which a rider is reminded, falling"),
    ] = (60,)
    card_required: Annotated[
        bool, Meta(description="a booking needs a saved card, where cards can be saved at all")
    ] = True
    photos_before: Annotated[int, Meta(ge=0, le=8, description="pictures that a pick-up needs")] = 0
    photos_after: Annotated[int, Meta(ge=0, le=8, description="pictures that a return needs")] = 0
    zone_tolerance_m: Annotated[
        int, Meta(ge=0, le=1_000, description="so far outside its station a vehicle counts as in it")
    ] = 50
    open_per_rider: Annotated[
        int, Meta(ge=1, le=100, description="bookings that a rider can have ahead and under way")
    ] = 5
    per_rider_in_30_days: Annotated[
        int, Meta(ge=1, le=1_000, description="bookings that a rider can make in any 30 days")
    ] = 30
    minimum_age: (
        Annotated[int, Meta(ge=14, le=99, description="of riders at the start; null: none. A model may ask for more")]
        | None
    ) = None
    licence_required: Annotated[
        bool, Meta(description="a rider's licence must have been seen, with the model's category, and not run out")
    ] = False

    def __post_init__(self) -> None:
        if self.minimum_min > self.maximum_days * 1_440:
            raise ValueError("minimum_min is above maximum_days")
        for name in ("remind_start_min", "remind_end_min"):
            if any(later >= earlier for earlier, later in pairwise(getattr(self, name))):
                raise ValueError(f"{name} must fall")


class ReceiptSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What stands on receipts."""

    legal_name: Annotated[str, Meta(max_length=200, description="empty: the operator's name")] = ""
    address: Annotated[str, Meta(max_length=500, description="lines parted by newlines")] = ""
    tax_number: Annotated[str, Meta(max_length=60, description="VAT or business id")] = ""
    email: Annotated[str, Meta(max_length=200)] = ""
    footer: Annotated[str, Meta(max_length=500)] = ""
    number_prefix: Annotated[
        str, Meta(pattern="^[A-Za-z0-9-]{0,20}$", description="before year and number: ISO-2026-000001")
    ] = ""


class SurgeSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Fares that rise where more riders ask than drivers are free. Shown as a line of its own, fixed in the quote."""

    is_on: Annotated[bool, Meta(description="whether fares are ever raised")] = False
    cell_m: Annotated[int, Meta(ge=200, le=20_000, description="side of a cell of the grid")] = 1_000
    from_requests_per_driver: Annotated[
        float, Meta(ge=0.1, le=10, description="fares rise above so many open requests for each free driver")
    ] = 1.0
    step: Annotated[float, Meta(ge=0.05, le=2, description="added to the factor for each request more per driver")] = (
        0.5
    )
    maximum: Annotated[float, Meta(ge=1, le=5, description="the factor is never higher")] = 2.0


class DispatchMode(StrEnum):
    """How trips find their driver.

    ASSIGNMENT  all open requests and free drivers together, so that all pick-ups together are soonest
    NEAREST     each request, oldest first, is offered to the nearest free driver
    BROADCAST   each request is offered to several near drivers at once; the first to accept has it
    MANUAL      a dispatcher assigns
    """

    ASSIGNMENT = "assignment"
    NEAREST = "nearest"
    BROADCAST = "broadcast"
    MANUAL = "manual"


class TaxiSettings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Taxi (domain rules, section Taxi). Classes and prices are in `taxi.yaml`.

    Raises:
        ValueError: a maximum below its minimum, reminders that do not fall (as a ValidationError when converted).
    """

    mode: Annotated[DispatchMode, Meta(description="how trips find their driver")] = DispatchMode.ASSIGNMENT
    quote_s: Annotated[int, Meta(ge=15, le=3_600, description="so long a price that was shown can be taken")] = 120
    place_s: Annotated[int, Meta(ge=60, le=86_400, description="so long a place that was suggested can be used")] = (
        3_600
    )
    offer_s: Annotated[int, Meta(ge=5, le=600, description="so long a driver has to answer")] = 30
    offers_per_driver: Annotated[int, Meta(ge=1, le=10, description="offers that a driver holds at once")] = 3
    broadcast_drivers: Annotated[int, Meta(ge=1, le=50, description="drivers asked at once in the mode broadcast")] = 10
    radius_m: Annotated[int, Meta(ge=100, le=50_000, description="drivers are looked for so near at first")] = 1_500
    radius_step_m: Annotated[
        int, Meta(ge=0, le=50_000, description="and so much farther each 10 seconds that nobody was found")
    ] = 1_000
    radius_maximum_m: Annotated[int, Meta(ge=100, le=200_000, description="but never farther")] = 8_000
    search_s: Annotated[int, Meta(ge=30, le=7_200, description="so long a driver is looked for")] = 300
    retry_s: Annotated[int, Meta(ge=0, le=3_600, description="and so much longer after a driver gave a trip up")] = 120
    reoffers: Annotated[int, Meta(ge=0, le=10, description="so often a trip is put back that its driver gave up")] = 1
    position_s: Annotated[int, Meta(ge=10, le=3_600, description="an older position of a driver does not count")] = 180
    heartbeat_s: Annotated[
        int, Meta(ge=10, le=3_600, description="a driver who was not heard of for so long has no connection")
    ] = 60
    arrive_m: Annotated[int, Meta(ge=10, le=5_000, description="arrived is said so near the pick-up")] = 100
    end_m: Annotated[
        int, Meta(ge=10, le=50_000, description="a trip that ends farther from its destination costs what was driven")
    ] = 500
    pin_required: Annotated[bool, Meta(description="the rider tells the driver four digits before the start")] = False
    no_show_s: Annotated[int, Meta(ge=60, le=3_600, description="a driver waits so long before a no-show")] = 300
    free_cancel_s: Annotated[
        int, Meta(ge=0, le=3_600, description="after the acceptance a rider cancels for nothing for so long")
    ] = 120
    late_cancel_s: Annotated[
        int, Meta(ge=0, le=7_200, description="and when the driver is later than was said by so much")
    ] = 300
    fare_distance_m: Annotated[
        int, Meta(ge=0, le=100_000, description="driven so much farther or less than quoted: the fare is made anew")
    ] = 700
    fare_distance_loop_m: Annotated[
        int, Meta(ge=0, le=100_000, description="the same where a trip ends where it was to end")
    ] = 1_200
    fare_time_s: Annotated[
        int, Meta(ge=0, le=86_400, description="so much longer or shorter than quoted: the fare is made anew")
    ] = 900
    commission_pct: Annotated[
        float, Meta(ge=0, le=100, description="what the operator keeps of a fare; a driver may have an own share")
    ] = 20.0
    cash: Annotated[bool, Meta(description="trips can be paid in cash")] = True
    driver_debt_minor: Annotated[
        int, Meta(ge=0, le=_MOST_MINOR, description="a driver who owes more takes no cash trips")
    ] = 10_000
    documents: Annotated[
        tuple[Annotated[str, Meta(pattern="^[a-z][a-z_]{1,40}$")], ...],
        Meta(
            max_length=20, description="documents that a driver must hold to work, each seen by staff and not run out"
        ),
    ] = ()
    scheduled: Annotated[bool, Meta(description="trips can be ordered for later")] = True
    schedule_lead_min: Annotated[int, Meta(ge=5, le=10_080, description="at the earliest so long from now")] = 30
    schedule_days: Annotated[int, Meta(ge=1, le=365, description="and at the latest so long")] = 30
    schedule_offer_min: Annotated[
        int, Meta(ge=5, le=10_080, description="so long before it a trip for later is offered to drivers")
    ] = 120
    schedule_search_min: Annotated[
        int, Meta(ge=5, le=1_440, description="without a promise, a driver is looked for so long before it")
    ] = 20
    schedule_free_cancel_min: Annotated[
        int, Meta(ge=0, le=10_080, description="a trip for later is cancelled for nothing until so long before it")
    ] = 60
    schedule_gap_min: Annotated[
        int, Meta(ge=0, le=1_440, description="between two promised trips of a driver lie so many minutes at least")
    ] = 30
    remind_min: Annotated[
        tuple[Annotated[int, Meta(ge=1, le=43_200)], ...],
        Meta(max_length=5, description="minutes before it at which rider and driver are reminded, falling"),
    ] = (60, 15)
    open_per_rider: Annotated[int, Meta(ge=1, le=20, description="trips that a rider has under way at once")] = 1
    scheduled_per_rider: Annotated[int, Meta(ge=1, le=100, description="trips for later of one rider")] = 10
    comment_length: Annotated[int, Meta(ge=0, le=1_000, description="longest comment for the driver")] = 200
    ratings_shown_from: Annotated[int, Meta(ge=1, le=1_000, description="an average is shown after so many")] = 5
    surge: SurgeSettings = SurgeSettings()

    def __post_init__(self) -> None:
        if self.radius_maximum_m < self.radius_m:
            raise ValueError("radius_maximum_m is below radius_m")
        if self.schedule_search_min > self.schedule_offer_min:
            raise ValueError("schedule_search_min is above schedule_offer_min")
        if list(self.remind_min) != sorted(set(self.remind_min), reverse=True):
            raise ValueError("remind_min does not fall")


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator decides; every default is the field's usual one."""

    otp: OtpSettings = OtpSettings()
    rides: RideSettings = RideSettings()
    reservations: ReservationSettings = ReservationSettings()
    auto: AutoSettings = AutoSettings()
    zone_effects: ZoneEffectSettings = ZoneEffectSettings()
    payments: PaymentSettings = PaymentSettings()
    codes: CodeSettings = CodeSettings()
    referrals: ReferralSettings = ReferralSettings()
    subscriptions: SubscriptionSettings = SubscriptionSettings()
    rentals: RentalSettings = RentalSettings()
    taxi: TaxiSettings = TaxiSettings()
    receipts: ReceiptSettings = ReceiptSettings()
    privacy: PrivacySettings = PrivacySettings()
    feedback: FeedbackSettings = FeedbackSettings()
    public_vehicles: Annotated[bool, Meta(description="get-vehicles answers with the public key alone")] = False
    country: Annotated[str, Meta(pattern="^[A-Z]{2}$", description="ISO 3166 code, for reading phone numbers")] = "FI"
    forms_per_address: Annotated[int, Meta(ge=1, description="form registrations from one IP address in an hour")] = 20
    rider_token_days: Annotated[int, Meta(ge=1, le=3650)] = 365
    staff_token_hours: Annotated[int, Meta(ge=1, le=72)] = 72
    deletion_days: Annotated[
        int, Meta(ge=0, le=365, description="days in which a soft deletion can be undone by login")
    ] = 30
    report_days: Annotated[int, Meta(ge=1, le=3650, description="how long vehicle reports are kept")] = 60
    support_text: Annotated[str, Meta(max_length=400, description="shown with refusals that support must solve")] = ""
    texts: Annotated[
        dict[str, dict[str, str]], Meta(description="language -> code of a text -> the operator's wording")
    ] = {}


class Operator(msgspec.Struct, frozen=True, kw_only=True):
    """A tenant."""

    id: OperatorId
    slug: str
    name: str
    currency: str
    time_zone: str
    languages: tuple[str, ...]
    settings: Settings


class Role(StrEnum):
    """What a member of staff may do."""

    OWNER = "owner"
    MANAGER = "manager"
    OPERATOR = "operator"
    SUPPORT = "support"
    READ_ONLY = "read_only"


class Staff(msgspec.Struct, frozen=True, kw_only=True):
    """A member of an operator's staff. Who has a `subaccount_id` sees nothing but what belongs to it."""

    operator_id: OperatorId
    id: StaffId
    email: str
    name: str
    role: Role
    subaccount_id: SubaccountId | None = None


class KeyKind(StrEnum):
    """The public key names the operator and is in every app; the secret key acts for it."""

    PUBLIC = "public"
    SECRET = "secret"  # noqa: S105 - the kind, not a key


class OperatorKey(msgspec.Struct, frozen=True, kw_only=True):
    """A key as it is stored: its SHA-256, its last four characters, and its end (None: works until rotated)."""

    kind: KeyKind
    key_hash: bytes
    hint: str
    expires_at: datetime | None


class CreatedOperator(msgspec.Struct, frozen=True, kw_only=True):
    """The only moment at which the keys are known: the store keeps hashes."""

    operator: Operator
    public_key: str
    secret_key: str


class StaffSession(msgspec.Struct, frozen=True, kw_only=True):
    """A dashboard login: the token is told once and stored hashed."""

    access_token: str
    expires_in_s: int
    operator_id: OperatorId
    staff: Staff


class LoginAttempts(msgspec.Struct, frozen=True, kw_only=True):
    """Logins tried with one address since the last right one, the one being tried included."""

    attempts: int
    last_at: datetime

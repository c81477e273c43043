"""Operators, their settings, their staff."""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from isotope.kernel.ids import OperatorId, StaffId
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
        int, Meta(ge=1, le=3_650, description="days until pictures of rides and damage are deleted")
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
    """A member of an operator's staff."""

    operator_id: OperatorId
    id: StaffId
    email: str
    name: str
    role: Role


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

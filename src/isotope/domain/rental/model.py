"""Rental: what can be booked for given dates, what it costs, and bookings as they are stored."""

from datetime import datetime
from enum import StrEnum
from itertools import pairwise
from typing import Annotated, Any, Final, Literal, NewType

import msgspec
from msgspec import Meta

from isotope.domain.pricing.model import Line, PriceMinor, TaxLine, TaxRate, rate_pct
from isotope.kernel.actor import Actor
from isotope.kernel.geo import Point
from isotope.kernel.ids import BookingId, CommandId, ModelId, OperatorId, RiderId, VehicleId
from isotope.kernel.time_windows import TimeWindow
from isotope.kernel.vehicle_types import VehicleType

StationId = NewType("StationId", int)
RentalTariffId = NewType("RentalTariffId", int)
RentalPackageId = NewType("RentalPackageId", int)
RentalAddonId = NewType("RentalAddonId", int)
ChargeId = NewType("ChargeId", int)
RefundId = NewType("RefundId", int)

Pct = Annotated[int, Meta(ge=0, le=100)]
IsoDate = Annotated[str, Meta(pattern=r"^\d{4}-\d{2}-\d{2}$", extra={"accepted": "a date such as 2026-12-24"})]
ModelRefs = Annotated[tuple[str, ...], Meta(max_length=500, description="refs of models; none: all that are rented")]


class StationSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a station is beside its place. This is also its JSON form in `rental_zone.spec`.

    Bookings start and end while it is open. Closed days can lie inside a booking. None of the lead times: the operator's.
    """

    address: Annotated[str, Meta(max_length=300)] = ""
    phone: Annotated[str, Meta(max_length=40)] = ""
    instructions: Annotated[str, Meta(max_length=1_000, description="how to find the vehicles; riders read it")] = ""
    opening: Annotated[
        tuple[TimeWindow, ...],
        Meta(max_length=50, description="when bookings can start and end, by the operator's clock; none: always"),
    ] = ()
    closed: Annotated[
        tuple[IsoDate, ...], Meta(max_length=1_000, description="days on which no booking starts or ends")
    ] = ()
    lead_min: Annotated[int, Meta(ge=0, le=43_200, description="null: the operator's")] | None = None
    advance_days: Annotated[int, Meta(ge=1, le=730, description="null: the operator's")] | None = None


class Station(msgspec.Struct, frozen=True, kw_only=True):
    """A rental zone: the place where bookings begin and end. A polygon (`area`, GeoJSON) or a circle around `point`."""

    operator_id: OperatorId
    id: StationId
    ref: str
    title: str
    point: Point
    area: dict[str, Any] | None
    radius_m: float | None
    spec: StationSpec


class Rates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What a started minute, hour, day, week, month costs; the cheapest combination that covers a booking is its price.

    Days, weeks and months are of the calendar at the operator's: from 10:00 to 10:00 is a day, also when clocks are
    changed in between. Hours and minutes are of the clock that never changes.

    Raises:
        ValueError: there is no rate (as a ValidationError when converted).
    """

    minute_minor: PriceMinor | None = None
    hour_minor: PriceMinor | None = None
    day_minor: PriceMinor | None = None
    week_minor: PriceMinor | None = None
    month_minor: PriceMinor | None = None

    def __post_init__(self) -> None:
        if all(getattr(self, name) is None for name in self.__struct_fields__):
            raise ValueError("rates: a rental costs something a minute, hour, day, week or month")


class CancelTier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Cancelled at least `before_min` before the start: `fee_pct` of the price is kept."""

    before_min: Annotated[int, Meta(ge=0, le=1_000_000, description="minutes before the start")]
    fee_pct: Pct


class RentalTariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator asks for rentals. This is also its JSON form in `rental_tariff.spec` and in `rental.yaml`.

    Raises:
        ValueError: cancellation tiers that do not fall, or that cost less the later it is.
    """

    rates: Rates
    tax_rate: TaxRate = "0"
    tax_inclusive: Annotated[bool, Meta(description="prices contain the tax; otherwise it is added")] = True
    included_km_per_day: (
        Annotated[int, Meta(ge=0, le=100_000, description="for each started day; null: kilometres are free")] | None
    ) = None
    km_minor: Annotated[PriceMinor, Meta(description="for each started kilometre beyond them")] = 0
    energy_tolerance_pct: Annotated[
        int, Meta(ge=0, le=100, description="points of tank or battery that may be missing at the return")
    ] = 10
    energy_pct_minor: Annotated[PriceMinor, Meta(description="for each point that is missing beyond them")] = 0
    energy_service_minor: Annotated[PriceMinor, Meta(description="once, if any are")] = 0
    deposit_minor: Annotated[
        PriceMinor, Meta(description="reserved on the card, or kept of the balance, at the pick-up")
    ] = 0
    late_pct: Annotated[
        int, Meta(ge=100, le=1_000, description="what late time costs, of what it costs by the rates")
    ] = 150
    late_fee_minor: Annotated[PriceMinor, Meta(description="once, for a late return")] = 0
    cancel: Annotated[
        tuple[CancelTier, ...],
        Meta(min_length=1, max_length=20, description="by falling before_min; later than the last: all of it is kept"),
    ] = (CancelTier(before_min=1_440, fee_pct=0), CancelTier(before_min=0, fee_pct=50))
    no_show_pct: Annotated[Pct, Meta(description="of the price that is kept when nobody comes")] = 100
    early_return_pct: Annotated[Pct, Meta(description="of the price of unused time that is given back")] = 0
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None

    def __post_init__(self) -> None:
        for earlier, later in pairwise(self.cancel):
            if later.before_min >= earlier.before_min:
                raise ValueError("cancel: before_min must fall from tier to tier")
            if later.fee_pct < earlier.fee_pct:
                raise ValueError("cancel: the fee must not fall the later it is")

    @property
    def tax_pct(self) -> str:
        """The rate for people: `25.5`."""
        return rate_pct(self.tax_rate)


class RentalPackageSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """So many hours for one price, such as a weekend. Time beyond them costs what the rates say.

    It is offered when the whole booking lies in one of its windows, which may be joined by others without a gap.
    """

    price_minor: PriceMinor
    hours: Annotated[int, Meta(ge=1, le=8_784, description="that it covers")]
    included_km: (
        Annotated[int, Meta(ge=0, le=1_000_000, description="for the whole booking; null: as the tariff says")] | None
    ) = None
    models: ModelRefs = ()
    windows: Annotated[
        tuple[TimeWindow, ...],
        Meta(max_length=50, description="in which the whole booking lies, by the operator's clock; none: always"),
    ] = ()


class AddonKind(StrEnum):
    """How often an add-on is charged: once a booking, or for each started day."""

    FIXED = "FIXED"
    PER_DAY = "PER_DAY"


class RentalAddonSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something that is rented along. This is also its JSON form in `rental_addon.spec`."""

    kind: AddonKind
    price_minor: PriceMinor
    description: Annotated[str, Meta(max_length=500)] = ""
    models: ModelRefs = ()
    tax_rate: Annotated[TaxRate, Meta(description="its own; null: the tariff's")] | None = None
    stock: (
        Annotated[int, Meta(ge=0, le=1_000_000, description="how many can be out at once; null: no limit")] | None
    ) = None


class RentalModelSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a renter is told of a model, and what it asks of them."""

    tariff: Annotated[str, Meta(max_length=64, description="its own tariff; empty: its type's, else the default")] = ""
    propulsion: Annotated[
        str,
        Meta(
            pattern="^(human|electric_assist|electric|combustion|combustion_diesel|hybrid|plug_in_hybrid|hydrogen_fuel_cell)$",
            description="propulsion_type of GBFS",
        ),
    ] = "electric"
    transmission: Literal["automatic", "manual", "none"] = "automatic"
    doors: Annotated[int, Meta(ge=0, le=10)] | None = None
    luggage: Annotated[int, Meta(ge=0, le=100, description="pieces that fit")] | None = None
    pictures: Annotated[
        tuple[Annotated[str, Meta(max_length=500)], ...], Meta(max_length=20, description="addresses")
    ] = ()
    minimum_age: Annotated[int, Meta(ge=14, le=99, description="null: the operator's")] | None = None
    licence_category: Annotated[str, Meta(max_length=5, description="such as B; empty: any licence does")] = ""
    minimum_energy_pct: Annotated[int, Meta(ge=0, le=100, description="below it none is handed out")] = 20
    deposit_minor: Annotated[PriceMinor, Meta(description="null: the tariff's")] | None = None


class StationDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A station as an operator describes it."""

    ref: str
    title: str
    point: Point
    area: dict[str, Any] | None = None
    radius_m: float | None = None
    spec: StationSpec = StationSpec()


class RentalTariffDraft(msgspec.Struct, frozen=True, kw_only=True):
    ref: str
    title: str
    spec: RentalTariff


class RentalPackageDraft(msgspec.Struct, frozen=True, kw_only=True):
    ref: str
    title: str
    spec: RentalPackageSpec


class RentalAddonDraft(msgspec.Struct, frozen=True, kw_only=True):
    ref: str
    title: str
    spec: RentalAddonSpec


class RentalModelDraft(msgspec.Struct, frozen=True, kw_only=True):
    """`tariff_ref` as the look-up over model, type and default found it."""

    model_ref: str
    tariff_ref: str
    spec: RentalModelSpec = RentalModelSpec()


class RentalPackage(msgspec.Struct, frozen=True, kw_only=True):
    operator_id: OperatorId
    id: RentalPackageId
    ref: str
    title: str
    spec: RentalPackageSpec


class RentalAddon(msgspec.Struct, frozen=True, kw_only=True):
    operator_id: OperatorId
    id: RentalAddonId
    ref: str
    title: str
    spec: RentalAddonSpec


class RentalModel(msgspec.Struct, frozen=True, kw_only=True):
    """A model that is rented, with its tariff."""

    operator_id: OperatorId
    id: ModelId
    ref: str
    title: str
    vehicle_type: VehicleType
    seats: int
    range_km: float | None
    picture_url: str | None
    description: str
    spec: RentalModelSpec
    tariff_id: RentalTariffId
    tariff_title: str
    tariff: RentalTariff

    @property
    def deposit_minor(self) -> int:
        return self.tariff.deposit_minor if self.spec.deposit_minor is None else self.spec.deposit_minor


class Interval(msgspec.Struct, frozen=True, order=True):
    """From an instant to another, the second not included."""

    start: datetime
    end: datetime


class AgreedRentalPackage(msgspec.Struct, frozen=True, kw_only=True):
    id: RentalPackageId
    title: str
    spec: RentalPackageSpec


class AgreedRentalAddon(msgspec.Struct, frozen=True, kw_only=True):
    id: RentalAddonId
    title: str
    spec: RentalAddonSpec


class BookingTerms(msgspec.Struct, frozen=True, kw_only=True):
    """What was agreed when it was booked; later changes of prices and settings do not touch a booking."""

    tariff_id: RentalTariffId
    tariff: RentalTariff
    time_zone: str
    package: AgreedRentalPackage | None = None
    addons: tuple[AgreedRentalAddon, ...] = ()
    deposit_minor: int = 0
    buffer_min: int = 0
    early_pick_up_min: int = 0
    no_show_min: int = 0
    late_grace_min: int = 0
    inspect_hours: int = 0
    prepare_min: int = 0
    remind_start_min: tuple[int, ...] = ()
    remind_end_min: tuple[int, ...] = ()
    # The operator's own system booked, and lets the rider owe the price.
    allow_debt: bool = False


class BookingPrice(msgspec.Struct, frozen=True, kw_only=True):
    """A price made up of lines, which sum to `total_minor`, as net and tax do. Where tax is added it is a line."""

    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    net_minor: int
    tax_minor: int
    total_minor: int


class BookingStatus(StrEnum):
    """Where a booking stands.

    AWAITING_PAYMENT  its vehicle is kept until `hold_until` while the card is asked
    UPCOMING  paid
    ACTIVE  picked up
    ENDED  brought back
    CANCELLED  by its rider or by staff
    NO_SHOW  nobody came
    UNPAID  the card said no, or nothing in time: as if it had never been
    """

    AWAITING_PAYMENT = "AWAITING_PAYMENT"
    UPCOMING = "UPCOMING"
    ACTIVE = "ACTIVE"
    ENDED = "ENDED"
    CANCELLED = "CANCELLED"
    NO_SHOW = "NO_SHOW"
    UNPAID = "UNPAID"


OPEN: Final = frozenset({BookingStatus.AWAITING_PAYMENT, BookingStatus.UPCOMING, BookingStatus.ACTIVE})


class OrderKind(StrEnum):
    """What was ordered of a booking's vehicle and not settled yet."""

    PICK_UP = "PICK_UP"
    RETURN = "RETURN"
    LOCK = "LOCK"
    UNLOCK = "UNLOCK"


class DepositStatus(StrEnum):
    """NONE: there is none. DUE: at the pick-up. ASKED, ENDING: the card's provider is asked. REFUSED by the card."""

    NONE = "NONE"
    DUE = "DUE"
    ASKED = "ASKED"
    HELD = "HELD"
    REFUSED = "REFUSED"
    ENDING = "ENDING"
    RELEASED = "RELEASED"
    CAPTURED = "CAPTURED"


class Booking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking as it is stored, without its events and charges. `zone_id` is where it begins and ends."""

    operator_id: OperatorId
    id: BookingId
    rider_id: RiderId
    vehicle_id: VehicleId
    model_id: ModelId
    zone_id: StationId
    status: BookingStatus
    starts_at: datetime
    ends_at: datetime
    currency: str
    terms: BookingTerms
    payment_method_id: str
    requested_at: datetime
    hold_until: datetime | None = None
    confirmed_at: datetime | None = None
    picked_up_at: datetime | None = None
    returned_at: datetime | None = None
    closed_at: datetime | None = None
    outcome: str | None = None
    order_kind: OrderKind | None = None
    command_id: CommandId | None = None
    ordered_at: datetime | None = None
    start_odometer_m: int | None = None
    end_odometer_m: int | None = None
    start_energy_pct: int | None = None
    end_energy_pct: int | None = None
    end: Point | None = None
    lock_confirmed: bool | None = None
    lock_refused_at: datetime | None = None
    deposit_minor: int = 0
    deposit_status: DepositStatus = DepositStatus.NONE
    deposit_captured_minor: int = 0
    inspect_until: datetime | None = None
    told: tuple[str, ...] = ()
    next_at: datetime | None = None

    @property
    def holder(self) -> str:
        """What `vehicle.held_by` and `vehicle_slot.holder` say of it."""
        return f"booking:{self.id}"

    @property
    def deposit_cause(self) -> str:
        """The cause of the payment that reserves its deposit, and of what the ledger says of that."""
        return f"deposit:{self.id}"

    @property
    def interval(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)

    @property
    def is_open(self) -> bool:
        return self.status in OPEN


class BookingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """One thing that happened, in the order of `nr`; `kind` is one stable word."""

    nr: int
    kind: str
    at: datetime
    actor: Actor
    data: dict[str, Any] = {}


class ChargeKind(StrEnum):
    """BOOKING: its price. EXTENSION: more time. SETTLEMENT: what came up by its end. CLAIM: by staff, for damage and such.

    The first two are bought: what the card does not pay is given back. The others are owed.
    """

    BOOKING = "BOOKING"
    EXTENSION = "EXTENSION"
    SETTLEMENT = "SETTLEMENT"
    CLAIM = "CLAIM"


class ChargeStatus(StrEnum):
    """PENDING: a card is being asked."""

    PENDING = "PENDING"
    PAID = "PAID"
    FAILED = "FAILED"


class BookingCharge(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a booking was asked for, with what paid it."""

    operator_id: OperatorId
    id: ChargeId
    booking_id: BookingId
    kind: ChargeKind
    status: ChargeStatus
    currency: str
    lines: tuple[Line, ...]
    taxes: tuple[TaxLine, ...]
    total_minor: int
    tax_minor: int
    charged_bonus_minor: int
    charged_balance_minor: int
    charged_card_minor: int
    card_pending_minor: int
    debt_minor: int
    ends_at: datetime | None
    ended_at_before: datetime | None
    code: str | None
    reason: str | None
    actor: Actor
    key: str | None
    opened_at: datetime
    settled_at: datetime | None

    @property
    def cause(self) -> str:
        """What ledger, payments and receipts call it."""
        return f"booking_charge:{self.id}"


class RefundKind(StrEnum):
    """Why something was given back. TOO_LATE: the card paid when the booking was given up already."""

    CANCELLED = "CANCELLED"
    EARLY_RETURN = "EARLY_RETURN"
    STAFF = "STAFF"
    TOO_LATE = "TOO_LATE"


class BookingRefund(msgspec.Struct, frozen=True, kw_only=True):
    """What of a charge was given back, and where it went. `*_minor` without `to_` say which parts of what had paid it."""

    operator_id: OperatorId
    id: RefundId
    booking_id: BookingId
    charge_id: ChargeId
    kind: RefundKind
    amount_minor: int
    taxes: tuple[TaxLine, ...]
    bonus_minor: int
    balance_minor: int
    card_minor: int
    debt_minor: int
    to_bonus_minor: int
    to_balance_minor: int
    to_debt_minor: int
    to_card_minor: int
    card_pending_minor: int
    reason: str
    actor: Actor
    key: str | None
    at: datetime

    @property
    def cause(self) -> str:
        return f"booking_refund:{self.id}"

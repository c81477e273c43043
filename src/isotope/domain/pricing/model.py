"""What a ride costs: tariffs as they are provisioned, usage as it was metered, bills as they are printed."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import combinations, pairwise
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from isotope.kernel.time_windows import TimeWindow

# A price for one unit, in minor units; the bound keeps every bill far inside 64 bits.
PriceMinor = Annotated[int, Meta(ge=0, le=1_000_000_000)]


TaxRate = Annotated[
    str, Meta(pattern=r"^(0(\.[0-9]{1,6})?|1(\.0{1,6})?)$", description='a part of one, in quotes: "0.255"')
]


class Tier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The minutes after the tier before it, up to and including minute `upto_min` (null: without end)."""

    upto_min: Annotated[int, Meta(ge=1, le=10_000_000)] | None = None
    price_minor: Annotated[PriceMinor, Meta(description="for each started minute within the tier")]


Tiers = Annotated[tuple[Tier, ...], Meta(max_length=50)]


class KmTier(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The kilometres after the tier before it, up to and including kilometre `upto_km` (null: without end)."""

    upto_km: Annotated[int, Meta(ge=1, le=1_000_000)] | None = None
    price_minor: Annotated[PriceMinor, Meta(description="for each started kilometre within the tier")]


KmTiers = Annotated[tuple[KmTier, ...], Meta(max_length=50)]
Pct = Annotated[int, Meta(ge=0, le=100)]


class Surcharge(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Asked on top of a ride that starts at such a time and place. Decided at the start, and told before it.

    Raises:
        ValueError: it asks for nothing (as a ValidationError when converted).
    """

    title: Annotated[str, Meta(min_length=1, max_length=120, description="what riders read")]
    windows: Annotated[tuple[TimeWindow, ...], Meta(max_length=50, description="none: always")] = ()
    zones: Annotated[
        tuple[str, ...], Meta(max_length=500, description="refs of zones in which the vehicle stands; none: anywhere")
    ] = ()
    pct: Annotated[int, Meta(ge=0, le=500, description="of unlocking, minutes, pauses and kilometres")] = 0
    amount_minor: Annotated[PriceMinor, Meta(description="once a ride")] = 0
    per_minute_minor: Annotated[PriceMinor, Meta(description="for each started riding minute")] = 0

    def __post_init__(self) -> None:
        if not (self.pct or self.amount_minor or self.per_minute_minor):
            raise ValueError("a surcharge asks for something: pct, amount_minor or per_minute_minor")


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator asks for a ride. This is also its JSON form in `tariff.spec` and in `pricing.yaml`.

    Raises:
        ValueError: tiers that do not rise or do not end with an open one, a minimum above a limit, a ride's limit
            above a day's (as a ValidationError when converted).
    """

    unlock_minor: PriceMinor = 0
    minute_tiers: Annotated[Tiers, Meta(min_length=1, description="riding minutes")]
    pause_tiers: Annotated[Tiers, Meta(description="pause minutes; empty: a pause is free")] = ()
    km_tiers: Annotated[KmTiers, Meta(description="kilometres; empty: they are free")] = ()
    minimum_minor: Annotated[PriceMinor, Meta(description="least price of a ride without package or subscription")] = 0
    ride_cap_minor: Annotated[PriceMinor, Meta(description="most that a ride itself costs; null: no limit")] | None = (
        None
    )
    day_cap_minor: (
        Annotated[
            PriceMinor,
            Meta(description="most that a rider's rides of this tariff cost in a day of the operator; null: no limit"),
        ]
        | None
    ) = None
    surcharges: Annotated[tuple[Surcharge, ...], Meta(max_length=50, description="all that fit are added")] = ()
    tax_rate: TaxRate = "0"
    tax_inclusive: Annotated[bool, Meta(description="prices contain the tax; otherwise it is added")] = True
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None

    def __post_init__(self) -> None:
        bounds = {
            "minute_tiers": ("upto_min", [tier.upto_min for tier in self.minute_tiers]),
            "pause_tiers": ("upto_min", [tier.upto_min for tier in self.pause_tiers]),
            "km_tiers": ("upto_km", [tier.upto_km for tier in self.km_tiers]),
        }
        for name, (field, upto) in bounds.items():
            fault = _tiers_fault(field, upto)
            if fault:
                raise ValueError(f"{name}: {fault}")
        limits = ("minimum_minor", "ride_cap_minor", "day_cap_minor")
        for low, high in combinations(limits, 2):
            least, most = getattr(self, low), getattr(self, high)
            if least is not None and most is not None and least > most:
                raise ValueError(f"{high}: {most} is less than {low}, {least}")

    @property
    def tax(self) -> Fraction:
        """The rate as an exact number, 0 to 1."""
        return Fraction(self.tax_rate)

    @property
    def tax_pct(self) -> str:
        """The rate for people: `25.5`."""
        return rate_pct(self.tax_rate)


def rate_pct(rate: str) -> str:
    """A rate for people: `0.255` is `25.5`."""
    return f"{(Decimal(rate) * 100).normalize():f}"


def _tiers_fault(field: str, upto: list[int | None]) -> str | None:
    if not upto:
        return None
    if upto[-1] is not None:
        return f"the last tier must be open ({field} null), or a long ride would have no price"
    bounds = upto[:-1]
    if None in bounds:
        return f"only the last tier may be open ({field} null)"
    if any(later <= earlier for earlier, later in pairwise(bound for bound in bounds if bound is not None)):
        return f"{field} must rise from tier to tier"
    return None


class AddonKind(StrEnum):
    """How often an add-on is charged."""

    FIXED = "FIXED"
    PER_MINUTE = "PER_MINUTE"
    PER_KM = "PER_KM"


class AddonPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something extra that is taken along: once a ride, or for every riding minute (pauses are free) or kilometre."""

    kind: AddonKind
    price_minor: PriceMinor
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    tax_rate: Annotated[TaxRate, Meta(description="its own; null: the tariff's")] | None = None
    stock: (
        Annotated[int, Meta(ge=0, le=1_000_000, description="how many can be out at once; null: no limit")] | None
    ) = None


class Quota(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What is included: so many unlockings, riding minutes, pause minutes and kilometres that cost nothing more."""

    unlocks: Annotated[int, Meta(ge=0, le=1_000_000)] = 0
    ride_min: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    pause_min: Annotated[int, Meta(ge=0, le=10_000_000)] = 0
    km: Annotated[int, Meta(ge=0, le=1_000_000)] = 0


class AppliedSurcharge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A surcharge that was in force where and when a ride began."""

    title: str
    pct: int = 0
    amount_minor: int = 0
    per_minute_minor: int = 0


class AgreedPackage(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A package that was taken for one ride: its price is billed with the ride, its quota is free."""

    id: int
    title: str
    price_minor: int
    quota: Quota
    tax_rate: str | None = None


class AgreedSubscription(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The rider's subscription: what is left of its quota is known when a bill is made (`AtEnd.quota_left`)."""

    id: int
    title: str
    pct: int = 0


class Discount(msgspec.Struct, frozen=True, kw_only=True):
    """Per cent off the ride price (not off add-ons, packages, zone charges). `id` is the group's or the claim's."""

    kind: Literal["group", "promo"]
    id: int
    title: str
    pct: int


class ReservationFee(msgspec.Struct, frozen=True, kw_only=True):
    """The reservation that this ride began from: what it cost, and whether that is credited because it was used."""

    id: int
    minutes: int
    amount_minor: int
    credited: bool


class ZoneCharge(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Asked for where a ride ended. `tax_rate` None: the tariff's; a fine bears none ("0")."""

    code: Literal["paid_parking", "parking_fine"]
    title: str
    amount_minor: int
    tax_rate: str | None = None


class Agreed(msgspec.Struct, frozen=True, kw_only=True):
    """All that a price depends on and that is known when a ride begins.

    `free_minutes_used` were ridden on the same vehicle just before: they do not come again.
    """

    tariff: Tariff
    addons: tuple[AddonPrice, ...] = ()
    surcharges: tuple[AppliedSurcharge, ...] = ()
    package: AgreedPackage | None = None
    subscription: AgreedSubscription | None = None
    discounts: tuple[Discount, ...] = ()
    free_minutes_used: int = 0
    reservation: ReservationFee | None = None


class UsageKind(StrEnum):
    """What moves the meter."""

    STARTED = "STARTED"
    PAUSED = "PAUSED"
    RESUMED = "RESUMED"
    ENDED = "ENDED"


class UsageEvent(msgspec.Struct, frozen=True):
    """Something that happened to a ride. Kinds that are no `UsageKind` leave the meter as it is."""

    kind: str
    at: datetime


class Usage(msgspec.Struct, frozen=True, kw_only=True):
    """Whole seconds ridden and paused, each the sum over the ride, and metres ridden."""

    ride_s: int
    pause_s: int
    distance_m: int = 0


class Correction(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Why not all that was metered is asked for: the bill shows all, and a line that takes off what is not.

    `code`: `repark_grace`, `lock_not_confirmed`, `failed_ride`, `late_report`, ... (text `line_correction_<code>`).
    `counted` is what is asked for, in no part more than was metered; None: the ride is free of charge, zone charges,
    package and reservation included.
    """

    code: str
    counted: Usage | None = None


class AtEnd(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a price depends on beside the agreement and the usage; for a running ride, as it is now.

    Attributes:
        zone_charges: of the place where the ride ended.
        quota_left: of the agreed subscription, before this ride.
        spent_today_minor: what the rider's other rides of the tariff cost that day, for the day's cap.
        correction: what is not asked for.
    """

    zone_charges: tuple[ZoneCharge, ...] = ()
    quota_left: Quota = Quota()
    spent_today_minor: int = 0
    correction: Correction | None = None


# Rides know the first three; rentals all.
Unit = Literal["once", "minute", "km", "hour", "day", "week", "month", "pct"]

# What lines of a ride's bill are called, in the bill's order; corrections are `correction_` and their own code.
LINE_CODES: Final = (
    "package",
    "unlock",
    "ride_minutes",
    "pause_minutes",
    "km",
    "surcharge_pct",
    "surcharge_fixed",
    "surcharge_minutes",
    "package_unlock",
    "package_minutes",
    "package_pause_minutes",
    "package_km",
    "subscription_unlock",
    "subscription_minutes",
    "subscription_pause_minutes",
    "subscription_km",
    "subscription_discount",
    "minimum",
    "group_discount",
    "promo_discount",
    "ride_cap",
    "day_cap",
    "addon_fixed",
    "addon_minutes",
    "addon_km",
    "reservation_fee",
    "reservation_credit",
    "paid_parking",
    "parking_fine",
    "correction_",
    "tax",
)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a receipt: `quantity * unit_price_minor == amount_minor`.

    `code` is stable and for programs (`LINE_CODES`), `text` is for people. `tax_rate` is what the amount is taxed with;
    None for the tax itself, and for lines that were stored before rates stood on them. `params` are the titles and
    numbers in the text, so that it can be said in another language (`line_text`).
    """

    code: str
    text: str
    unit: Unit = "once"
    quantity: int
    unit_price_minor: int
    amount_minor: int
    tax_rate: str | None = None
    params: dict[str, str | int] = {}


class TaxLine(msgspec.Struct, frozen=True, kw_only=True):
    """What was taxed with one rate: `net_minor + tax_minor == gross_minor`."""

    rate: str
    net_minor: int
    tax_minor: int
    gross_minor: int

    @property
    def pct(self) -> str:
        """The rate for people: `25.5`."""
        return rate_pct(self.rate)


class Bill(msgspec.Struct, frozen=True, kw_only=True):
    """The price of a ride. The lines sum to `total_minor`, and so do net and tax.

    Where prices contain the tax it has no line of its own. `taxes` has each rate once, rising; its columns sum to net,
    tax and total.
    """

    lines: tuple[Line, ...]
    net_minor: int
    tax_minor: int
    total_minor: int
    taxes: tuple[TaxLine, ...] = ()
    # The ride price itself after discounts, caps and correction: what counts for the day's cap and a bonus zone.
    ride_minor: int = 0
    # What of the subscription's quota the ride used.
    quota_used: Quota = Quota()


class QuoteItem(msgspec.Struct, frozen=True, kw_only=True):
    """A line that a bill can have, with the code that it has there.

    Attributes:
        price_minor: of a unit; of `minimum` and caps the limit; 0 where `pct` or `included` says what a line comes to.
        from_nr: the price is for the minutes or kilometres from this one on,
        upto_nr: up to and including this one (None: without end).
        pct: per cent, more or less.
        included: how many units a quota covers.
    """

    code: str
    text: str
    unit: Unit
    price_minor: int
    from_nr: int | None = None
    upto_nr: int | None = None
    pct: int | None = None
    included: int | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff, told before the ride: `text` for people, the rest for programs."""

    text: str
    items: tuple[QuoteItem, ...]
    currency: str
    tax_rate: str
    tax_inclusive: bool

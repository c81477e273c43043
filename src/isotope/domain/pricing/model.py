"""What a ride costs: tariffs as they are provisioned, usage as it was metered, bills as they are printed."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import pairwise
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

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


class Tariff(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What an operator asks for a ride. This is also its JSON form in `tariff.spec` and in `pricing.yaml`.

    Raises:
        ValueError: tiers that do not rise or do not end with an open one (as a ValidationError when converted).
    """

    unlock_minor: PriceMinor = 0
    minute_tiers: Annotated[Tiers, Meta(min_length=1, description="riding minutes")]
    pause_tiers: Annotated[Tiers, Meta(description="pause minutes; empty: a pause is free")] = ()
    tax_rate: TaxRate = "0"
    tax_inclusive: Annotated[bool, Meta(description="prices contain the tax; otherwise it is added")] = True
    currency: Annotated[str, Meta(pattern="^[A-Z]{3}$")] | None = None

    def __post_init__(self) -> None:
        for name, tiers in (("minute_tiers", self.minute_tiers), ("pause_tiers", self.pause_tiers)):
            fault = _tiers_fault(tiers)
            if fault:
                raise ValueError(f"{name}: {fault}")

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


def _tiers_fault(tiers: tuple[Tier, ...]) -> str | None:
    if not tiers:
        return None
    if tiers[-1].upto_min is not None:
        return "the last tier must be open (upto_min null), or a long ride would have no price"
    bounds = [tier.upto_min for tier in tiers[:-1]]
    if None in bounds:
        return "only the last tier may be open (upto_min null)"
    if any(later <= earlier for earlier, later in pairwise(bound for bound in bounds if bound is not None)):
        return "upto_min must rise from tier to tier"
    return None


class AddonKind(StrEnum):
    """How often an add-on is charged."""

    FIXED = "FIXED"
    PER_MINUTE = "PER_MINUTE"


class AddonPrice(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Something extra that is taken along: once a ride, or for every riding minute (pauses are free)."""

    kind: AddonKind
    price_minor: PriceMinor
    title: Annotated[str, Meta(min_length=1, max_length=120)]
    tax_rate: Annotated[TaxRate, Meta(description="its own; null: the tariff's")] | None = None


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
    """Whole seconds ridden and paused, each the sum over the ride."""

    ride_s: int
    pause_s: int


Unit = Literal["once", "minute"]


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """A line of a receipt: `quantity * unit_price_minor == amount_minor`.

    `code` is stable and for programs (`unlock`, `ride_minutes`, `pause_minutes`, `addon_fixed`, `addon_minutes`,
    `tax`), `text` is for people. `tax_rate` is what the amount is taxed with; None for the tax itself, and for lines
    that were stored before rates stood on them.
    """

    code: str
    text: str
    unit: Unit = "once"
    quantity: int
    unit_price_minor: int
    amount_minor: int
    tax_rate: str | None = None


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


class QuoteItem(msgspec.Struct, frozen=True, kw_only=True):
    """One price of a tariff: for minutes `from_min` to `upto_min` (null: without end), both included."""

    code: str
    text: str
    unit: Unit
    price_minor: int
    from_min: int | None = None
    upto_min: int | None = None


class Quote(msgspec.Struct, frozen=True, kw_only=True):
    """A tariff, told before the ride: `text` for people, the rest for programs."""

    text: str
    items: tuple[QuoteItem, ...]
    currency: str
    tax_rate: str
    tax_inclusive: bool

"""Packages, discount groups, promo and referral codes."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Final, NewType

import msgspec
from msgspec import Meta

from isotope.domain.pricing.model import AgreedPackage, Discount, PriceMinor, Quota, TaxRate
from isotope.kernel.ids import OperatorId, RiderId
from isotope.kernel.time_windows import TimeWindow

PackageId = NewType("PackageId", int)
GroupId = NewType("GroupId", int)
PromoCodeId = NewType("PromoCodeId", int)
RedemptionId = NewType("RedemptionId", int)

ModelRefs = Annotated[
    tuple[str, ...], Meta(max_length=500, description="refs of the models it is for; none: all models")
]
DiscountPct = Annotated[int, Meta(ge=1, le=100, description="per cent off the ride price; add-ons and fees stay")]

CODE_PATTERN: Final = "^[A-Z0-9]{4,32}$"
Code = Annotated[str, Meta(pattern=CODE_PATTERN, extra={"accepted": "4 to 32 of A-Z 0-9"})]
MOST_REDEMPTIONS: Final = 1_000_000_000
_INSTANT: Final = {"accepted": "a time with its offset, such as 2026-06-01T00:00:00+03:00"}


class PackageSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is bought for one ride. This is also its JSON form in `package.spec`.

    Raises:
        ValueError: nothing is included (as a ValidationError when converted).
    """

    price_minor: Annotated[PriceMinor, Meta(description="billed with the ride")]
    quota: Annotated[Quota, Meta(description="what is included; more of it costs what the tariff says")]
    models: ModelRefs = ()
    windows: Annotated[
        tuple[TimeWindow, ...], Meta(max_length=50, description="when a ride with it can be started; none: always")
    ] = ()
    tax_rate: Annotated[TaxRate, Meta(description="its own; null: the tariff's")] | None = None

    def __post_init__(self) -> None:
        if self.quota == Quota():
            raise ValueError("quota: a package includes something")


class PackageOffer(msgspec.Struct, frozen=True, kw_only=True):
    """A package that can be had, as provisioned."""

    operator_id: OperatorId
    id: PackageId
    ref: str
    title: str
    spec: PackageSpec

    @property
    def agreed(self) -> AgreedPackage:
        """As a ride that takes it keeps it."""
        return AgreedPackage(
            id=self.id,
            title=self.title,
            price_minor=self.spec.price_minor,
            quota=self.spec.quota,
            tax_rate=self.spec.tax_rate,
        )


class PackageDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A package as an operator describes it."""

    ref: str
    title: str
    spec: PackageSpec


class GroupSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What riders of a group pay less. This is also its JSON form in `discount_group.spec`."""

    pct: DiscountPct
    models: ModelRefs = ()


class GroupDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A discount group as an operator describes it."""

    ref: str
    title: str
    spec: GroupSpec


class Membership(msgspec.Struct, frozen=True, kw_only=True):
    """The discount group that a rider was put into. `valid_until` None: until somebody ends it."""

    group_id: GroupId
    ref: str
    title: str
    pct: int
    models: tuple[str, ...]
    is_retired: bool
    valid_until: datetime | None
    set_by: str
    set_at: datetime

    def counts_at(self, now: datetime) -> bool:
        """Whether it takes something off a ride that starts now."""
        return not self.is_retired and (self.valid_until is None or now < self.valid_until)


class AtStart(msgspec.Struct, frozen=True, kw_only=True):
    """What makes a ride that starts now cheaper; discounts of a promo code are to be claimed for it."""

    package: AgreedPackage | None = None
    discounts: tuple[Discount, ...] = ()


class PromoKind(StrEnum):
    """What a promo code gives."""

    BONUS = "BONUS"
    RIDE_DISCOUNT = "RIDE_DISCOUNT"


class PromoSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a promo code gives, and to whom. This is also its JSON form in `promo_code.spec`.

    Raises:
        ValueError: what its kind needs is missing, or what another kind has is there (as a ValidationError).
    """

    kind: PromoKind
    amount_minor: Annotated[int, Meta(ge=0, le=1_000_000_000, description="BONUS: how much is given")] = 0
    pct: Annotated[int, Meta(ge=0, le=100, description="RIDE_DISCOUNT: per cent off the ride price")] = 0
    rides: Annotated[int, Meta(ge=0, le=1_000, description="RIDE_DISCOUNT: on so many rides")] = 0
    days: (
        Annotated[
            int,
            Meta(
                ge=1, le=3_650, description="lasts so long after redemption; null: bonus as all bonus, rides for ever"
            ),
        ]
        | None
    ) = None
    most: (
        Annotated[int, Meta(ge=1, le=MOST_REDEMPTIONS, description="redemptions by all riders; null: no limit")] | None
    ) = None
    valid_from: Annotated[datetime, Meta(tz=True, description="null: at once", extra=_INSTANT)] | None = None
    valid_until: Annotated[datetime, Meta(tz=True, description="null: for ever", extra=_INSTANT)] | None = None
    new_riders_only: Annotated[bool, Meta(description="only for riders who never had a ride")] = False

    def __post_init__(self) -> None:
        if self.kind is PromoKind.BONUS and (not self.amount_minor or self.pct or self.rides):
            raise ValueError("BONUS has an amount, and neither per cent nor rides")
        if self.kind is PromoKind.RIDE_DISCOUNT and (self.amount_minor or not self.pct or not self.rides):
            raise ValueError("RIDE_DISCOUNT has per cent and rides, and no amount")
        if self.valid_from is not None and self.valid_until is not None and self.valid_from >= self.valid_until:
            raise ValueError("valid_from is before valid_until")


class PromoDraft(msgspec.Struct, frozen=True, kw_only=True):
    """A promo code as an operator describes it."""

    code: str
    title: str
    spec: PromoSpec


class PromoCode(msgspec.Struct, frozen=True, kw_only=True):
    """A promo code as it is stored. `remaining` None: without limit."""

    operator_id: OperatorId
    id: PromoCodeId
    code: str
    title: str
    spec: PromoSpec
    redeemed: int
    remaining: int | None
    from_folder: bool
    made_by: str
    made_at: datetime
    retired_by: str | None
    retired_at: datetime | None


class RideDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """What a redeemed code still takes off rides."""

    id: RedemptionId
    title: str
    pct: int
    rides_left: int
    expires_at: datetime | None


class Redeemed(msgspec.Struct, frozen=True, kw_only=True):
    """What redeeming a code gave: bonus, or a discount on rides."""

    title: str
    is_referral: bool = False
    bonus_minor: int = 0
    discount: RideDiscount | None = None


class Referrer(msgspec.Struct, frozen=True, kw_only=True):
    """Whose referral code it is, and how many redeemed it."""

    rider_id: RiderId
    referees: int


class ReferralCode(msgspec.Struct, frozen=True, kw_only=True):
    """A rider's own code: how many redeemed it, and for how many of them the rider has been rewarded."""

    code: str
    referees: int
    rewarded: int


class Benefits(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider's rides are cheaper by."""

    group: Membership | None
    discounts: tuple[RideDiscount, ...]

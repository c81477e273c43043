"""Requests and answers about codes, discounts and groups."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import SecretFlag, UserId
from isotope.api.user_types import Amount
from isotope.domain.benefits import CODE_PATTERN

CodeText = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="As the rider types it: capitals, spaces and dashes do not matter.",
        examples=["WELCOME"],
    ),
]
UnixSeconds = Annotated[int, Meta(ge=0, le=253_402_300_799)]
Pct = Annotated[int, Meta(description="Per cent off the ride price; add-ons and fees stay.", examples=[20])]


class RedeemCodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A promo code, or the referral code of another rider."""

    user_id: UserId = None
    code: CodeText
    skip_save_card_check: Annotated[
        SecretFlag, Meta(description="Also without a saved card where the operator asks for one.")
    ] = False


class RideDiscount(msgspec.Struct, frozen=True, kw_only=True):
    """A discount on the rider's next rides, from a code."""

    title: Annotated[str, Meta(examples=["Welcome"])]
    discount_percent: Pct
    rides_left: Annotated[int, Meta(examples=[3])]
    valid_until: Annotated[int | None, Meta(description="Unix seconds; null: for ever.")]


class RedeemedCode(msgspec.Struct, frozen=True, kw_only=True):
    """What the code gave: bonus, a discount, or (of a referral code whose giver alone is rewarded) nothing."""

    kind: Literal["BONUS", "RIDE_DISCOUNT", "REFERRAL"]
    bonus: Annotated[Amount, Meta(description="Bonus that was given; 0: none.")]
    discount: Annotated[RideDiscount | None, Meta(description="Null: none.")]
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    message: Annotated[str, Meta(examples=["You were given 5.00 EUR for rides."])]


class BenefitsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Whose."""

    user_id: UserId = None


class DiscountGroup(msgspec.Struct, frozen=True, kw_only=True):
    """A group of riders who pay less."""

    discount_group: Annotated[str, Meta(description="Its name (`ref`) in the operator's folder.", examples=["student"])]
    title: Annotated[str, Meta(examples=["Students"])]
    discount_percent: Pct
    valid_until: Annotated[int | None, Meta(description="Unix seconds; null: until it is changed.")]


class Benefits(msgspec.Struct, frozen=True, kw_only=True):
    """What a ride that the rider starts now is cheaper by."""

    discount_group: Annotated[DiscountGroup | None, Meta(description="Null: in none that counts now.")]
    discounts: Annotated[
        list[RideDiscount], Meta(description="Of codes; a ride takes the first of them. Empty: there are none.")
    ]


class ReferralCode(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider gives to friends."""

    referral_code: Annotated[str, Meta(examples=["KXW4PM2T"])]
    friend_gets: Annotated[Amount, Meta(description="Bonus, when a new rider redeems the code.")]
    you_get: Annotated[Amount, Meta(description="Bonus, after that rider's first paid ride.")]
    redeemed: Annotated[int, Meta(description="How many riders redeemed it.", examples=[2])]
    rewarded: Annotated[int, Meta(description="For how many of them the reward was given.", examples=[1])]
    redeemable: Annotated[int, Meta(description="How many more can redeem it.", examples=[18])]
    currency_code: Annotated[str, Meta(examples=["EUR"])]


class SetDiscountGroupRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Who is put into which group."""

    user_id: UserId = None
    discount_group: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None,
        Meta(description="The group's name (`ref`) in the operator's folder; null: no group.", examples=["student"]),
    ] = None
    valid_until: Annotated[UnixSeconds | None, Meta(description="Unix seconds; null: until it is changed.")] = None


class DiscountGroupSet(msgspec.Struct, frozen=True, kw_only=True):
    """The rider's group from now on."""

    discount_group: Annotated[DiscountGroup | None, Meta(description="Null: none.")]


# -- For staff ------------------------------------------------------------------------------------------------------


class CreatePromoCodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A code that riders can redeem."""

    promo_code: Annotated[str, Meta(pattern=CODE_PATTERN, description="4 to 32 of A-Z 0-9.", examples=["SUMMER26"])]
    title: Annotated[str, Meta(min_length=1, max_length=120, description="What riders read.", examples=["Summer"])]
    kind: Annotated[
        Literal["BONUS", "RIDE_DISCOUNT"],
        Meta(description="BONUS gives `amount`; RIDE_DISCOUNT takes `discount_percent` off `rides` rides."),
    ]
    amount: Annotated[Decimal | None, Meta(description="BONUS: in the currency's unit.", examples=[5.0])] = None
    discount_percent: Annotated[
        Annotated[int, Meta(ge=1, le=100)] | None, Meta(description="RIDE_DISCOUNT.", examples=[20])
    ] = None
    rides: Annotated[Annotated[int, Meta(ge=1, le=1_000)] | None, Meta(description="RIDE_DISCOUNT.", examples=[3])] = (
        None
    )
    days: Annotated[
        Annotated[int, Meta(ge=1, le=3_650)] | None,
        Meta(description="What it gives lasts so long; null: as the operator's bonus, discounts for ever."),
    ] = None
    most: Annotated[
        Annotated[int, Meta(ge=1, le=1_000_000_000)] | None,
        Meta(description="How often it can be redeemed, by all riders; null: without limit. A rider redeems it once."),
    ] = None
    valid_from: Annotated[UnixSeconds | None, Meta(description="Unix seconds; null: at once.")] = None
    valid_until: Annotated[UnixSeconds | None, Meta(description="Unix seconds; null: for ever.")] = None
    new_riders_only: Annotated[bool, Meta(description="Only for riders who never had a ride.")] = False


class PromoCodeRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which code."""

    promo_code: CodeText


class PromoCode(msgspec.Struct, frozen=True, kw_only=True):
    """A promo code."""

    promo_code: str
    title: str
    kind: Literal["BONUS", "RIDE_DISCOUNT"]
    amount: Annotated[Amount | None, Meta(description="Null for a discount.")]
    discount_percent: int | None
    rides: int | None
    days: int | None
    redeemed: Annotated[int, Meta(description="How often it was redeemed.")]
    remaining: Annotated[int | None, Meta(description="How often it still can be; null: without limit.")]
    valid_from: int | None
    valid_until: int | None
    new_riders_only: bool
    by: Annotated[str, Meta(description="Who made it; `apply`: the operator's folder.", examples=["staff:3"])]
    at: Annotated[int, Meta(description="When it was made, Unix seconds.")]
    stopped_by: str | None
    stopped_at: int | None


class PromoCodesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    page_length: Annotated[int, Meta(ge=1, le=100)] = 50
    bookmark: Annotated[
        Annotated[str, Meta(max_length=200)] | None, Meta(description="`bookmark_next` of the page before.")
    ] = None


class PromoCodes(msgspec.Struct, frozen=True, kw_only=True):
    """Newest first, stopped ones too."""

    promo_codes: list[PromoCode]
    bookmark_next: Annotated[str | None, Meta(description="Null: this was the last page.")]

"""Codes that riders redeem, and what makes their rides cheaper."""

from datetime import UTC, datetime
from typing import Final, Literal

from isotope.api import benefit_types as types
from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.domain import benefits, sharing
from isotope.kernel.errors import Kind
from isotope.kernel.money import Money, to_decimal

_DISCOUNT: Final = {"title": "Welcome", "discount_percent": 20, "rides_left": 3, "valid_until": None}
_GROUP: Final = {"discount_group": "student", "title": "Students", "discount_percent": 15, "valid_until": None}


@operation(
    id="redeem_code",
    tag=TAG,
    title="Redeem a code",
    method="POST",
    path=f"{BASE}/redeem-code",
    auth=Auth.PUBLIC_AND_CALLER,
    request=types.RedeemCodeRequest,
    response=types.RedeemedCode,
    refusals=(
        NO_RIDER,
        (Kind.FORBIDDEN, "rider_blocked"),
        (Kind.CONFLICT, "code_not_valid"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "wallet_limit_reached"),
        (Kind.TOO_MANY, "too_many_code_tries"),
    ),
    request_example={"code": "WELCOME"},
    response_example={
        "kind": "RIDE_DISCOUNT",
        "bonus": 0.0,
        "discount": _DISCOUNT,
        "currency_code": "EUR",
        "message": "20 % off your next rides: 3.",
    },
    idempotent=True,
)
async def redeem_code(call: Call[types.RedeemCodeRequest]) -> types.RedeemedCode:
    """A promo code, or the referral code of another rider: what it gives is there at once.

    Whatever is wrong with a code is answered alike, 409 `code_not_valid`: unknown, ended, used up, redeemed before, not
    for this rider. After too many wrong ones (by rider and by address) one has to wait.
    """
    body, operator = call.body, call.operator
    redeemed = await benefits.redeem_code(
        call.services.rt,
        call.services.cards,
        sharing.has_ridden,
        benefits.RedeemCode(
            operator=operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            code=body.code,
            # The operator's own systems are one address for all riders.
            address=None if call.is_secret else call.address,
            skip_save_card_check=bool(body.skip_save_card_check),
        ),
    )
    return types.RedeemedCode(
        kind=_kind(redeemed),
        bonus=to_decimal(redeemed.bonus_minor, operator.currency),
        discount=None if redeemed.discount is None else _discount(redeemed.discount),
        currency_code=operator.currency,
        message=_message(call, redeemed),
    )


@operation(
    id="get_benefits",
    tag=TAG,
    title="Get discounts",
    method="POST",
    path=f"{BASE}/get-benefits",
    auth=Auth.PUBLIC_AND_CALLER,
    request=types.BenefitsRequest,
    response=types.Benefits,
    refusals=(NO_RIDER,),
    response_example={"discount_group": _GROUP, "discounts": [_DISCOUNT]},
)
async def get_benefits(call: Call[types.BenefitsRequest]) -> types.Benefits:
    """What a ride that the rider starts now is cheaper by: their discount group, and what codes gave."""
    found = await benefits.read_benefits(call.services.rt, call.operator, call.rider_id())
    return types.Benefits(
        discount_group=None if found.group is None else _group(found.group),
        discounts=[_discount(discount) for discount in found.discounts],
    )


@operation(
    id="get_referral_code",
    tag=TAG,
    title="Get referral code",
    method="POST",
    path=f"{BASE}/get-referral-code",
    auth=Auth.PUBLIC_AND_CALLER,
    request=types.BenefitsRequest,
    response=types.ReferralCode,
    refusals=(NO_RIDER, (Kind.CONFLICT, "referrals_off")),
    response_example={
        "referral_code": "KXW4PM2T",
        "friend_gets": 5.0,
        "you_get": 5.0,
        "redeemed": 2,
        "rewarded": 1,
        "redeemable": 18,
        "currency_code": "EUR",
    },
)
async def get_referral_code(call: Call[types.BenefitsRequest]) -> types.ReferralCode:
    """The rider's own code, for friends who are new here: they redeem it before their first ride."""
    operator, settings = call.operator, call.operator.settings.referrals
    found = await benefits.read_referral_code(call.services.rt, operator, call.rider_id())
    return types.ReferralCode(
        referral_code=found.code,
        friend_gets=to_decimal(settings.referee_minor, operator.currency),
        you_get=to_decimal(settings.referrer_minor, operator.currency),
        redeemed=found.referees,
        rewarded=found.rewarded,
        redeemable=max(0, settings.most_per_rider - found.referees),
        currency_code=operator.currency,
    )


@operation(
    id="set_discount_group",
    tag=TAG,
    title="Set discount group",
    method="POST",
    path=f"{BASE}/set-discount-group",
    auth=Auth.SECRET,
    request=types.SetDiscountGroupRequest,
    response=types.DiscountGroupSet,
    refusals=(NO_RIDER, (Kind.NOT_FOUND, "discount_group_not_found")),
    request_example={"discount_group": "student", "user_id": 7},
    response_example={"discount_group": _GROUP},
    idempotent=True,
)
async def set_discount_group(call: Call[types.SetDiscountGroupRequest]) -> types.DiscountGroupSet:
    """The operator puts a rider into a discount group, or out of it. With the secret key only.

    A rider is in one group at most. It counts for rides that start from now on.
    """
    body = call.body
    group = await benefits.set_discount_group(
        call.services.rt,
        benefits.SetDiscountGroup(
            operator=call.operator,
            rider_id=call.rider_id(),
            group_ref=body.discount_group,
            valid_until=None if body.valid_until is None else datetime.fromtimestamp(body.valid_until, UTC),
            actor=call.actor,
        ),
    )
    return types.DiscountGroupSet(discount_group=None if group is None else _group(group))


def _kind(redeemed: benefits.Redeemed) -> Literal["BONUS", "RIDE_DISCOUNT", "REFERRAL"]:
    if redeemed.is_referral:
        return "REFERRAL"
    return "BONUS" if redeemed.discount is None else "RIDE_DISCOUNT"


def _message(call: Call[types.RedeemCodeRequest], redeemed: benefits.Redeemed) -> str:
    if redeemed.discount is not None:
        return call.text("code_redeemed_discount", pct=redeemed.discount.pct, rides=redeemed.discount.rides_left)
    if redeemed.bonus_minor:
        return call.text("code_redeemed_bonus", amount=Money(redeemed.bonus_minor, call.operator.currency).text())
    return call.text("code_redeemed")


def _discount(discount: benefits.RideDiscount) -> types.RideDiscount:
    return types.RideDiscount(
        title=discount.title,
        discount_percent=discount.pct,
        rides_left=discount.rides_left,
        valid_until=_seconds(discount.expires_at),
    )


def _group(group: benefits.Membership) -> types.DiscountGroup:
    return types.DiscountGroup(
        discount_group=group.ref,
        title=group.title,
        discount_percent=group.pct,
        valid_until=_seconds(group.valid_until),
    )


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())

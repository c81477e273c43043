"""Promo codes: staff make, stop and look at them."""

from datetime import UTC, datetime
from typing import Any, Final

import msgspec

from isotope.api import benefit_types as types
from isotope.api.amounts import amount_minor_of
from isotope.api.bookmarks import bookmark_unknown, read_bookmark, write_bookmark
from isotope.api.operation import Auth, Call, operation
from isotope.domain import benefits
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.money import to_decimal

_TAG: Final = "Sharing dashboard"
_BASE: Final = "/api/v2/admin/promo-codes"
_ROLE: Final = (Kind.FORBIDDEN, "role_not_allowed")
_LIST: Final = "promo_codes"
_CODE: Final = {
    "promo_code": "SUMMER26",
    "title": "Summer",
    "kind": "RIDE_DISCOUNT",
    "amount": None,
    "discount_percent": 20,
    "rides": 3,
    "days": 30,
    "redeemed": 0,
    "remaining": 500,
    "valid_from": None,
    "valid_until": 1_790_000_000,
    "new_riders_only": False,
    "by": "staff:3",
    "at": 1_780_000_000,
    "stopped_by": None,
    "stopped_at": None,
}


@operation(
    id="create_promo_code",
    tag=_TAG,
    title="Make a promo code",
    method="POST",
    path=f"{_BASE}/create",
    auth=Auth.STAFF,
    right=Right.MANAGE_CODES,
    request=types.CreatePromoCodeRequest,
    response=types.PromoCode,
    refusals=(_ROLE, (Kind.CONFLICT, "promo_code_taken")),
    request_example={
        "promo_code": "SUMMER26",
        "title": "Summer",
        "kind": "RIDE_DISCOUNT",
        "discount_percent": 20,
        "rides": 3,
        "days": 30,
        "most": 500,
    },
    response_example=_CODE,
    idempotent=True,
)
async def create_promo_code(call: Call[types.CreatePromoCodeRequest]) -> types.PromoCode:
    """Beside the codes of the operator's folder, which `isotope apply` makes and stops. For owner and manager."""
    body = call.body
    amount_minor = 0 if body.amount is None else amount_minor_of(body.amount, call.operator.currency)
    given: dict[str, Any] = {
        "kind": body.kind,
        "amount_minor": amount_minor,
        "pct": body.discount_percent or 0,
        "rides": body.rides or 0,
        "days": body.days,
        "most": body.most,
        "valid_from": _instant(body.valid_from),
        "valid_until": _instant(body.valid_until),
        "new_riders_only": body.new_riders_only,
    }
    try:
        spec = msgspec.convert(given, benefits.PromoSpec)
    except msgspec.ValidationError as error:
        raise benefits.promo_code_faulty(str(error)) from None
    draft = benefits.PromoDraft(code=body.promo_code, title=body.title, spec=spec)
    return _shown(call, await benefits.make_promo_code(call.services.rt, _manager(call), draft))


@operation(
    id="stop_promo_code",
    tag=_TAG,
    title="Stop a promo code",
    method="POST",
    path=f"{_BASE}/stop",
    auth=Auth.STAFF,
    right=Right.MANAGE_CODES,
    request=types.PromoCodeRequest,
    response=types.PromoCode,
    refusals=(_ROLE, (Kind.NOT_FOUND, "promo_code_not_found")),
    request_example={"promo_code": "SUMMER26"},
    response_example={**_CODE, "stopped_by": "staff:3", "stopped_at": 1_780_000_500},
    idempotent=True,
)
async def stop_promo_code(call: Call[types.PromoCodeRequest]) -> types.PromoCode:
    """Nobody redeems it any more, now or later; what riders have redeemed they keep. For owner and manager."""
    return _shown(call, await benefits.stop_promo_code(call.services.rt, _manager(call), call.body.promo_code))


@operation(
    id="get_promo_codes",
    tag=_TAG,
    title="Promo codes",
    method="POST",
    path=f"{_BASE}/list",
    auth=Auth.STAFF,
    right=Right.MANAGE_CODES,
    request=types.PromoCodesRequest,
    response=types.PromoCodes,
    refusals=(_ROLE,),
    response_example={"promo_codes": [_CODE], "bookmark_next": None},
)
async def get_promo_codes(call: Call[types.PromoCodesRequest]) -> types.PromoCodes:
    """Every code with what became of it, newest first. For owner and manager."""
    body, manager = call.body, _manager(call)
    before = None
    if body.bookmark is not None:
        before = benefits.PromoCodeId(read_bookmark(body.bookmark, _LIST, "bookmark"))
        there = await benefits.list_promo_codes(call.services.rt, manager, benefits.PromoCodeId(before + 1), 1)
        if [code.id for code in there] != [before]:
            raise bookmark_unknown("bookmark")
    found = await benefits.list_promo_codes(call.services.rt, manager, before, body.page_length + 1)
    page = found[: body.page_length]
    return types.PromoCodes(
        promo_codes=[_shown(call, code) for code in page],
        bookmark_next=write_bookmark(_LIST, page[-1].id) if len(found) > len(page) else None,
    )


def _manager(call: Call[Any]) -> benefits.Manager:
    return benefits.Manager(operator=call.operator, role=call.staff().role, actor=call.actor)


def _shown(call: Call[Any], code: benefits.PromoCode) -> types.PromoCode:
    spec = code.spec
    is_bonus = spec.kind is benefits.PromoKind.BONUS
    return types.PromoCode(
        promo_code=code.code,
        title=code.title,
        kind=spec.kind.value,
        amount=to_decimal(spec.amount_minor, call.operator.currency) if is_bonus else None,
        discount_percent=None if is_bonus else spec.pct,
        rides=None if is_bonus else spec.rides,
        days=spec.days,
        redeemed=code.redeemed,
        remaining=code.remaining,
        valid_from=_seconds(spec.valid_from),
        valid_until=_seconds(spec.valid_until),
        new_riders_only=spec.new_riders_only,
        by=code.made_by,
        at=int(code.made_at.timestamp()),
        stopped_by=code.retired_by,
        stopped_at=_seconds(code.retired_at),
    )


def _instant(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)


def _seconds(at: datetime | None) -> int | None:
    return None if at is None else int(at.timestamp())

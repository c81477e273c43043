"""Money that is charged by itself when the wallet runs low."""

from decimal import Decimal
from typing import Any, Final

from isotope.api.amounts import amount_minor_of
from isotope.api.money_types import AutoTopUp, SetAutoTopUpRequest
from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.api.user_types import UserRequest
from isotope.domain import payments
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.money import to_decimal

_EXAMPLE: Final = {
    "is_on": True,
    "threshold": 5.0,
    "amount": 20.0,
    "payment_method_id": None,
    "is_suspended": False,
    "reason": None,
    "message": None,
    "currency_code": "EUR",
}


@operation(
    id="get_auto_topup",
    tag=TAG,
    title="Get automatic top-up",
    method="POST",
    path=f"{BASE}/get-auto-topup",
    auth=Auth.PUBLIC_AND_CALLER,
    request=UserRequest,
    response=AutoTopUp,
    refusals=(NO_RIDER,),
    response_example=_EXAMPLE,
)
async def get_auto_topup(call: Call[UserRequest]) -> AutoTopUp:
    """What the rider set. Off if they never did."""
    return _shown(call, await payments.get_auto_topup(call.services.rt, call.operator, call.rider_id()))


@operation(
    id="set_auto_topup",
    tag=TAG,
    title="Set automatic top-up",
    method="POST",
    path=f"{BASE}/set-auto-topup",
    auth=Auth.PUBLIC_AND_CALLER,
    request=SetAutoTopUpRequest,
    response=AutoTopUp,
    refusals=(
        NO_RIDER,
        (Kind.NOT_FOUND, "card_not_found"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "cards_unavailable"),
    ),
    request_example={"is_on": True, "threshold": 5.0, "amount": 20.0},
    response_example=_EXAMPLE,
    idempotent=True,
)
async def set_auto_topup(call: Call[SetAutoTopUpRequest]) -> AutoTopUp:
    """Charge `amount` to a card whenever the balance falls below `threshold`, during and after rides.

    When a card says no, nothing is charged by itself any more until this is set again. Setting it charges nothing.
    """
    body, operator, rider_id = call.body, call.operator, call.rider_id()
    was = await payments.get_auto_topup(call.services.rt, operator, rider_id)
    card_id = None if body.payment_method_id is None else payments.card_id_of(body.payment_method_id)
    if body.payment_method_id is not None and card_id is None:
        raise payments.card_not_found()
    least_minor = operator.settings.payments.top_up_minimum_minor
    if body.is_on and not was.amount_minor:
        missing = [name for name in ("threshold", "amount") if getattr(body, name) is None]
        if missing:
            raise invalid(*(Fault(name, "Field required") for name in missing))
    saved = await payments.set_auto_topup(
        call.services.rt,
        call.services.cards,
        payments.SetAutoTopUp(
            operator=operator,
            rider_id=rider_id,
            is_on=body.is_on,
            threshold_minor=_minor(call, "threshold", body.threshold, was.threshold_minor),
            amount_minor=_minor(call, "amount", body.amount, was.amount_minor or least_minor),
            card_id=card_id,
        ),
    )
    return _shown(call, saved)


def _minor(call: Call[Any], field: str, amount: Decimal | None, was_minor: int) -> int:
    return was_minor if amount is None else amount_minor_of(amount, call.operator.currency, field)


def _shown(call: Call[Any], wanted: payments.AutoTopUp) -> AutoTopUp:
    code = wanted.suspended_code if wanted.suspended_at is not None else None
    return AutoTopUp(
        is_on=wanted.is_on,
        threshold=to_decimal(wanted.threshold_minor, wanted.currency),
        amount=to_decimal(wanted.amount_minor, wanted.currency),
        payment_method_id=None if wanted.card_id is None else f"{payments.CARD_PREFIX}{wanted.card_id}",
        is_suspended=wanted.suspended_at is not None,
        reason=code,
        message=None if code is None else call.text(f"card_code_{code}"),
        currency_code=wanted.currency,
    )

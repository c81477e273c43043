"""Money from a card into the wallet."""

from typing import Any, Final, Literal

from isotope.api.amounts import amount_minor_of
from isotope.api.money_types import GetTopUpRequest, PayDebtRequest, TopUp, TopUpRequest
from isotope.api.operation import Auth, Call, operation
from isotope.api.user.account import BASE, NO_RIDER, TAG
from isotope.domain import payments
from isotope.kernel.errors import Kind
from isotope.kernel.money import to_decimal

_Status = Literal["SUCCEEDED", "ACTION_REQUIRED", "PENDING", "FAILED"]
_STATUS: Final[dict[payments.PaymentStatus, _Status]] = {
    payments.PaymentStatus.AUTHORISING: "PENDING",
    payments.PaymentStatus.ACTION_REQUIRED: "ACTION_REQUIRED",
    payments.PaymentStatus.CAPTURED: "SUCCEEDED",
}
_EXAMPLE: Final = {
    "top_up_id": 9,
    "status": "SUCCEEDED",
    "amount": 20.0,
    "redirect_url": None,
    "reason": None,
    "message": "20.00 EUR was added.",
    "debt_settled": 1.5,
    "balance": 18.5,
    "bonus": 2.0,
    "debt": 0.0,
    "currency_code": "EUR",
}


@operation(
    id="top_up",
    tag=TAG,
    title="Top up",
    method="POST",
    path=f"{BASE}/top-up",
    auth=Auth.PUBLIC_AND_CALLER,
    request=TopUpRequest,
    response=TopUp,
    refusals=(
        NO_RIDER,
        (Kind.NOT_FOUND, "card_not_found"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "cards_unavailable"),
        (Kind.CONFLICT, "wallet_limit_reached"),
    ),
    request_example={"amount": 20.0},
    response_example=_EXAMPLE,
    idempotent=True,
)
async def top_up(call: Call[TopUpRequest]) -> TopUp:
    """Take money from a saved card and put it into the wallet. It settles open debt first.

    The bank may want the rider to confirm: then open `redirect_url`, and ask `get-top-up` when the rider is back. Send
    an `Idempotency-Key`: with it, no repetition of the call ever charges twice.
    """
    operator = call.operator
    topped_up = await payments.top_up(
        call.services.rt,
        call.services.cards,
        payments.TopUp(
            operator=operator,
            rider_id=call.rider_id(),
            amount_minor=amount_minor_of(call.body.amount, operator.currency),
            actor=call.actor,
            method_id=call.body.payment_method_id,
            idempotency_key=call.idempotency_key,
        ),
    )
    return shown(call, topped_up)


@operation(
    id="get_top_up",
    tag=TAG,
    title="Get top-up",
    method="POST",
    path=f"{BASE}/get-top-up",
    auth=Auth.PUBLIC_AND_CALLER,
    request=GetTopUpRequest,
    response=TopUp,
    refusals=(NO_RIDER, (Kind.NOT_FOUND, "top_up_not_found")),
    request_example={"top_up_id": 9},
    response_example=_EXAMPLE,
)
async def get_top_up(call: Call[GetTopUpRequest]) -> TopUp:
    """What became of a top-up, or of a payment of debt. A rider who confirmed is known of here at once."""
    found = await payments.find_top_up(
        call.services.rt,
        call.services.cards,
        call.operator,
        call.rider_id(),
        payments.CardPaymentId(call.body.top_up_id),
    )
    return shown(call, found)


@operation(
    id="pay_debt",
    tag=TAG,
    title="Pay debt",
    method="POST",
    path=f"{BASE}/pay-debt",
    auth=Auth.PUBLIC_AND_CALLER,
    request=PayDebtRequest,
    response=TopUp,
    refusals=(
        NO_RIDER,
        (Kind.NOT_FOUND, "card_not_found"),
        (Kind.PAYMENT, "card_declined"),
        (Kind.CONFLICT, "card_needed"),
        (Kind.CONFLICT, "cards_unavailable"),
        (Kind.CONFLICT, "no_debt"),
        (Kind.CONFLICT, "payment_running"),
        (Kind.UNAVAILABLE, "card_no_answer"),
    ),
    response_example={**_EXAMPLE, "amount": 2.4, "debt_settled": 2.4, "message": "2.40 EUR was added."},
    idempotent=True,
)
async def pay_debt(call: Call[PayDebtRequest]) -> TopUp:
    """Pay the whole open debt with a card, now. Once it is paid, rides can be started again.

    As with `top-up`, the bank may want the rider to confirm at `redirect_url`; ask `get-top-up` what came of it.
    """
    rt, services, body = call.services.rt, call.services, call.body
    card_id = None
    if body.payment_method_id is not None:
        card_id = payments.card_id_of(body.payment_method_id)
        if card_id is None:
            raise payments.card_not_found()
    payment = await payments.pay_debt(
        rt,
        services.cards,
        payments.PayDebt(
            operator=call.operator,
            rider_id=call.rider_id(),
            actor=call.actor,
            card_id=card_id,
            return_url=services.cards.done_url,
        ),
    )
    return shown(call, await payments.read_top_up(rt, call.operator, payment.id))


def shown(call: Call[Any], topped_up: payments.ToppedUp) -> TopUp:
    payment, standing = topped_up.payment, topped_up.standing
    status = _STATUS.get(payment.status, "FAILED")
    amount = to_decimal(payment.amount_minor, payment.currency)
    return TopUp(
        top_up_id=payment.id,
        status=status,
        amount=amount,
        redirect_url=payment.redirect_url if status == "ACTION_REQUIRED" else None,
        reason=payment.code if status == "FAILED" else None,
        message=_message(call, payment, status),
        debt_settled=to_decimal(topped_up.debt_settled_minor, payment.currency),
        balance=to_decimal(standing.balance_minor, standing.currency),
        bonus=to_decimal(standing.bonus_minor, standing.currency),
        debt=to_decimal(standing.debt_minor, standing.currency),
        currency_code=payment.currency,
    )


def _message(call: Call[Any], payment: payments.CardPayment, status: _Status) -> str:
    if status == "FAILED":
        return call.text(f"card_code_{payment.code or payments.RefusalCode.OTHER}")
    amount = f"{to_decimal(payment.amount_minor, payment.currency):f} {payment.currency}"
    return call.text(f"top_up_{status.lower()}", amount=amount)

"""Refunds and fines by staff."""

from typing import Final
from uuid import uuid4

from isotope.api.admin.paid_by import paid_by
from isotope.api.admin.ride_money_types import (
    FineRequest,
    FineShown,
    RefundRequest,
    RefundShown,
    RideMoney,
    RideMoneyRequest,
)
from isotope.api.amounts import amount_minor_of
from isotope.api.operation import Auth, Call, operation
from isotope.domain import sharing
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.ids import RideId
from isotope.kernel.money import to_decimal

_TAG: Final = "Sharing dashboard"
_BASE: Final = "/api/v2/admin/rides"
_COMMON: Final = (
    (Kind.NOT_FOUND, "ride_not_found"),
    (Kind.FORBIDDEN, "role_not_allowed"),
)
_TOUCHING: Final = (
    *_COMMON,
    (Kind.FORBIDDEN, "role_limit_reached"),
    (Kind.CONFLICT, "ride_not_ended"),
)
_NOTHING: Final = {"bonus": 0.0, "balance": 0.0, "card": 0.0, "card_pending": 0.0, "debt": 0.0}
_FINE: Final = {
    "fine_id": 2,
    "amount": 25.0,
    "refundable": 25.0,
    "paid_by": {**_NOTHING, "balance": 3.0, "card": 22.0},
    "reason": "Left in the middle of the pavement",
    "by": "staff:3",
    "at": 1_780_000_000,
}
_REFUND: Final = {
    "refund_id": 5,
    "fine_id": None,
    "amount": 1.5,
    "tax": 0.3,
    "went_to": {**_NOTHING, "card": 1.5},
    "reason": "The vehicle's brake was broken",
    "by": "staff:3",
    "at": 1_780_000_000,
}


@operation(
    id="get_ride_money",
    tag=_TAG,
    title="Money of a ride",
    method="POST",
    path=f"{_BASE}/money",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=RideMoneyRequest,
    response=RideMoney,
    refusals=_COMMON,
    request_example={"ride_id": 12},
    response_example={
        "ride_id": 12,
        "user_id": 7,
        "currency_code": "EUR",
        "total": 4.5,
        "tax": 0.91,
        "refundable": 3.0,
        "paid_by": {**_NOTHING, "balance": 1.0, "card": 3.5},
        "fines": [_FINE],
        "refunds": [_REFUND],
    },
)
async def get_ride_money(call: Call[RideMoneyRequest]) -> RideMoney:
    """What a ride cost, its fines, what was given back and what still can be. For owner, manager and support."""
    money = await sharing.read_ride_money(call.services.rt, call.operator, RideId(call.body.ride_id), call.staff().role)
    ride = money.ride
    currency = ride.currency
    return RideMoney(
        ride_id=ride.id,
        user_id=ride.rider_id,
        currency_code=currency,
        total=None if ride.total_minor is None else to_decimal(ride.total_minor, currency),
        tax=None if ride.tax_minor is None else to_decimal(ride.tax_minor, currency),
        refundable=to_decimal(money.refundable_minor(), currency),
        paid_by=paid_by(
            currency,
            bonus=ride.charged_bonus_minor or 0,
            balance=ride.charged_balance_minor or 0,
            card=ride.charged_card_minor,
            pending=ride.card_pending_minor,
            debt=ride.debt_minor or 0,
        ),
        fines=[_fine(fine, currency, money.refundable_minor(fine)) for fine in money.fines],
        refunds=[_refund(refund, currency) for refund in money.refunds],
    )


@operation(
    id="refund_ride",
    tag=_TAG,
    title="Refund a ride",
    method="POST",
    path=f"{_BASE}/refund",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=RefundRequest,
    response=RefundShown,
    refusals=(
        *_TOUCHING,
        (Kind.NOT_FOUND, "fine_not_found"),
        (Kind.CONFLICT, "ride_not_settled"),
        (Kind.CONFLICT, "refund_running"),
        (Kind.CONFLICT, "refund_too_high"),
    ),
    request_example={"ride_id": 12, "amount": 1.5, "reason": "The vehicle's brake was broken"},
    response_example=_REFUND,
    idempotent=True,
)
async def refund_ride(call: Call[RefundRequest]) -> RefundShown:
    """Give back a part or all of a ride's price, or of a fine on it.

    Debt of the ride is cancelled first; then the money goes back the way it came: to the card, to the balance, and
    bonus to bonus. Revenue and tax follow, and the rider gets a credit note. Owner and manager up to what was charged,
    support up to the operator's `payments.support_refund_minor` of a ride in all.
    """
    body, staff = call.body, call.staff()
    amount_minor = None if body.amount is None else amount_minor_of(body.amount, call.operator.currency)
    refund = await sharing.refund_ride(
        call.services.rt,
        call.services.cards,
        sharing.RefundRide(
            operator=call.operator,
            ride_id=RideId(body.ride_id),
            fine_id=None if body.fine_id is None else sharing.FineId(body.fine_id),
            amount_minor=amount_minor,
            reason=body.reason,
            to_wallet=body.to_wallet,
            role=staff.role,
            actor=call.actor,
            key=call.idempotency_key or str(uuid4()),
        ),
    )
    return _refund(refund, call.operator.currency)


@operation(
    id="fine_ride",
    tag=_TAG,
    title="Fine a ride",
    method="POST",
    path=f"{_BASE}/fine",
    auth=Auth.STAFF,
    right=Right.TREAT_RIDERS,
    request=FineRequest,
    response=FineShown,
    refusals=_TOUCHING,
    request_example={"ride_id": 12, "amount": 25.0, "reason": "Left in the middle of the pavement"},
    response_example=_FINE,
    idempotent=True,
)
async def fine_ride(call: Call[FineRequest]) -> FineShown:
    """The rider of an ended ride pays a fine: from the balance, then the card, else it is debt. Never from bonus.

    It bears no tax. Owner and manager up to the operator's `payments.fine_maximum_minor`, support up to
    `payments.support_refund_minor`. A fine is given back with `refund` and its `fine_id`.
    """
    body, staff = call.body, call.staff()
    fine = await sharing.fine_ride(
        call.services.rt,
        call.services.cards,
        sharing.FineRide(
            operator=call.operator,
            ride_id=RideId(body.ride_id),
            amount_minor=amount_minor_of(body.amount, call.operator.currency),
            reason=body.reason,
            role=staff.role,
            actor=call.actor,
            key=call.idempotency_key or str(uuid4()),
        ),
    )
    return _fine(fine, call.operator.currency, fine.amount_minor)


def _fine(fine: sharing.Fine, currency: str, refundable_minor: int) -> FineShown:
    return FineShown(
        fine_id=fine.id,
        amount=to_decimal(fine.amount_minor, currency),
        refundable=to_decimal(refundable_minor, currency),
        paid_by=paid_by(
            currency,
            balance=fine.charged_balance_minor,
            card=fine.charged_card_minor,
            pending=fine.card_pending_minor,
            debt=fine.debt_minor,
        ),
        reason=fine.reason,
        by=fine.actor,
        at=int(fine.at.timestamp()),
    )


def _refund(refund: sharing.Refund, currency: str) -> RefundShown:
    return RefundShown(
        refund_id=refund.id,
        fine_id=refund.fine_id,
        amount=to_decimal(refund.amount_minor, currency),
        tax=to_decimal(sum(tax.tax_minor for tax in refund.taxes), currency),
        went_to=paid_by(
            currency,
            bonus=refund.to_bonus_minor,
            balance=refund.to_balance_minor,
            card=refund.to_card_minor,
            pending=refund.card_pending_minor,
            debt=refund.to_debt_minor,
        ),
        reason=refund.reason,
        by=refund.actor,
        at=int(refund.at.timestamp()),
    )

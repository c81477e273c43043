"""Requests and answers about the money of a ride."""

from decimal import Decimal
from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.fields import Id
from isotope.api.user_types import Amount

Reason = Annotated[
    str,
    Meta(
        min_length=3,
        max_length=500,
        description="Why. The rider reads it on the receipt; nothing of other people belongs here.",
        examples=["The vehicle's brake was broken"],
    ),
]


class RideMoneyRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which ride."""

    ride_id: Id


class RefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to give back."""

    ride_id: Id
    fine_id: Annotated[Id | None, Meta(description="A fine on the ride; null: of the ride's price.")] = None
    amount: Annotated[
        Decimal | None, Meta(description="In the currency's unit; null: all that is left.", examples=[1.5])
    ] = None
    reason: Reason
    to_wallet: Annotated[bool, Meta(description="What a card paid goes to the wallet instead of back to the card.")] = (
        False
    )


class FineRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the rider is to pay."""

    ride_id: Id
    amount: Annotated[Decimal, Meta(description="In the currency's unit, above 0.", examples=[25.0])]
    reason: Reason


class PaidBy(msgspec.Struct, frozen=True, kw_only=True):
    """Where money came from, or went to. The parts sum to the amount."""

    bonus: Amount
    balance: Amount
    card: Amount
    card_pending: Annotated[Amount, Meta(description="A card's provider is being asked; soon it is one of the others.")]
    debt: Annotated[Amount, Meta(description="Owed; of a refund: debt that is owed no more.")]


class FineShown(msgspec.Struct, frozen=True, kw_only=True):
    """A fine."""

    fine_id: int
    amount: Amount
    refundable: Annotated[Amount, Meta(description="What was not given back yet.")]
    paid_by: PaidBy
    reason: str
    by: Annotated[str, Meta(description="Who did it.", examples=["staff:3"])]
    at: Annotated[int, Meta(description="Unix seconds.")]


class RefundShown(msgspec.Struct, frozen=True, kw_only=True):
    """A refund."""

    refund_id: int
    fine_id: Annotated[int | None, Meta(description="The fine that it gives back; null: the ride's price.")]
    amount: Amount
    tax: Annotated[Amount, Meta(description="The part of the amount that is tax.")]
    went_to: PaidBy
    reason: str
    by: Annotated[str, Meta(examples=["staff:3"])]
    at: Annotated[int, Meta(description="Unix seconds.")]


class RideMoney(msgspec.Struct, frozen=True, kw_only=True):
    """What a ride cost, and what of it was given back."""

    ride_id: int
    user_id: int
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    total: Annotated[Amount | None, Meta(description="Null while the ride runs.")]
    tax: Amount | None
    refundable: Annotated[Amount, Meta(description="What of the price was not given back yet.")]
    paid_by: PaidBy
    fines: list[FineShown]
    refunds: list[RefundShown]

"""Requests and answers about trips on the dashboard."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.admin.ride_money_types import PaidBy, Reason
from isotope.api.fields import Id
from isotope.api.user_types import Amount

Status = Literal["AUTHORISING", "REQUESTED", "SCHEDULED", "ACCEPTED", "ARRIVED", "STARTED", "ENDED", "CANCELED"]

Why = Annotated[str, Meta(min_length=3, max_length=500, description="Why. Kept with the trip.")]


class AssignTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip is whose."""

    trip_id: Id
    driver_id: Id
    reason: Why | None = None


class CloseTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip is over, and why."""

    trip_id: Id
    reason: Why


class EndTripRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trip is over, what it costs, and why."""

    trip_id: Id
    reason: Why
    fare: Annotated[
        Literal["QUOTED", "DRIVEN"],
        Meta(
            description="QUOTED: what was agreed, with what waiting cost, however long nobody ended it. DRIVEN: as if the "
            "driver ended it now."
        ),
    ] = "QUOTED"


class TripRefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to give back."""

    trip_id: Id
    amount: Annotated[
        Decimal | None, Meta(description="In the currency's unit; null: all that is left.", examples=[2.5])
    ] = None
    reason: Reason
    to_wallet: Annotated[bool, Meta(description="What a card paid goes to the wallet instead of back to the card.")] = (
        False
    )


class DriverBalanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What moved between the operator and a driver outside of trips."""

    driver_id: Id
    movement: Annotated[
        Literal["PAID", "ADJUSTED"],
        Meta(
            description="PAID: the operator paid the driver; below 0 the driver handed cash over. ADJUSTED: added to the "
            "balance, or below 0 taken from it."
        ),
    ]
    amount: Annotated[Decimal, Meta(description="In the currency's unit, not 0.", examples=[120.0])]
    reason: Annotated[str, Meta(min_length=3, max_length=500, description="Why. Kept with it.")]


class TripsToDispatchRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Nothing is asked for."""


class StaffStop(msgspec.Struct, frozen=True, kw_only=True):
    """A point of the route."""

    latitude: float
    longitude: float
    title: str


class StaffTripShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trip. Who rides, and the money, are null for the roles operator and read_only."""

    trip_id: int
    trip_status: Status
    outcome: Annotated[str | None, Meta(description="Why it is over, in one stable word.", examples=["no_driver"])]
    user_id: Annotated[int | None, Meta(description="Null: not for this role.")]
    driver_id: int | None
    taxi_vehicle_id: int | None
    class_id: int
    class_title: str
    requested_at: Annotated[int, Meta(description="Unix seconds.")]
    scheduled_at: Annotated[int | None, Meta(description="Unix seconds; null: now.")]
    search_until: Annotated[int | None, Meta(description="Unix seconds: until then a driver is looked for.")]
    closed_at: int | None
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    quoted: Annotated[Amount | None, Meta(description="The price that was agreed.")]
    total: Annotated[Amount | None, Meta(description="What it cost; 0 while it is not over.")]
    refunded: Amount | None


class TripToDispatchShown(msgspec.Struct, frozen=True, kw_only=True):
    """A trip that nobody drives."""

    trip: StaffTripShown
    route: Annotated[list[StaffStop], Meta(description="Pick-up first, destination last.")]
    comment: Annotated[str | None, Meta(description="The rider's; null: none, or not for this role.")]
    offers: Annotated[
        dict[str, int],
        Meta(description="How many drivers stand how: OPEN, DECLINED, EXPIRED, WITHDRAWN, GIVEN_UP."),
    ]


class TripsToDispatch(msgspec.Struct, frozen=True, kw_only=True):
    """Those a driver is looked for, those for later without a promise, those given up in the last two hours."""

    data: list[TripToDispatchShown]


class TripRefundShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back."""

    refund_id: int
    trip_id: int
    amount: Amount
    tax: Annotated[Amount, Meta(description="The part of the amount that is tax.")]
    went_to: PaidBy
    reason: str
    by: Annotated[str, Meta(examples=["staff:3"])]
    at: Annotated[int, Meta(description="Unix seconds.")]


class DriverBalanceShown(msgspec.Struct, frozen=True, kw_only=True):
    """Where a driver stands."""

    driver_id: int
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    balance: Annotated[Amount, Meta(description="What the operator owes the driver; below 0 what they owe.")]

"""Requests and answers about bookings on the dashboard."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.admin.ride_money_types import PaidBy, Reason
from isotope.api.bookmarks import MOST_BOOKMARK
from isotope.api.fields import Id
from isotope.api.user_types import Amount

Bookmark = Annotated[str, Meta(max_length=MOST_BOOKMARK)]
At = Annotated[int, Meta(ge=1, le=9_999_999_999)]
Status = Literal["AWAITING_PAYMENT", "UPCOMING", "ACTIVE", "ENDED", "CANCELLED", "NO_SHOW", "UNPAID"]


class StaffBookingsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of whichever is given; and which page."""

    booking_statuses: Annotated[
        Annotated[list[Status], Meta(max_length=7)] | None, Meta(description="Null: all.", examples=[["UPCOMING"]])
    ] = None
    since: Annotated[At | None, Meta(description="Unix seconds: they start then or later; null: 30 days ago.")] = None
    until: Annotated[
        At | None, Meta(description="Unix seconds: they start before; null, or more: a year after `since`.")
    ] = None
    zone_id: Annotated[Id | None, Meta(description="A station.")] = None
    vehicle_id: Annotated[Id | None, Meta(description="Of one vehicle.")] = None
    rider_id: Annotated[Id | None, Meta(description="Of one rider; for owner, manager and support.")] = None
    booking_id: Annotated[Id | None, Meta(description="One booking, whenever it starts.")] = None
    page_length: Annotated[int, Meta(ge=1, le=100)] = 50
    page_bookmark: Annotated[Bookmark | None, Meta(description="`bookmark_next` of the page before.")] = None
    bookmark_next: Annotated[Bookmark | None, Meta(description="The same.")] = None
    bookmark: Annotated[Bookmark | None, Meta(description="The same.")] = None


class StaffCancelRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking, and why."""

    booking_id: Id
    reason: Reason


class BookingClaimRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What the rider is to pay, and what for."""

    booking_id: Id
    amount: Annotated[Decimal, Meta(description="In the currency's unit, above 0.", examples=[150.0])]
    reason: Reason


class BookingRefundRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What to give back."""

    booking_id: Id
    charge_id: Annotated[
        Id | None, Meta(description="One of `charges`; null: the price that was paid when it was booked.")
    ] = None
    amount: Annotated[
        Decimal | None, Meta(description="In the currency's unit; null: all that is left.", examples=[20.0])
    ] = None
    reason: Reason
    to_wallet: Annotated[bool, Meta(description="What a card paid goes to the wallet instead of back to the card.")] = (
        False
    )


class BookingChargeShown(msgspec.Struct, frozen=True, kw_only=True):
    """Something that a booking was charged."""

    charge_id: int
    kind: Annotated[str, Meta(description="BOOKING, EXTENSION, SETTLEMENT or CLAIM.", examples=["CLAIM"])]
    status: Annotated[str, Meta(description="PENDING, PAID or FAILED.", examples=["PAID"])]
    total: Amount
    tax: Amount
    paid_by: PaidBy
    reason: str | None
    by: Annotated[str, Meta(examples=["staff:3"])]
    at: Annotated[int, Meta(description="Unix seconds.")]


class BookingRefundShown(msgspec.Struct, frozen=True, kw_only=True):
    """What was given back of a charge."""

    refund_id: int
    charge_id: int
    kind: Annotated[str, Meta(description="CANCELLED, EARLY_RETURN, STAFF or TOO_LATE.", examples=["STAFF"])]
    amount: Amount
    tax: Annotated[Amount, Meta(description="The part of the amount that is tax.")]
    went_to: PaidBy
    reason: str
    by: Annotated[str, Meta(examples=["staff:3"])]
    at: Annotated[int, Meta(description="Unix seconds.")]


class BookingPhoto(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of the vehicle."""

    photo_id: int
    taken: Annotated[str, Meta(description="BEFORE or AFTER.", examples=["BEFORE"])]
    url: Annotated[str, Meta(description="Opens the picture for an hour, for whoever has it.")]
    at: Annotated[int, Meta(description="Unix seconds.")]
    faults: list[str]


class StaffBookingShown(msgspec.Struct, frozen=True, kw_only=True):
    """A booking. What is of its rider is null or empty for the roles operator and read_only."""

    booking_id: int
    booking_status: Status
    user_id: Annotated[int | None, Meta(description="Null: not for this role.")]
    vehicle_id: int
    model_id: int
    zone_id: int
    starts_at: Annotated[int, Meta(description="Unix seconds.")]
    ends_at: int
    picked_up_at: int | None
    returned_at: int | None
    outcome: Annotated[str | None, Meta(description="Why it is over, in one stable word.", examples=["by_staff"])]
    currency_code: Annotated[str, Meta(examples=["EUR"])]
    deposit: Annotated[Amount | None, Meta(description="Null: not for this role.")]
    deposit_status: str | None
    deposit_captured: Amount | None
    charges: list[BookingChargeShown]
    refunds: list[BookingRefundShown]
    photos: list[BookingPhoto]


class StaffBookings(msgspec.Struct, frozen=True, kw_only=True):
    """A page, what starts last first."""

    data: list[StaffBookingShown]
    has_next_page: bool
    bookmark_next: str | None

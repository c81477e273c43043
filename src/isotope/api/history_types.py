"""Requests and answers about rides that are over, in the words of `sharing_types`."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, UserId
from isotope.api.money_types import Bookmark, NextBookmark, PageLength, SameBookmark
from isotope.api.sharing_types import (
    Addon,
    ByVehicleId,
    ByVehicleNumber,
    Coordinates,
    CurrencyCode,
    PriceLine,
    UnixSeconds,
)
from isotope.api.upload import Upload
from isotope.api.user_types import Amount
from isotope.kernel.vehicle_types import VehicleType

# What people write: kept as it is, shown as text and never as HTML.
Words = Annotated[
    str,
    Meta(
        max_length=1_000,
        pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F-\x9F]*$",
        description="Text of at most 1,000 characters; line breaks and tabs, no other control characters.",
        examples=["The brake squeaks"],
    ),
]
ReasonCode = Annotated[str, Meta(max_length=40, examples=["brakes"])]
ReviewStatus = Annotated[
    Literal["IN_REVIEW", "APPROVED", "REJECTED"] | None,
    Meta(description="Whether staff look at how it ended (or did); null: they need not."),
]


class RidesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which page."""

    user_id: UserId = None
    page_bookmark: Bookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    page_length: PageLength = 20


class PastRide(msgspec.Struct, frozen=True, kw_only=True):
    """A ride that is over."""

    ride_id: int
    status: Annotated[
        Literal["ENDED", "FAILED"], Meta(description="FAILED: the vehicle never unlocked; it cost nothing.")
    ]
    vehicle_id: int
    vehicle_number: Annotated[str, Meta(description="The printed number.", examples=["1001"])]
    vehicle_type: VehicleType
    model_title: Annotated[str, Meta(examples=["City scooter"])]
    requested_at: UnixSeconds
    started_at: Annotated[UnixSeconds | None, Meta(description="Null if it never began.")]
    ended_at: UnixSeconds
    distance_m: Annotated[int | None, Meta(description="By the vehicle's odometer.")]
    total: Annotated[
        Amount, Meta(description="What it cost, tax included; what was given back later is not taken off.")
    ]
    currency_code: CurrencyCode
    rating: Annotated[int | None, Meta(description="What the rider gave it, 1 to 5; null: nothing yet.")]
    review_status: ReviewStatus


class PastRides(msgspec.Struct, frozen=True, kw_only=True):
    """A page."""

    rides: list[PastRide]
    bookmark_next: NextBookmark = None


class RideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which ride."""

    ride_id: Id
    route_required: Annotated[bool, Meta(description="False: `route` is left out, which is quicker.")] = True
    user_id: UserId = None


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A GeoJSON LineString: `[longitude, latitude]`, as exact as the operator shows it."""

    type: Literal["LineString"]
    coordinates: list[tuple[float, float]]


class RideTax(msgspec.Struct, frozen=True, kw_only=True):
    """The part of the total with one rate of tax."""

    rate_pct: Annotated[str, Meta(examples=["25.5"])]
    net: Amount
    tax: Amount
    gross: Amount


class RidePaid(msgspec.Struct, frozen=True, kw_only=True):
    """What paid the total; the parts sum to it."""

    bonus: Amount
    balance: Amount
    card: Amount
    pending: Annotated[Amount, Meta(description="What a card is still asked for.")]
    debt: Annotated[Amount, Meta(description="What was left over.")]
    payment_method_id: Annotated[str, Meta(examples=["card_12"])]


class RideFine(msgspec.Struct, frozen=True, kw_only=True):
    """Money that staff took for the ride."""

    fine_id: int
    amount: Amount
    reason: str
    at: UnixSeconds


class RideRefund(msgspec.Struct, frozen=True, kw_only=True):
    """Money that was given back: of the ride's price, or of a fine."""

    refund_id: int
    fine_id: int | None
    amount: Amount
    reason: str
    at: UnixSeconds


class Photo(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that the rider sent."""

    photo_id: int
    url: Annotated[str, Meta(description="Opens it for an hour, without any key; ask again for a new one.")]
    at: UnixSeconds
    faults: Annotated[
        list[str],
        Meta(description="`too_small`, `too_dark`, `blank`, `duplicate`: why it is no evidence; empty: it is good."),
    ]


class Feedback(msgspec.Struct, frozen=True, kw_only=True):
    """What the rider said about the ride."""

    rating: Annotated[int, Meta(ge=1, le=5)]
    reasons: list[str]
    comment: str
    at: UnixSeconds


class WholeRide(msgspec.Struct, frozen=True, kw_only=True):
    """A ride that is over, with all that its rider may know of it."""

    ride: PastRide
    outcome: Annotated[str | None, Meta(description="Why it is over, in one stable word.", examples=["by_rider"])]
    ride_seconds: int
    pause_seconds: int
    start: Coordinates
    end: Coordinates | None
    route: Annotated[
        Route | None, Meta(description="Null: not asked for, too short to tell, or older than the operator shows it.")
    ]
    lines: list[PriceLine]
    addons: list[Addon]
    taxes: list[RideTax]
    paid: RidePaid
    fines: list[RideFine]
    refunds: list[RideRefund]
    receipt_ids: Annotated[list[int], Meta(description="For `get-receipt`: of the ride, its fines and refunds.")]
    photos: list[Photo]
    review_reasons: Annotated[list[str], Meta(description="Why staff look at it, in stable words.")]
    feedback: Annotated[Feedback | None, Meta(description="Null: it was not rated.")]
    rating_reasons: Annotated[list[str], Meta(description="What `reasons` of `rate-ride` takes.")]


class RateRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """How it was."""

    ride_id: Id
    rating: Annotated[int, Meta(ge=1, le=5, description="1 is bad, 5 is good.", examples=[5])]
    reasons: Annotated[
        Annotated[list[ReasonCode], Meta(max_length=50)] | None,
        Meta(description="Of `rating_reasons` of `get-ride`.", examples=[["brakes"]]),
    ] = None
    comment: Words | None = None
    user_id: UserId = None


class Rated(msgspec.Struct, frozen=True, kw_only=True):
    """It was noted."""

    status: Annotated[int, Meta(description="1: noted.", examples=[1])]
    message: str
    feedback: Feedback


class ReportDamageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """On which vehicle, and what: name the ride, or the vehicle by id or number."""

    ride_id: Annotated[Id | None, Meta(description="The ride, running or over, on which it was seen.")] = None
    vehicle_id: ByVehicleId = None
    vehicle_number: ByVehicleNumber = None
    category: Annotated[
        Annotated[str, Meta(max_length=40)],
        Meta(description="One of the operator's categories; a wrong one is told which there are.", examples=["brakes"]),
    ]
    description: Words | None = None
    images: Annotated[
        Annotated[list[Upload], Meta(max_length=8)] | None,
        Meta(description="Pictures of the damage, as in `end-ride`."),
    ] = None
    user_id: UserId = None


class ReportedDamage(msgspec.Struct, frozen=True, kw_only=True):
    """The report, as staff get it."""

    damage_id: int
    status: Annotated[
        Literal["IN_REVIEW", "APPROVED", "REJECTED"], Meta(description="IN_REVIEW: staff will look at it.")
    ]
    vehicle_id: int
    ride_id: int | None
    category: str
    at: UnixSeconds
    message: str
    image_faults: Annotated[
        list[list[str]], Meta(description="Of each picture, in the order sent: why it shows little; empty: it is good.")
    ]

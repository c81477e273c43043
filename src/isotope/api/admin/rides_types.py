"""Requests and answers about rides on the dashboard. Names of fields that existing integrations parse are theirs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.admin.list_types import (
    Comments,
    DateRangeField,
    Export,
    ModelIds,
    NextBookmark,
    NumberRange,
    PageBookmark,
    PageLength,
    PreviousBookmark,
    SameBookmark,
    SearchText,
)
from isotope.api.fields import Id
from isotope.api.sharing_types import Coordinates, CurrencyCode, UnixSeconds
from isotope.api.user_types import Amount

ParkingQuality = Literal["GOOD", "ACCEPTABLE", "BAD"]


class AdminRidesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which rides."""

    ride_status: Annotated[
        Literal["ACTIVE", "ENDED", "IN_REVIEW"],
        Meta(description="IN_REVIEW: ended, and staff are to look at how.", examples=["ENDED"]),
    ]
    page_length: PageLength = 50
    search: Annotated[
        SearchText,
        Meta(description="The ride's number; the vehicle's number or IMEI; the rider's name, e-mail, phone."),
    ] = None
    date_range: Annotated[DateRangeField, Meta(description="When they began, by the operator's clock.")] = None
    distance: Annotated[NumberRange | None, Meta(description="Kilometres.")] = None
    duration: Annotated[NumberRange | None, Meta(description="Minutes; of an active ride until now.")] = None
    models: ModelIds = None
    export: Export = False
    feedback: Annotated[NumberRange | None, Meta(description="The rider's rating, 1 to 5.")] = None
    comments: Annotated[Comments | None, Meta(description="Whether the rider wrote something with the rating.")] = None
    parking_quality: Annotated[
        Annotated[list[Literal["ALL", "GOOD", "ACCEPTABLE", "BAD", "NOT_RATED"]], Meta(max_length=10)] | None,
        Meta(description="What staff made of the parking. Null, empty, and what has `ALL` in it: all."),
    ] = None
    page_bookmark: PageBookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None


class AdminRide(msgspec.Struct, frozen=True, kw_only=True):
    """A ride. Its rider is masked for roles that do not see people."""

    id: int
    status: Annotated[str, Meta(description="As it is kept.", examples=["ENDED"])]
    outcome: Annotated[str | None, Meta(description="Why it ended.", examples=["by_rider"])]
    start_time: Annotated[str, Meta(description="By the operator's clock.", examples=["2026-06-01 12:30:00"])]
    started_at: UnixSeconds
    end_time: Annotated[str | None, Meta(description="Null while it goes on.")]
    ended_at: UnixSeconds | None
    vehicle_id: int
    vehicle_number: str
    vehicle_model_id: int
    kilometers: Annotated[str, Meta(examples=["1.2 km"])]
    distance_meters: int | None
    time: Annotated[str, Meta(description="Of an active ride until now.", examples=["12 min"])]
    duration_seconds: int
    price: Annotated[Amount | None, Meta(description="Null while it goes on.")]
    charged_balance: Amount | None
    charged_bonus: Amount | None
    charged_card: Amount | None
    pending: Annotated[Amount | None, Meta(description="What a card is still asked for.")]
    debt: Amount | None
    currency_code: CurrencyCode
    feedback: Annotated[int | None, Meta(description="The rider's rating.")]
    comment: str | None
    start_location: Coordinates
    end_location: Annotated[Coordinates | None, Meta(description="Null while it goes on.")]
    user_end_location: Annotated[
        Coordinates | None,
        Meta(description="Always null: where the phone was is not kept beside where the ride ended."),
    ]
    image: Annotated[
        str | None, Meta(description="A link to the first photo of the parked vehicle; works for an hour.")
    ]
    images: list[str]
    review_status: Annotated[str | None, Meta(description="IN_REVIEW, APPROVED, REJECTED; null: nobody need look.")]
    review_reasons: Annotated[list[str], Meta(examples=[["photo_missing"]])]
    parking_quality: ParkingQuality | None
    user_id: int
    user_name: str
    phone: str
    email: str


class AdminRides(msgspec.Struct, frozen=True, kw_only=True):
    """A page of rides, the newest first."""

    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark
    has_next_page: bool
    has_previous_page: bool
    data: list[AdminRide]


class AdminRideExported(msgspec.Struct, frozen=True, kw_only=True):
    """A ride in the export form."""

    id: int
    status: str
    outcome: str | None
    started_at: UnixSeconds
    ended_at: UnixSeconds | None
    duration_seconds: int
    distance_meters: int | None
    vehicle_id: int
    vehicle_number: str
    vehicle_model_id: int
    user_id: int
    user_name: str
    phone: str
    email: str
    price: Amount | None
    charged_balance: Amount | None
    charged_bonus: Amount | None
    charged_card: Amount | None
    pending: Amount | None
    debt: Amount | None
    currency_code: CurrencyCode
    feedback: int | None
    comment: str | None
    start_latitude: float
    start_longitude: float
    end_latitude: float | None
    end_longitude: float | None
    review_status: str | None
    review_reasons: str
    parking_quality: str | None


class AdminRidesExport(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the export."""

    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark
    has_next_page: bool
    has_previous_page: bool
    data: list[AdminRideExported]


class ForceEndRideRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which ride, and why."""

    ride_id: Annotated[Id, Meta(examples=[12])]
    reason: Annotated[
        Annotated[str, Meta(min_length=1, max_length=500)] | None, Meta(description="Kept with the ride.")
    ] = None


class RideForcedToEnd(msgspec.Struct, frozen=True, kw_only=True):
    """It is ended."""

    message: Annotated[str, Meta(examples=["Ride 12 is ended; it costs 2.60 EUR."])]
    ride_id: int
    ended_at: UnixSeconds
    price: Amount
    currency_code: CurrencyCode

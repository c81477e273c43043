"""Requests and answers of the lists of the section Taxi dashboard."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.admin.list_types import (
    Comments,
    DateRangeField,
    Export,
    NextBookmark,
    NullableExport,
    NumberRange,
    PageBookmark,
    PageLength,
    PageNumber,
    PreviousBookmark,
    SameBookmark,
    SearchText,
)
from isotope.api.sharing_types import Coordinates, CurrencyCode, UnixSeconds
from isotope.api.taxi_list_types import PresenceName, TaxiListedDriver, TaxiListedRide
from isotope.api.taxi_types import RideStatusName
from isotope.api.user_types import Amount

_Classes = Annotated[
    Annotated[list[Annotated[int, Meta(ge=0)]], Meta(max_length=1_000)] | None,
    Meta(description="Numbers of classes. Null, empty and `[0]`: all."),
]


class AdminTaxiRidesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trips."""

    ride_status: Annotated[RideStatusName, Meta(examples=["RIDE_ENDED"])]
    page_length: PageLength = 50
    search: Annotated[
        SearchText,
        Meta(description="The number of a trip; name, e-mail or phone of its rider; its driver's name; the plate."),
    ] = None
    date_range: DateRangeField = None
    distance: Annotated[NumberRange | None, Meta(description="Kilometres: quoted, of an ended trip driven.")] = None
    duration: Annotated[NumberRange | None, Meta(description="Minutes: quoted, of an ended trip what it took.")] = None
    feedback: Annotated[NumberRange | None, Meta(description="The rider's rating, 1 to 5.")] = None
    models: _Classes = None
    export: Export = False
    comments: Annotated[
        Comments | None, Meta(description="AVAILABLE: the rider wrote something with the rating; EMPTY: did not.")
    ] = None
    page_bookmark: PageBookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None


class AdminTaxiRides(msgspec.Struct, frozen=True, kw_only=True):
    """A page of trips, the newest request first."""

    data: list[TaxiListedRide]
    has_next_page: bool
    has_previous_page: bool
    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark


class TaxiRideRow(msgspec.Struct, frozen=True, kw_only=True):
    """A trip in the export form."""

    ride_id: int
    status: RideStatusName
    outcome: str | None
    class_id: int
    class_title: str
    user_id: int | None
    user_name: str | None
    user_email: str | None
    user_phone: str | None
    driver_id: int | None
    driver_name: str | None
    plate: str | None
    from_title: str
    from_latitude: float
    from_longitude: float
    to_title: str
    to_latitude: float
    to_longitude: float
    requested_at: UnixSeconds
    scheduled_at: UnixSeconds | None
    accepted_at: UnixSeconds | None
    arrived_at: UnixSeconds | None
    started_at: UnixSeconds | None
    ended_at: UnixSeconds | None
    distance_meters: int
    travel_time_seconds: int
    payment_type: str
    price: Amount
    total: Amount
    driver_earned: Amount
    currency_code: CurrencyCode
    rating: int | None
    rating_comment: str | None
    comment: str


class AdminTaxiRidesExport(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the export."""

    data: list[TaxiRideRow]
    has_next_page: bool
    has_previous_page: bool
    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark


class AdminTaxiDriversRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which drivers."""

    filter: Annotated[
        Annotated[list[PresenceName], Meta(max_length=10)] | None, Meta(description="Null and empty: all.")
    ] = None
    page_length: PageLength = 50
    page: PageNumber = 1
    search: Annotated[SearchText, Meta(description="First or last name, and plates that the driver may drive.")] = None
    map_view: Annotated[bool | None, Meta(description="Where the drivers are, and nothing else.")] = None
    page_bookmark: Annotated[PageBookmark, Meta(description="Goes before `page`.")] = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None
    export: NullableExport = None
    class_ids: _Classes = None


class TaxiDriverOnMap(msgspec.Struct, frozen=True, kw_only=True):
    """A driver on the map."""

    id: int
    name: str
    status: PresenceName
    coordinates: Coordinates | None
    position_at: UnixSeconds | None
    ride_id: Annotated[int | None, Meta(description="The trip that the driver is busy with.")]
    plate: str | None


class AdminTaxiDrivers(msgspec.Struct, frozen=True, kw_only=True):
    """A page of drivers, who was registered last first."""

    has_next_page: bool
    record_count: Annotated[int, Meta(description="How many there are on all pages.")]
    data: list[TaxiListedDriver]
    bookmark_next: NextBookmark


class TaxiDriversOnMap(msgspec.Struct, frozen=True, kw_only=True):
    """The light form, with `map_view`."""

    has_next_page: bool
    record_count: int
    data: list[TaxiDriverOnMap]
    bookmark_next: NextBookmark


class TaxiDriverRow(msgspec.Struct, frozen=True, kw_only=True):
    """A driver in the export form."""

    driver_id: int
    name: str
    email: str
    phone: str
    status: PresenceName
    is_blocked: bool
    vehicle: str | None
    plate: str | None
    latitude: float | None
    longitude: float | None
    position_at: UnixSeconds | None
    last_seen_at: UnixSeconds | None
    rides: int
    rating: float | None
    ratings: int
    is_cash_allowed: bool
    balance: Amount | None
    currency_code: CurrencyCode
    registered_at: UnixSeconds


class AdminTaxiDriversExport(msgspec.Struct, frozen=True, kw_only=True):
    """A page of the export."""

    has_next_page: bool
    record_count: int
    data: list[TaxiDriverRow]
    bookmark_next: NextBookmark

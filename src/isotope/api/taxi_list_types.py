"""Requests and answers of the lists of the section Taxi that an operator's own systems read."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.sharing_types import Coordinates, CurrencyCode, UnixSeconds
from isotope.api.taxi_types import Metres, PaymentName, RideStatusName, Seconds, TaxiPaid, TaxiWaypoint
from isotope.api.user_types import Amount

PresenceName = Literal["ONLINE", "OFFLINE", "NO_CONNECTION"]
_MOST_PAGE = 1_000_000
Page = Annotated[int, Meta(ge=1, le=_MOST_PAGE, description="The number of the page, from 1.", examples=[1])]
PageLength = Annotated[int, Meta(ge=1, le=100, description="How many a page has.", examples=[20])]
Day = Annotated[
    str | None,
    Meta(description="A day by the operator's clock, both ends counted.", examples=["2026-12-24"]),
]
_Search = Annotated[str, Meta(max_length=200)]


class TaxiRidesListRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which trips."""

    page: Page = 1
    page_length: PageLength = 20
    search: Annotated[
        _Search | None,
        Meta(description="The number of a trip; name, email or phone of its rider; the plate.", examples=["ABC-123"]),
    ] = None
    status: Annotated[RideStatusName | None, Meta(examples=["RIDE_ENDED"])] = None
    date_from: Annotated[Day, Meta(description="Requested on this day or later, YYYY-MM-DD.")] = None
    date_to: Annotated[Day, Meta(description="Requested on this day or earlier, YYYY-MM-DD.")] = None


class TaxiRideCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """Who ordered."""

    user_id: int
    name: str
    email: str
    phone_prefix: str
    phone: str


class TaxiListedRideDriver(msgspec.Struct, frozen=True, kw_only=True):
    """Who drives, or promised to."""

    driver_id: int
    name: str
    phone_prefix: str
    phone: str


class TaxiListedRide(msgspec.Struct, frozen=True, kw_only=True):
    """A trip."""

    ride_id: int
    status: RideStatusName
    outcome: Annotated[str | None, Meta(description="Why it was over; null while it goes on.", examples=["driven"])]
    closed_by: Annotated[str | None, Meta(description="By whom.", examples=["rider:7"])]
    customer: Annotated[TaxiRideCustomer | None, Meta(description="Null: the account was erased.")]
    driver: TaxiListedRideDriver | None
    vehicle: Annotated[str | None, Meta(examples=["Toyota Prius"])]
    plate: Annotated[str | None, Meta(examples=["ABC-123"])]
    class_id: int
    class_title: str
    waypoints: list[TaxiWaypoint]
    requested_at: UnixSeconds
    scheduled_at: UnixSeconds | None
    accepted_at: UnixSeconds | None
    arrived_at: UnixSeconds | None
    started_at: UnixSeconds | None
    ended_at: UnixSeconds | None
    distance_meters: Annotated[Metres, Meta(description="Quoted; of an ended trip what was driven.")]
    travel_time_seconds: Annotated[Seconds, Meta(description="Quoted; of an ended trip what it took.")]
    price: Annotated[Amount, Meta(description="As it was agreed.")]
    total: Annotated[Amount, Meta(description="The fare or the fee that was asked for; 0 while nothing was.")]
    paid: TaxiPaid
    driver_earned: Annotated[Amount, Meta(description="What of it is the driver's.")]
    currency_code: CurrencyCode
    payment_type: PaymentName
    comment: str
    rating: Annotated[int | None, Meta(description="By the rider, 1 to 5.")]
    rating_comment: str | None


class TaxiRidesList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of trips, the newest first."""

    has_next_page: bool
    record_count: Annotated[int, Meta(description="How many there are on all pages.")]
    data: list[TaxiListedRide]


class TaxiCustomersListRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which riders."""

    page: Page = 1
    page_length: PageLength = 20
    search: Annotated[_Search | None, Meta(description="First or last name, email, phone.", examples=["rita"])] = None


class TaxiCustomer(msgspec.Struct, frozen=True, kw_only=True):
    """A rider who has ordered taxis."""

    user_id: int
    name: str
    email: str
    phone_prefix: str
    phone: str
    is_blocked: bool
    registered_at: UnixSeconds
    rides: Annotated[int, Meta(description="How many trips were ordered.")]
    ended_rides: int
    canceled_rides: int
    last_ride_at: Annotated[UnixSeconds, Meta(description="When the last one was ordered.")]
    total_spent: Annotated[Amount, Meta(description="Fares and fees, less what was refunded.")]
    debt: Annotated[Amount, Meta(description="Owed to the operator now, for whatever.")]
    currency_code: CurrencyCode


class TaxiCustomersList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of riders who have ordered taxis, the newest account first."""

    has_next_page: bool
    record_count: Annotated[int, Meta(description="How many there are on all pages.")]
    data: list[TaxiCustomer]


class TaxiDriversListRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which drivers."""

    page: Page = 1
    page_length: PageLength = 20
    search: Annotated[
        _Search | None,
        Meta(description="First or last name, email, phone, the plate of a vehicle they may drive.", examples=["aino"]),
    ] = None
    status: Annotated[PresenceName | None, Meta(examples=["ONLINE"])] = None


class TaxiListedDriver(msgspec.Struct, frozen=True, kw_only=True):
    """A driver."""

    driver_id: int
    name: str
    email: str
    phone_prefix: str
    phone: str
    status: Annotated[PresenceName, Meta(description="`NO_CONNECTION`: means to work, and was not heard of lately.")]
    is_blocked: bool
    class_ids: Annotated[list[int], Meta(description="Whose trips the driver takes now.")]
    vehicle: Annotated[str | None, Meta(description="What is driven now.", examples=["Toyota Prius"])]
    vehicle_color: str | None
    plate: str | None
    coordinates: Annotated[Coordinates | None, Meta(description="Where the driver was last; null while offline.")]
    position_at: UnixSeconds | None
    last_seen_at: UnixSeconds | None
    ride_id: Annotated[int | None, Meta(description="The trip that the driver is busy with.")]
    rides: Annotated[int, Meta(description="How many trips were driven.")]
    rating: Annotated[float | None, Meta(description="The average, 1 to 5; null: nobody has rated.")]
    ratings: Annotated[int, Meta(description="How many have rated.")]
    is_cash_allowed: bool
    balance: Annotated[Amount, Meta(description="What the operator owes the driver; below 0 what the driver owes.")]
    currency_code: CurrencyCode
    registered_at: UnixSeconds


class TaxiDriversList(msgspec.Struct, frozen=True, kw_only=True):
    """A page of drivers, by name."""

    has_next_page: bool
    record_count: Annotated[int, Meta(description="How many there are on all pages.")]
    data: list[TaxiListedDriver]

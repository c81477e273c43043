"""Requests and answers about bookings that are picked up, extended and brought back, in the words of `rental_types`."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, Latitude, Longitude, UserId
from isotope.api.money_types import BillLine
from isotope.api.rental_types import LocalDate, Rental, RentalVehicle
from isotope.api.sharing_types import CurrencyCode, UnixSeconds
from isotope.api.upload import Upload
from isotope.api.user_types import Amount

BookingIdField = Annotated[Id, Meta(description="The booking by its id.")]
Pictures = Annotated[
    Annotated[list[Upload], Meta(max_length=8)] | None,
    Meta(
        description="Pictures of the vehicle as it stands, all in fields of this name: JPEG, PNG or WebP by their "
        "content, at most 8 of 10 MiB each."
    ),
]


class PickUpRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking, and how its vehicle looks."""

    booking_id: BookingIdField
    images: Pictures = None
    user_id: UserId = None


class ReturnVehicleRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking, how its vehicle looks, and where the phone is."""

    booking_id: BookingIdField
    user_longitude: Longitude | None = None
    user_latitude: Latitude | None = None
    user_location_timestamp: Annotated[
        Annotated[int, Meta(ge=0, le=253_402_300_799_999)] | None,
        Meta(
            description="When the position was fixed: Unix seconds (milliseconds are understood). It is used while the "
            "vehicle does not tell where it is.",
            examples=[1767225600],
        ),
    ] = None
    images: Pictures = None
    user_id: UserId = None


class ByBookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking."""

    booking_id: BookingIdField
    user_id: UserId = None


class ExtensionRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking, until when."""

    booking_id: BookingIdField
    return_date: LocalDate
    user_id: UserId = None


class ExtendBookingRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which booking, until when."""

    booking_id: BookingIdField
    return_date: LocalDate
    user_id: UserId = None


class DrivenBooking(msgspec.Struct, frozen=True, kw_only=True):
    """The booking as it is now."""

    status: Annotated[int, Meta(description="1: done.", examples=[1])]
    message: str
    rental: Rental
    vehicle: RentalVehicle
    manual_locker_code: Annotated[str, Meta(description="Opens the vehicle's lock by hand; empty: it has none.")] = ""


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """What `extend-booking` would cost."""

    booking_id: int
    return_date: Annotated[str, Meta(examples=["2026-12-24T12:00:00+02:00"])]
    latest_return_date: Annotated[
        str, Meta(description="Until when the vehicle can be kept.", examples=["2026-12-24T18:00:00+02:00"])
    ]
    total: Annotated[Amount, Meta(description="On top of what was paid; tax included.")]
    tax: Amount
    currency_code: CurrencyCode
    lines: list[BillLine]


class ExtendedBooking(msgspec.Struct, frozen=True, kw_only=True):
    """The booking with its new end."""

    status: Annotated[
        int, Meta(description="1: done and paid. 2: the card is being asked; if it says no, the old end counts again.")
    ]
    message: str
    redirect_url: Annotated[str | None, Meta(description="Where the rider confirms the payment; null: nowhere.")]
    rental: Rental
    vehicle: RentalVehicle


class BookingEvent(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to the booking."""

    kind: Annotated[str, Meta(examples=["picked_up"])]
    at: UnixSeconds


class BookingPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture of the vehicle, behind a link that ends."""

    taken: Annotated[str, Meta(examples=["BEFORE"])]
    at: UnixSeconds
    url: str


class WholeBooking(msgspec.Struct, frozen=True, kw_only=True):
    """A booking with all that happened to it."""

    rental: Rental
    vehicle: RentalVehicle
    events: Annotated[list[BookingEvent], Meta(description="Oldest first.")]
    pictures: Annotated[list[BookingPicture], Meta(description="Oldest first.")]

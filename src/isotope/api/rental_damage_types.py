"""Requests and answers about damage on booked vehicles."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.fields import Id, UserId
from isotope.api.history_types import Words
from isotope.api.sharing_types import UnixSeconds
from isotope.api.upload import Upload


class ReportBookingDamageRequest(msgspec.Struct, frozen=True, kw_only=True):
    """On the vehicle of which booking, and what."""

    booking_id: Annotated[Id, Meta(description="The booking by its id: UPCOMING, ACTIVE or ENDED.")]
    category: Annotated[
        Annotated[str, Meta(max_length=40)],
        Meta(description="One of the operator's categories; a wrong one is told which there are.", examples=["brakes"]),
    ]
    description: Words | None = None
    images: Annotated[
        Annotated[list[Upload], Meta(max_length=8)] | None,
        Meta(description="Pictures of the damage: JPEG, PNG or WebP by their content, at most 8 of 10 MiB each."),
    ] = None
    user_id: UserId = None


class ReportedBookingDamage(msgspec.Struct, frozen=True, kw_only=True):
    """The report, as staff get it."""

    damage_id: int
    status: Annotated[
        Literal["IN_REVIEW", "APPROVED", "REJECTED"], Meta(description="IN_REVIEW: staff will look at it.")
    ]
    booking_id: int
    vehicle_id: int
    category: str
    at: UnixSeconds
    message: str
    image_faults: Annotated[
        list[list[str]], Meta(description="Of each picture, in the order sent: why it shows little; empty: it is good.")
    ]

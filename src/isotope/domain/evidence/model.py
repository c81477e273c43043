"""Pictures of vehicles, and damage that was reported."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Final, NewType

import msgspec

from isotope.kernel.ids import BookingId, OperatorId, RideId, RiderId, VehicleId

PictureId = NewType("PictureId", int)
DamageId = NewType("DamageId", int)


@dataclass(frozen=True, slots=True)
class Image:
    """A picture that was looked at: `content_type` is what its bytes say."""

    content: bytes
    content_type: str
    # What makes it useless as evidence, in stable words (`too_small`, ...); none: it is good.
    faults: tuple[str, ...] = ()
    # SHA-256 of the file as it was sent.
    digest: bytes = b""


@dataclass(frozen=True, slots=True)
class KeptImage:
    """A picture that the blob store has; if that was away (`not_kept`), `key` is empty."""

    key: str
    content_type: str
    size: int
    faults: tuple[str, ...] = ()
    digest: bytes = b""

    @property
    def is_kept(self) -> bool:
        return bool(self.key)


class PictureOf(StrEnum):
    """What a picture shows: a parked vehicle after a ride, one before or after a booking, damage, a driver's document.

    The word stands in links.
    """

    RIDE = "ride"
    BOOKING = "booking"
    DAMAGE = "damage"
    DOCUMENT = "document"


# What riders send. Documents have drivers, who keep them for as long as they drive.
OF_RIDERS: Final = (PictureOf.RIDE, PictureOf.BOOKING, PictureOf.DAMAGE)


class Taken(StrEnum):
    """When a booking's vehicle was pictured: before it was driven off, or after it was brought back."""

    BEFORE = "BEFORE"
    AFTER = "AFTER"


@dataclass(frozen=True, slots=True)
class Shows:
    """What pictures are of: `subject_id` is the ride's, booking's or report's number; None: it has none yet.

    `taken`: of bookings alone.
    """

    of: PictureOf
    subject_id: int | None = None
    taken: Taken | None = None


class StoredPicture(msgspec.Struct, frozen=True, kw_only=True):
    """A picture that the blob store has."""

    operator_id: OperatorId
    of: PictureOf
    id: PictureId
    subject_id: int
    blob_key: str
    content_type: str
    faults: tuple[str, ...]
    at: datetime
    taken: Taken | None = None


@dataclass(frozen=True, slots=True)
class LinkedPicture:
    """A picture and the link that opens it for a while."""

    picture: StoredPicture
    link: str


class Damage(msgspec.Struct, frozen=True, kw_only=True):
    """A report of damage, which staff look at."""

    operator_id: OperatorId
    id: DamageId
    rider_id: RiderId
    vehicle_id: VehicleId
    ride_id: RideId | None
    booking_id: BookingId | None
    category: str
    description: str
    status: str
    at: datetime

"""Requests and answers about notes on vehicles."""

from typing import Annotated

import msgspec
from msgspec import Meta

from isotope.api.fields import Id
from isotope.api.sharing_types import UnixSeconds


class VehicleNotesRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of which vehicle."""

    vehicle_id: Annotated[Id, Meta(examples=[42])]


class CreateVehicleNoteRequest(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be written down."""

    vehicle_id: Annotated[Id, Meta(examples=[42])]
    notes: Annotated[str, Meta(min_length=1, max_length=4_000, examples=["The left brake squeaks"])]


class VehicleNoteShown(msgspec.Struct, frozen=True, kw_only=True):
    """A note."""

    id: int
    vehicle_id: int
    notes: str
    date: UnixSeconds
    created_by: Annotated[str, Meta(description="The e-mail address of who wrote it.")]


class VehicleNotes(msgspec.Struct, frozen=True, kw_only=True):
    """The newest first, at most 500."""

    data: list[VehicleNoteShown]


class VehicleNoteCreated(msgspec.Struct, frozen=True, kw_only=True):
    """The note."""

    data: VehicleNoteShown

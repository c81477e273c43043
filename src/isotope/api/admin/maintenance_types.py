"""Requests and answers about planned work on vehicles."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.bookmarks import MOST_BOOKMARK
from isotope.api.fields import Id

Bookmark = Annotated[str, Meta(max_length=MOST_BOOKMARK)]
At = Annotated[int, Meta(ge=1, le=9_999_999_999, description="Unix seconds.")]


class PlanMaintenanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicle, by id or number, from when to when, and for what."""

    vehicle_id: Annotated[Id | None, Meta(description="Or `vehicle_number`.")] = None
    vehicle_number: Annotated[
        Annotated[str, Meta(min_length=1, max_length=64)] | None, Meta(description="As printed on it.")
    ] = None
    starts_at: At
    ends_at: At
    task_type: Annotated[
        str, Meta(pattern="^[a-z0-9_]{1,64}$", description="The kind of work.", examples=["check_up_required"])
    ] = "check_up_required"
    priority: Literal["LOW", "MEDIUM", "HIGH"] = "MEDIUM"
    description: Annotated[str, Meta(max_length=1_000)] = ""


class CancelMaintenanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which work."""

    task_id: Id


class MaintenanceRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of which vehicle, of which time, and which page."""

    vehicle_id: Annotated[Id | None, Meta(description="Null: of all.")] = None
    since: Annotated[At | None, Meta(description="Unix seconds: that ends after this; null: after now.")] = None
    until: Annotated[At | None, Meta(description="Unix seconds: that begins before this.")] = None
    page_length: Annotated[int, Meta(ge=1, le=100)] = 50
    page_bookmark: Annotated[Bookmark | None, Meta(description="`bookmark_next` of the page before.")] = None
    bookmark_next: Annotated[Bookmark | None, Meta(description="The same.")] = None
    bookmark: Annotated[Bookmark | None, Meta(description="The same.")] = None


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work. While its time lasts nobody can book the vehicle."""

    task_id: int
    vehicle_id: int
    vehicle_number: str
    task_type: str
    priority: Literal["LOW", "MEDIUM", "HIGH"]
    stage: Annotated[Literal["TODO", "DONE", "DELETED"], Meta(description="DELETED: it was cancelled.")]
    description: str
    starts_at: Annotated[int, Meta(description="Unix seconds.")]
    ends_at: Annotated[int, Meta(description="Unix seconds.")]
    by: Annotated[str, Meta(description="Who planned it.", examples=["staff:3"])]


class PlannedMaintenance(msgspec.Struct, frozen=True, kw_only=True):
    """A page, what begins first first."""

    data: list[Maintenance]
    has_next_page: bool
    bookmark_next: str | None

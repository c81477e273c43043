"""Requests and answers about alerts of vehicles. Names of fields that existing integrations parse are theirs."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from isotope.api.bookmarks import MOST_BOOKMARK

Since = Literal["LAST_1_DAY", "LAST_2_DAYS", "LAST_7_DAYS", "LAST_30_DAYS"]
Bookmark = Annotated[str, Meta(max_length=MOST_BOOKMARK)]


class VehicleAlertsRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Since when, and which page."""

    filter: Annotated[Since, Meta(description="When they were raised.")] = "LAST_30_DAYS"
    page_length: Annotated[int, Meta(ge=1, le=100)] = 50
    page_bookmark: Annotated[Bookmark | None, Meta(description="`bookmark_next` of the page before.")] = None
    bookmark_next: Annotated[Bookmark | None, Meta(description="The same.")] = None
    bookmark: Annotated[Bookmark | None, Meta(description="The same.")] = None


class VehicleAlert(msgspec.Struct, frozen=True, kw_only=True):
    """Why staff were called to a vehicle, and the task that came with it."""

    id: int
    timestamp: Annotated[int, Meta(description="When it was raised, Unix seconds.")]
    alert_type: Annotated[str, Meta(examples=["CONTACT_LOST"])]
    vehicle_id: int
    vehicle_nr: str
    ride_id: Annotated[int | None, Meta(description="The ride that it is about.")]
    cleared_at: Annotated[int | None, Meta(description="Since when it is so no more; null: it still is.")]
    task_id: Annotated[int | None, Meta(description="Null: such a task stood already.")]
    task_type: Annotated[str | None, Meta(examples=["out_of_parking_zone"])]
    task_stage: Annotated[str | None, Meta(examples=["TODO"])]
    subaccount_id: Annotated[int | None, Meta(description="Always null: an operator has no sub-accounts.")] = None


class VehicleAlerts(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first."""

    data: list[VehicleAlert]
    has_next_page: bool
    bookmark_next: str | None

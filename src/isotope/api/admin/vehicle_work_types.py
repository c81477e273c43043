"""Requests and answers about what staff do with vehicles. Names of fields that existing integrations parse are theirs."""

from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from isotope.api.admin.list_types import (
    DateRangeField,
    ListLength,
    NextBookmark,
    PageBookmark,
    PreviousBookmark,
    SameBookmark,
)
from isotope.api.fields import Id
from isotope.api.sharing_types import Coordinates, UnixSeconds

StatusByHand = Literal[
    "READY",
    "NOT_READY",
    "DISCHARGED",
    "STOLEN",
    "NEED_INVESTIGATION",
    "NEED_SERVICE",
    "CHARGING",
    "TRANSPORTATION",
    "STORAGE",
    "DEPRECATED",
]


class ChangeVehicleStatusRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which vehicles, and what they are from now on."""

    status: Annotated[StatusByHand, Meta(examples=["NEED_SERVICE"])]
    vehicle_ids: Annotated[
        Annotated[list[Id], Meta(max_length=500)] | None, Meta(description="One or many.", examples=[[42, 43]])
    ] = None
    vehicle_id: Annotated[Id | None, Meta(description="The same for one; one of both must be sent.")] = None


class VehicleStatusResult(msgspec.Struct, frozen=True, kw_only=True):
    """What became of one vehicle."""

    vehicle_id: int
    vehicle_nr: Annotated[str | None, Meta(description="Null: there is no such vehicle.")]
    is_changed: Annotated[bool, Meta(description="Whether it has the status now.")]
    status: Annotated[str | None, Meta(description="What it has now.", examples=["NEED_SERVICE"])]
    code: Annotated[str | None, Meta(description="Why not; null where it was done.", examples=["vehicle_held"])]
    message: str | None


class VehicleStatusChanged(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    status: Annotated[str, Meta(description="What was asked for.", examples=["NEED_SERVICE"])]
    message: Annotated[str, Meta(description="In words.")]
    results: Annotated[list[VehicleStatusResult], Meta(description="Each vehicle, in the order in which it was named.")]


class EmployeeActivityRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Which changes."""

    filter: Annotated[
        Literal["VEHICLE_STATUS_CHANGE"] | None, Meta(description="What is logged; there is this one kind.")
    ] = None
    admin_id: Annotated[Id | None, Meta(description="Of one member of staff.")] = None
    vehicle_id: Annotated[Id | None, Meta(description="Of one vehicle.")] = None
    date_range: DateRangeField = None
    page_length: ListLength = 50
    page_bookmark: PageBookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None


class EmployeeActivity(msgspec.Struct, frozen=True, kw_only=True):
    """Who changed a vehicle's status, from what to what, where, and how the vehicle was then."""

    id: int
    date: UnixSeconds
    admin_id: int
    admin_email: str
    vehicle_id: int
    vehicle_nr: str
    status_from: str
    status_to: str
    coordinates: Annotated[Coordinates | None, Meta(description="Null: nothing was known of it then.")]
    vehicle_battery: int | None
    last_iot_update_date: Annotated[UnixSeconds | None, Meta(description="When its unit was heard last before that.")]
    last_ride_date: Annotated[UnixSeconds | None, Meta(description="When the last ride before that ended.")]


class EmployeeActivityLog(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first."""

    data: list[EmployeeActivity]
    has_next_page: bool
    has_previous_page: bool
    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark


class VehicleActivityRequest(msgspec.Struct, frozen=True, kw_only=True):
    """Of which vehicle."""

    vehicle_id: Annotated[Id, Meta(examples=[42])]
    page_length: ListLength = 50
    page_bookmark: PageBookmark = None
    bookmark_next: SameBookmark = None
    bookmark: SameBookmark = None


class VehicleActivity(msgspec.Struct, frozen=True, kw_only=True):
    """Something that happened to it."""

    date: UnixSeconds
    user: Annotated[str, Meta(description="The e-mail address of staff, `rider:7`, `system`.", examples=["a@b.test"])]
    action: Annotated[
        str,
        Meta(
            description="status, note, task, task_done, alert, alert_cleared, ride, damage, command.",
            examples=["status"],
        ),
    ]
    description: Annotated[str, Meta(examples=["READY to NEED_SERVICE"])]
    details: Annotated[dict[str, Any], Meta(description="The same for programs; what there is differs by action.")]


class VehicleActivities(msgspec.Struct, frozen=True, kw_only=True):
    """A page, newest first."""

    data: list[VehicleActivity]
    has_next_page: bool
    has_previous_page: bool
    bookmark_next: NextBookmark
    bookmark_previous: PreviousBookmark

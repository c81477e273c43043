"""What staff did, and what happened to a vehicle."""

from collections.abc import Mapping
from typing import Any, Final

from isotope.api.admin.lists import days_of, length_of, scope
from isotope.api.admin.vehicle_work_types import (
    EmployeeActivity,
    EmployeeActivityLog,
    EmployeeActivityRequest,
    VehicleActivities,
    VehicleActivity,
    VehicleActivityRequest,
)
from isotope.api.keyset import Marked, marks_of
from isotope.api.operation import Auth, Call, operation
from isotope.api.sharing.views import coordinates
from isotope.dashboards.activity import ActivityRow, StatusChangeRow, list_activity, list_status_changes
from isotope.dashboards.paging import Paging
from isotope.domain.fleet import get_vehicle, must_be_of
from isotope.domain.tenants import Right
from isotope.kernel.errors import Kind
from isotope.kernel.geo import Point
from isotope.kernel.ids import VehicleId

_TAG: Final = "Sharing dashboard"
_AROUND: Final = {
    "has_next_page": False,
    "has_previous_page": False,
    "bookmark_next": None,
    "bookmark_previous": None,
}


@operation(
    id="employee_activity_log",
    tag=_TAG,
    title="Employee activity log",
    method="POST",
    path="/api/v2/admin/employee-activity-log",
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=EmployeeActivityRequest,
    response=EmployeeActivityLog,
    request_example={"filter": "VEHICLE_STATUS_CHANGE"},
    response_example={
        "data": [
            {
                "id": 9,
                "date": 1_780_000_000,
                "admin_id": 3,
                "admin_email": "sam@city.example",
                "vehicle_id": 42,
                "vehicle_nr": "1001",
                "status_from": "READY",
                "status_to": "NEED_SERVICE",
                "coordinates": {"latitude": 60.1699, "longitude": 24.9384},
                "vehicle_battery": 80,
                "last_iot_update_date": 1_779_999_990,
                "last_ride_date": 1_779_990_000,
            }
        ],
        **_AROUND,
    },
)
async def employee_activity_log(call: Call[EmployeeActivityRequest]) -> EmployeeActivityLog:
    """Every status of a vehicle that staff changed, newest first."""
    body = call.body
    since, until = days_of(call, body.date_range)
    marks = await marks_of(call, "employee_activity")
    place = marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    async with call.services.rt.db.read() as tx:
        found = await list_status_changes(
            tx,
            scope(call),
            Paging(length_of(body.page_length, export=False), place),
            since=since,
            until=until,
            staff_id=body.admin_id,
            vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        )
    page = marks.page(found, lambda row: (row.at, row.id))
    return EmployeeActivityLog(data=[_change(row) for row in page.rows], **_around(page))


@operation(
    id="vehicle_activity",
    tag=_TAG,
    title="Activity of a vehicle",
    method="POST",
    path="/api/v2/admin/vehicles/activity",
    auth=Auth.STAFF,
    right=Right.LOOK,
    subaccounts=True,
    request=VehicleActivityRequest,
    response=VehicleActivities,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"),),
    request_example={"vehicle_id": 42},
    response_example={
        "data": [
            {
                "date": 1_780_000_000,
                "user": "sam@city.example",
                "action": "status",
                "description": "READY to NEED_SERVICE",
                "details": {"from": "READY", "to": "NEED_SERVICE", "cause": "set_by_hand"},
            }
        ],
        **_AROUND,
    },
)
async def vehicle_activity(call: Call[VehicleActivityRequest]) -> VehicleActivities:
    """Everything that is written down about a vehicle, newest first: statuses, notes, tasks, alerts, rides, damage, commands."""
    body, operator_id = call.body, call.operator.id
    vehicle_id = VehicleId(body.vehicle_id)
    marks = await marks_of(call, f"vehicle_activity:{vehicle_id}")
    place = marks.read(body.page_bookmark, body.bookmark_next, body.bookmark)
    async with call.services.rt.db.read() as tx:
        await get_vehicle(tx, operator_id, vehicle_id=vehicle_id)
        await must_be_of(tx, operator_id, vehicle_id, call.staff().subaccount_id)
        paging = Paging(length_of(body.page_length, export=False), place)
        found = await list_activity(tx, scope(call), vehicle_id, paging)
    page = marks.page(found, lambda row: (row.at, row.id))
    return VehicleActivities(data=[_activity(row) for row in page.rows], **_around(page))


def _around(page: Marked[Any]) -> dict[str, Any]:
    return {
        "has_next_page": page.has_next_page,
        "has_previous_page": page.has_previous_page,
        "bookmark_next": page.bookmark_next,
        "bookmark_previous": page.bookmark_previous,
    }


def _change(row: StatusChangeRow) -> EmployeeActivity:
    return EmployeeActivity(
        id=row.id,
        date=int(row.at.timestamp()),
        admin_id=row.staff_id,
        admin_email=row.email,
        vehicle_id=row.vehicle_id,
        vehicle_nr=row.nr,
        status_from=row.from_status,
        status_to=row.to_status,
        coordinates=None if row.lat is None or row.lon is None else coordinates(Point(row.lat, row.lon)),
        vehicle_battery=row.battery_pct,
        last_iot_update_date=_heard(row),
        last_ride_date=None if row.last_ride_at is None else int(row.last_ride_at.timestamp()),
    )


def _heard(row: StatusChangeRow) -> int | None:
    """1970 stands for a unit that was never heard."""
    seconds = 0 if row.seen_at is None else int(row.seen_at.timestamp())
    return seconds or None


def _activity(row: ActivityRow) -> VehicleActivity:
    return VehicleActivity(
        date=int(row.at.timestamp()),
        user=row.email or row.actor,
        action=row.kind,
        description=_described(row),
        details=row.data,
    )


_WORDS: Final[Mapping[str, str]] = {
    "status": "{from} to {to}",
    "note": "{text}",
    "task": "{type} ({priority})",
    "task_done": "{type}",
    "alert": "{alert}",
    "alert_cleared": "{alert}",
    "ride": "Ride {ride_id}",
    "damage": "{category} ({status})",
    "command": "{command}: {status}",
}


def _described(row: ActivityRow) -> str:
    return _WORDS[row.kind].format_map(row.data)

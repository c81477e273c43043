"""Work on vehicles that staff plan for given dates."""

from datetime import UTC, datetime
from typing import Any, Final, Literal, cast

from isotope.api.admin.maintenance_types import (
    CancelMaintenanceRequest,
    Maintenance,
    MaintenanceRequest,
    PlanMaintenanceRequest,
    PlannedMaintenance,
)
from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.operation import Auth, Call, operation
from isotope.domain import fleet
from isotope.domain.tenants import Right
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import VehicleId

_TAG: Final = "Rental dashboard"
_BASE: Final = "/api/v2/admin/vehicle-maintenance"
_LIST: Final = "maintenance"
_ROLE: Final = (Kind.FORBIDDEN, "role_not_allowed")
_TASK: Final = {
    "task_id": 7,
    "vehicle_id": 42,
    "vehicle_number": "1001",
    "task_type": "check_up_required",
    "priority": "MEDIUM",
    "stage": "TODO",
    "description": "New tyres",
    "starts_at": 1_780_000_000,
    "ends_at": 1_780_014_400,
    "by": "staff:3",
}


@operation(
    id="plan_vehicle_maintenance",
    tag=_TAG,
    title="Plan work on a vehicle",
    method="POST",
    path=f"{_BASE}/plan",
    auth=Auth.STAFF,
    right=Right.WORK_ON_VEHICLES,
    request=PlanMaintenanceRequest,
    response=Maintenance,
    refusals=(
        _ROLE,
        (Kind.NOT_FOUND, "vehicle_not_found"),
        (Kind.CONFLICT, "maintenance_dates"),
        (Kind.CONFLICT, "maintenance_in_the_way"),
        (Kind.CONFLICT, "vehicle_held"),
    ),
    request_example={
        "vehicle_id": 42,
        "starts_at": 1_780_000_000,
        "ends_at": 1_780_014_400,
        "description": "New tyres",
    },
    response_example=_TASK,
    idempotent=True,
)
async def plan_vehicle_maintenance(call: Call[PlanMaintenanceRequest]) -> Maintenance:
    """Takes a vehicle out of what can be booked for given dates. For owner, manager and operator.

    Refused with the booking that is in the way (`details`), if there is one: cancel or move that first. Shortly before
    the dates no ride starts on the vehicle.
    """
    body = call.body
    if body.vehicle_id is None and body.vehicle_number is None:
        info = "name the vehicle by vehicle_id or vehicle_number"
        raise invalid(Fault("vehicle_id", info), Fault("vehicle_number", info))
    plan = fleet.PlanMaintenance(
        vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        vehicle_nr=body.vehicle_number,
        starts_at=_instant(body.starts_at),
        ends_at=_instant(body.ends_at),
        type_ref=body.task_type,
        priority=body.priority,
        description=body.description.strip(),
    )
    return _shown(await fleet.plan_maintenance(call.services.rt, _by(call), plan))


@operation(
    id="get_vehicle_maintenance",
    tag=_TAG,
    title="Planned work",
    method="POST",
    path=f"{_BASE}/get",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=MaintenanceRequest,
    response=PlannedMaintenance,
    request_example={"vehicle_id": 42},
    response_example={"data": [_TASK], "has_next_page": False, "bookmark_next": None},
)
async def get_vehicle_maintenance(call: Call[MaintenanceRequest]) -> PlannedMaintenance:
    """What is planned and not cancelled, what begins first first."""
    body, rt = call.body, call.services.rt
    after_id = None
    if chosen := chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark):
        after_id = fleet.TaskId(read_bookmark(chosen[1], _LIST, chosen[0]))
    which = fleet.WhichMaintenance(
        vehicle_id=None if body.vehicle_id is None else VehicleId(body.vehicle_id),
        since=rt.clock.now() if body.since is None else _instant(body.since),
        until=None if body.until is None else _instant(body.until),
    )
    found = await fleet.list_planned(rt, _by(call), which, after_id, body.page_length + 1)
    if found is None:
        raise bookmark_unknown("bookmark" if chosen is None else chosen[0])
    page = found[: body.page_length]
    more = len(found) > len(page)
    return PlannedMaintenance(
        data=[_shown(task) for task in page],
        has_next_page=more,
        bookmark_next=write_bookmark(_LIST, page[-1].id) if more else None,
    )


@operation(
    id="cancel_vehicle_maintenance",
    tag=_TAG,
    title="Cancel planned work",
    method="POST",
    path=f"{_BASE}/cancel",
    auth=Auth.STAFF,
    right=Right.WORK_ON_VEHICLES,
    request=CancelMaintenanceRequest,
    response=Maintenance,
    refusals=(_ROLE, (Kind.NOT_FOUND, "task_not_found")),
    request_example={"task_id": 7},
    response_example={**_TASK, "stage": "DELETED"},
    idempotent=True,
)
async def cancel_vehicle_maintenance(call: Call[CancelMaintenanceRequest]) -> Maintenance:
    """Gives planned work up: the vehicle can be booked for that time. Twice changes nothing."""
    return _shown(await fleet.cancel_maintenance(call.services.rt, _by(call), fleet.TaskId(call.body.task_id)))


def _by(call: Call[Any]) -> fleet.ByStaff:
    return fleet.ByStaff(operator=call.operator, role=call.staff().role, actor=call.actor)


def _instant(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)


def _shown(task: fleet.Maintenance) -> Maintenance:
    return Maintenance(
        task_id=task.id,
        vehicle_id=task.vehicle_id,
        vehicle_number=task.vehicle_nr,
        task_type=task.type_ref,
        priority=cast("Literal['LOW', 'MEDIUM', 'HIGH']", task.priority),
        stage=cast("Literal['TODO', 'DONE', 'DELETED']", task.stage),
        description=task.description,
        starts_at=int(task.starts_at.timestamp()),
        ends_at=int(task.ends_at.timestamp()),
        by=task.created_by,
    )

"""Staff set what vehicles are."""

from typing import Final

from isotope.api.admin.vehicle_work_types import ChangeVehicleStatusRequest, VehicleStatusChanged, VehicleStatusResult
from isotope.api.operation import Auth, Call, operation
from isotope.domain import fleet
from isotope.domain.fleet.model import VehicleStatus
from isotope.domain.tenants import Right
from isotope.kernel.errors import Fault, Kind, invalid
from isotope.kernel.ids import VehicleId

_EXAMPLE: Final = {
    "status": "NEED_SERVICE",
    "message": "1 of 2 vehicles: NEED_SERVICE from now on.",
    "results": [
        {
            "vehicle_id": 42,
            "vehicle_nr": "1001",
            "is_changed": True,
            "status": "NEED_SERVICE",
            "code": None,
            "message": None,
        },
        {
            "vehicle_id": 43,
            "vehicle_nr": "1002",
            "is_changed": False,
            "status": "IN_USE",
            "code": "vehicle_held",
            "message": "Vehicle 1002 is IN_USE; it can be changed when its journey is over.",
        },
    ],
}


@operation(
    id="admin_change_vehicle_status",
    tag="Sharing dashboard",
    title="Change vehicle status",
    method="PUT",
    path="/api/v2/admin/vehicle/status",
    auth=Auth.STAFF,
    right=Right.WORK_ON_VEHICLES,
    subaccounts=True,
    request=ChangeVehicleStatusRequest,
    response=VehicleStatusChanged,
    refusals=((Kind.NOT_FOUND, "vehicle_not_found"), (Kind.CONFLICT, "vehicle_held")),
    request_example={"status": "NEED_SERVICE", "vehicle_ids": [42, 43]},
    response_example=_EXAMPLE,
    idempotent=True,
)
async def admin_change_vehicle_status(call: Call[ChangeVehicleStatusRequest]) -> VehicleStatusChanged:
    """Sets the status of one or many vehicles.

    What may be done is done; of every other vehicle `results` says why not. Where nothing could be done at all, that is a
    refusal, with the reason of the first vehicle. A vehicle that somebody has (IN_USE, RESERVED) is not changed. Each
    change is in the activity log, with who, from what to what, and where.
    """
    body = call.body
    named = [*([] if body.vehicle_id is None else [body.vehicle_id]), *(body.vehicle_ids or ())]
    if not named:
        raise invalid(Fault("vehicle_ids", "at least one vehicle is expected"))
    done = await fleet.set_statuses(
        call.services.rt,
        fleet.SetStatuses(
            operator=call.operator,
            subaccount_id=call.staff().subaccount_id,
            vehicle_ids=[VehicleId(one) for one in named],
            to_status=VehicleStatus(body.status),
            actor=call.actor,
        ),
    )
    changed = sum(one.refusal is None for one in done)
    if not changed and done[0].refusal is not None:
        raise done[0].refusal
    return VehicleStatusChanged(
        status=body.status,
        message=call.text("vehicle_statuses_set", changed=changed, named=len(done), status=body.status),
        results=[_shown(call, one) for one in done],
    )


def _shown(call: Call[ChangeVehicleStatusRequest], one: fleet.SetStatus) -> VehicleStatusResult:
    refusal = one.refusal
    return VehicleStatusResult(
        vehicle_id=one.vehicle_id,
        vehicle_nr=None if one.vehicle is None else one.vehicle.nr,
        is_changed=refusal is None,
        status=None if one.vehicle is None else one.vehicle.status.value,
        code=None if refusal is None else refusal.code,
        message=None if refusal is None else call.text(refusal.code, **dict(refusal.params)),
    )

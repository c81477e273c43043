"""Alerts of vehicles: what staff are called for."""

from datetime import timedelta
from typing import Final

from isotope.api.admin.alerts_types import VehicleAlert, VehicleAlerts, VehicleAlertsRequest
from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark, read_bookmark, write_bookmark
from isotope.api.operation import Auth, Call, operation
from isotope.domain.fleet import RaisedAlert, has_alert, list_alerts
from isotope.domain.tenants import Right

_LIST: Final = "vehicle_alerts"
_DAYS: Final = {"LAST_1_DAY": 1, "LAST_2_DAYS": 2, "LAST_7_DAYS": 7, "LAST_30_DAYS": 30}


@operation(
    id="get_vehicle_alerts",
    tag="Sharing dashboard",
    title="Vehicle alerts",
    method="POST",
    path="/api/v2/admin/vehicle-alerts",
    auth=Auth.STAFF,
    right=Right.LOOK,
    request=VehicleAlertsRequest,
    response=VehicleAlerts,
    request_example={"filter": "LAST_7_DAYS"},
    response_example={
        "data": [
            {
                "id": 3,
                "timestamp": 1_780_000_000,
                "alert_type": "RIDE_IDLE",
                "vehicle_id": 42,
                "vehicle_nr": "1001",
                "ride_id": 12,
                "cleared_at": None,
                "task_id": 5,
                "task_type": "out_of_parking_zone",
                "task_stage": "TODO",
                "subaccount_id": None,
            }
        ],
        "has_next_page": False,
        "bookmark_next": None,
    },
)
async def get_vehicle_alerts(call: Call[VehicleAlertsRequest]) -> VehicleAlerts:
    """What staff were called for, newest first: rides that could not end by themselves, vehicles that were lost."""
    body, operator_id = call.body, call.operator.id
    before_id = None
    if chosen := chosen_bookmark(body.page_bookmark, body.bookmark_next, body.bookmark):
        before_id = read_bookmark(chosen[1], _LIST, chosen[0])
    since = call.services.rt.clock.now() - timedelta(days=_DAYS[body.filter])
    async with call.services.rt.db.read() as tx:
        if before_id is not None and chosen is not None and not await has_alert(tx, operator_id, before_id):
            raise bookmark_unknown(chosen[0])
        found = await list_alerts(tx, operator_id, since=since, before_id=before_id, limit=body.page_length + 1)
    page = found[: body.page_length]
    more = len(found) > len(page)
    return VehicleAlerts(
        data=[_shown(alert) for alert in page],
        has_next_page=more,
        bookmark_next=write_bookmark(_LIST, page[-1].id) if more else None,
    )


def _shown(alert: RaisedAlert) -> VehicleAlert:
    return VehicleAlert(
        id=alert.id,
        timestamp=int(alert.raised_at.timestamp()),
        alert_type=alert.kind,
        vehicle_id=alert.vehicle_id,
        vehicle_nr=alert.nr,
        ride_id=alert.ride_id,
        cleared_at=None if alert.cleared_at is None else int(alert.cleared_at.timestamp()),
        task_id=alert.task_id,
        task_type=alert.task_type,
        task_stage=alert.task_stage,
    )

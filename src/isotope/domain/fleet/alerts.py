"""What staff must know of a vehicle, and the task that comes with it. Each is raised once, until it is cleared."""

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RideId, VehicleId


class AlertKind(StrEnum):
    """Why staff are called."""

    CONTACT_LOST = "CONTACT_LOST"
    BATTERY_LOW = "BATTERY_LOW"
    RIDE_IDLE = "RIDE_IDLE"
    RIDE_TOO_LONG = "RIDE_TOO_LONG"
    PAUSED_TOO_LONG = "PAUSED_TOO_LONG"
    LOCK_FAILS = "LOCK_FAILS"
    BOOKING_UNREADY = "BOOKING_UNREADY"
    BOOKING_LATE = "BOOKING_LATE"


# What is to be done about it; the words are those of the task types that every operator starts with.
TASKS: Final[dict[AlertKind, str]] = {
    AlertKind.CONTACT_LOST: "problem_with_iot",
    AlertKind.BATTERY_LOW: "battery_swap",
    AlertKind.RIDE_IDLE: "out_of_parking_zone",
    AlertKind.RIDE_TOO_LONG: "out_of_parking_zone",
    AlertKind.PAUSED_TOO_LONG: "out_of_parking_zone",
    AlertKind.LOCK_FAILS: "check_up_required",
    AlertKind.BOOKING_UNREADY: "check_up_required",
    AlertKind.BOOKING_LATE: "out_of_parking_zone",
}


async def raise_alert(
    tx: Tx,
    operator_id: OperatorId,
    vehicle_id: VehicleId,
    kind: AlertKind,
    *,
    actor: Actor,
    now: datetime,
    ride_id: RideId | None = None,
    data: dict[str, Any] | None = None,
) -> bool:
    """Call staff, with a task; False: they were called for this already, or have such a task to do."""
    alert_id = await tx.scalar(
        """
        insert into vehicle_alert (operator_id, vehicle_id, kind, ride_id, data, raised_at)
        values (%(operator_id)s, %(vehicle_id)s, %(kind)s, %(ride_id)s, %(data)s, %(now)s)
        on conflict (operator_id, vehicle_id, kind) where cleared_at is null do nothing
        returning id
        """,
        {
            "operator_id": operator_id,
            "vehicle_id": vehicle_id,
            "kind": kind,
            "ride_id": ride_id,
            "data": Jsonb(data or {}),
            "now": now,
        },
    )
    if alert_id is None:
        return False
    await tx.execute(
        """
        insert into staff_task (operator_id, vehicle_id, type_ref, priority, stage, alert_id, created_by, created_at)
        values (%(operator_id)s, %(vehicle_id)s, %(type_ref)s, 'HIGH', 'TODO', %(alert_id)s, %(actor)s, %(now)s)
        on conflict (operator_id, vehicle_id, type_ref) where stage = 'TODO' and alert_id is not null do nothing
        """,
        {
            "operator_id": operator_id,
            "vehicle_id": vehicle_id,
            "type_ref": TASKS[kind],
            "alert_id": alert_id,
            "actor": actor,
            "now": now,
        },
    )
    return True


async def clear_alerts(
    tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId, kinds: Collection[AlertKind], now: datetime
) -> int:
    """What staff were called for is so no more; how many. By the index vehicle_alert_open."""
    return await tx.execute(
        """
        update vehicle_alert set cleared_at = greatest(raised_at, %(now)s)
         where operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s and kind = any(%(kinds)s)
           and cleared_at is null
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "kinds": sorted(kinds), "now": now},
    )


class RaisedAlert(msgspec.Struct, frozen=True, kw_only=True):
    """An alert with the task that came with it; the task is None where one of its kind stood already."""

    id: int
    vehicle_id: VehicleId
    nr: str
    kind: str
    ride_id: RideId | None
    raised_at: datetime
    cleared_at: datetime | None
    task_id: int | None
    task_type: str | None
    task_stage: str | None


async def list_alerts(
    tx: Tx, operator_id: OperatorId, *, since: datetime, before_id: int | None, limit: int
) -> list[RaisedAlert]:
    """Those that were raised since then, newest first, after the alert `before_id`. By the index vehicle_alert_newest."""
    return await tx.all(
        RaisedAlert,
        """
        select a.id, a.vehicle_id, v.nr, a.kind, a.ride_id, a.raised_at, a.cleared_at,
               t.id as task_id, t.type_ref as task_type, t.stage as task_stage
          from vehicle_alert a
          join vehicle v on v.operator_id = a.operator_id and v.id = a.vehicle_id
          left join staff_task t on t.operator_id = a.operator_id and t.alert_id = a.id
         where a.operator_id = %(operator_id)s and a.raised_at >= %(since)s
           and (%(before_id)s::bigint is null
                or (a.raised_at, a.id) < (select b.raised_at, b.id from vehicle_alert b
                                           where b.operator_id = %(operator_id)s and b.id = %(before_id)s))
         order by a.raised_at desc, a.id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "since": since, "before_id": before_id, "limit": limit},
    )


async def has_alert(tx: Tx, operator_id: OperatorId, alert_id: int) -> bool:
    return bool(
        await tx.scalar(
            "select exists (select from vehicle_alert where operator_id = %(operator_id)s and id = %(id)s)",
            {"operator_id": operator_id, "id": alert_id},
        )
    )

"""Work on vehicles that is planned for given dates: a task of the staff with a slot in the vehicle's calendar.

Who may (everybody who works at the operator's sees what is planned):

| role      | plan, cancel |
|-----------|--------------|
| owner     | yes          |
| manager   | yes          |
| operator  | yes          |
| support   | no           |
| read_only | no           |

May work be planned (first match refuses)?

| fact                                                    | refusal                 |
|---------------------------------------------------------|-------------------------|
| the role may not                                        | role_not_allowed        |
| it is over by now, or longer than `MOST`                | maintenance_dates       |
| a booking, or other work, has a moment of it            | maintenance_in_the_way  |
| it has begun, and somebody has the vehicle              | vehicle_held            |

Source: issue "bookings also respect vehicle status, maintenance tasks with dates".
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final, NewType

import msgspec

from isotope.domain.fleet import errors
from isotope.domain.fleet.model import Vehicle
from isotope.domain.fleet.slots import Slot
from isotope.domain.tenants import Right, may
from isotope.domain.tenants.model import Role
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, VehicleId

TaskId = NewType("TaskId", int)

MOST: Final = timedelta(days=366)


class Maintenance(msgspec.Struct, frozen=True, kw_only=True):
    """Planned work. `stage` is TODO, DONE or DELETED; `type_ref` is the kind of work, such as `check_up_required`."""

    operator_id: OperatorId
    id: TaskId
    vehicle_id: VehicleId
    vehicle_nr: str
    type_ref: str
    priority: str
    stage: str
    description: str
    starts_at: datetime
    ends_at: datetime
    created_by: Actor
    created_at: datetime

    @property
    def holder(self) -> str:
        """What its slot says."""
        return f"task:{self.id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class WhichMaintenance:
    """Of whichever is given: a vehicle's; those that have a moment after `since`; those that begin before `until`."""

    vehicle_id: VehicleId | None = None
    since: datetime | None = None
    until: datetime | None = None


def may_manage(role: Role) -> Refusal | None:
    """By the first table above."""
    return may(role, Right.WORK_ON_VEHICLES)


def may_plan(role: Role, starts_at: datetime, ends_at: datetime, now: datetime) -> Refusal | None:
    """What of the second table can be told without the vehicle."""
    if no := may_manage(role):
        return no
    if not max(now, starts_at) < ends_at <= starts_at + MOST:
        return errors.maintenance_dates(MOST.days)
    return None


def fits_in(vehicle: Vehicle, starts_at: datetime, now: datetime, in_the_way: Slot | None) -> Refusal | None:
    """The rest of the second table, under the vehicle's row."""
    if in_the_way is not None:
        return errors.maintenance_in_the_way(in_the_way)
    if starts_at <= now and vehicle.held_by is not None:
        return errors.vehicle_held(vehicle.nr, vehicle.status)
    return None


_TASK: Final = """
    t.operator_id, t.id, t.vehicle_id, v.nr as vehicle_nr, t.type_ref, t.priority, t.stage, t.description, t.starts_at,
    t.ends_at, t.created_by, t.created_at
"""
_FROM: Final = "staff_task t join vehicle v on v.operator_id = t.operator_id and v.id = t.vehicle_id"


async def insert_maintenance(tx: Tx, task: Maintenance) -> Maintenance:
    """As given, but for its number."""
    return await tx.one(
        Maintenance,
        f"""
        with t as (
            insert into staff_task (operator_id, vehicle_id, type_ref, priority, stage, description, starts_at, ends_at,
                                    created_by, created_at)
            values (%(operator_id)s, %(vehicle_id)s, %(type_ref)s, %(priority)s, %(stage)s, %(description)s,
                    %(starts_at)s, %(ends_at)s, %(created_by)s, %(created_at)s)
            returning *)
        select {_TASK} from t join vehicle v on v.operator_id = t.operator_id and v.id = t.vehicle_id
        """,
        msgspec.structs.asdict(task),
    )


async def find_maintenance(
    tx: Tx, operator_id: OperatorId, task_id: TaskId, *, lock: bool = False
) -> Maintenance | None:
    """None: no such task, or one without dates."""
    return await tx.find(
        Maintenance,
        f"""
        select {_TASK} from {_FROM}
         where t.operator_id = %(operator_id)s and t.id = %(id)s and t.starts_at is not null
        {"for no key update of t" if lock else ""}
        """,
        {"operator_id": operator_id, "id": task_id},
    )


async def set_stage(tx: Tx, task: Maintenance, stage: str) -> Maintenance:
    """The caller holds its row."""
    await tx.execute(
        "update staff_task set stage = %(stage)s where operator_id = %(operator_id)s and id = %(id)s",
        {"stage": stage, "operator_id": task.operator_id, "id": task.id},
    )
    return msgspec.structs.replace(task, stage=stage)


async def list_maintenance(
    tx: Tx, operator_id: OperatorId, which: WhichMaintenance, after: Maintenance | None, limit: int
) -> list[Maintenance]:
    """Work that is to be done, what begins first first, after `after`. By staff_task_planned and staff_task_vehicle."""
    conditions: list[str] = []
    params: dict[str, Any] = {"operator_id": operator_id, "limit": limit}
    if which.vehicle_id is not None:
        conditions.append("t.vehicle_id = %(vehicle_id)s")
        params["vehicle_id"] = which.vehicle_id
    if which.since is not None:
        # Nothing lasts longer, so what begins before cannot reach until then: the index ends here.
        conditions.append("t.ends_at > %(since)s and t.starts_at > %(first)s")
        params |= {"since": which.since, "first": which.since - MOST}
    if which.until is not None:
        conditions.append("t.starts_at < %(until)s")
        params["until"] = which.until
    if after is not None:
        conditions.append("(t.starts_at, t.id) > (%(after_at)s, %(after_id)s)")
        params |= {"after_at": after.starts_at, "after_id": after.id}
    more = "".join(f" and {one}" for one in conditions)
    return await tx.all(
        Maintenance,
        f"""
        select {_TASK} from {_FROM}
         where t.operator_id = %(operator_id)s and t.stage = 'TODO' and t.starts_at is not null{more}
         order by t.starts_at, t.id limit %(limit)s
        """,
        params,
    )

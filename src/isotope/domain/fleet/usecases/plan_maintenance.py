"""Staff plan work on a vehicle for given dates, or give it up."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.fleet import errors, maintenance
from isotope.domain.fleet.maintenance import Maintenance, TaskId, WhichMaintenance
from isotope.domain.fleet.slots import Slot, find_next_slot, free_slot, take_slot
from isotope.domain.fleet.store import lock_vehicle
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class ByStaff:
    """Which member of staff, in which role."""

    operator: Operator
    role: Role
    actor: Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMaintenance:
    """The vehicle by its id or number, for `[starts_at, ends_at)`."""

    vehicle_id: VehicleId | None
    vehicle_nr: str | None
    starts_at: datetime
    ends_at: datetime
    type_ref: str
    priority: str
    description: str


async def plan_maintenance(rt: Runtime, by: ByStaff, plan: PlanMaintenance) -> Maintenance:
    """The task. Nobody can book the vehicle for that time, and no ride starts on it shortly before.

    Raises:
        Refusal: by the second table of `fleet.maintenance`; `vehicle_not_found`, `vehicle_not_named`.
    """
    now, operator_id = rt.clock.now(), by.operator.id
    if no := maintenance.may_plan(by.role, plan.starts_at, plan.ends_at, now):
        raise no
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator_id, vehicle_id=plan.vehicle_id, nr=plan.vehicle_nr)
        vehicle = found.vehicle
        # Under the vehicle's row, so that a booking at the same moment is seen here, or sees this.
        slot = await find_next_slot(tx, operator_id, vehicle.id, after=plan.starts_at)
        in_the_way = slot if slot is not None and slot.starts_at < plan.ends_at else None
        if no := maintenance.fits_in(vehicle, plan.starts_at, now, in_the_way):
            raise no
        task = await maintenance.insert_maintenance(
            tx,
            Maintenance(
                operator_id=operator_id,
                id=TaskId(0),
                vehicle_id=vehicle.id,
                vehicle_nr=vehicle.nr,
                type_ref=plan.type_ref,
                priority=plan.priority,
                stage="TODO",
                description=plan.description,
                starts_at=plan.starts_at,
                ends_at=plan.ends_at,
                created_by=by.actor,
                created_at=now,
            ),
        )
        taken = Slot(vehicle_id=vehicle.id, holder=task.holder, starts_at=plan.starts_at, ends_at=plan.ends_at)
        if not await take_slot(tx, operator_id, taken):
            raise LookupError(f"vehicle {vehicle.id} was free under its lock and has a slot")
        return task


async def cancel_maintenance(rt: Runtime, by: ByStaff, task_id: TaskId) -> Maintenance:
    """Given up: the vehicle can be booked for that time again. Twice changes nothing.

    Raises:
        Refusal: `role_not_allowed`, `task_not_found`.
    """
    if no := maintenance.may_manage(by.role):
        raise no
    async with rt.db.write() as tx:
        task = await maintenance.find_maintenance(tx, by.operator.id, task_id, lock=True)
        if task is None:
            raise errors.task_not_found()
        if task.stage != "TODO":
            return task
        await free_slot(tx, by.operator.id, task.holder)
        return await maintenance.set_stage(tx, task, "DELETED")


async def list_planned(
    rt: Runtime, by: ByStaff, which: WhichMaintenance, after_id: TaskId | None, limit: int
) -> list[Maintenance] | None:
    """What is to be done, what begins first first, after the task `after_id`; None if there is no such task."""
    async with rt.db.read() as tx:
        after = None
        if after_id is not None:
            after = await maintenance.find_maintenance(tx, by.operator.id, after_id)
            if after is None:
                return None
        return await maintenance.list_maintenance(tx, by.operator.id, which, after, limit)

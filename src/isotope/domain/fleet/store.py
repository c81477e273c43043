"""Who has a vehicle now: the writing SQL around `vehicle`. Every change of status is logged and told to all processes."""

from datetime import datetime
from typing import Final, LiteralString

import msgspec

from isotope.domain.fleet import errors
from isotope.domain.fleet.channels import VEHICLE_CHANGED
from isotope.domain.fleet.errors import HolderError
from isotope.domain.fleet.model import LockedVehicle, Vehicle, VehicleStatus
from isotope.domain.fleet.rows import MODEL_COLUMNS, STATE_COLUMNS, VEHICLE_COLUMNS, locked_vehicle_row
from isotope.domain.fleet.rules import HELD, By, may_change_status
from isotope.domain.fleet.slots import find_next_slot
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, VehicleId

_FIND: Final = f"""
    select {VEHICLE_COLUMNS}, {MODEL_COLUMNS}, {STATE_COLUMNS}
      from vehicle v
      join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
      left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
     where v.operator_id = %(operator_id)s
"""
_BY_ID: Final = f"{_FIND} and v.id = %(vehicle_id)s"
_BY_NR: Final = f"{_FIND} and v.nr = %(nr)s"


async def lock_vehicle(
    tx: Tx, operator_id: OperatorId, *, vehicle_id: VehicleId | None = None, nr: str | None = None
) -> LockedVehicle:
    """The vehicle by its id or its printed number, its row FOR UPDATE until the transaction ends.

    Given both, both must be of the same vehicle.

    Raises:
        Refusal: `vehicle_not_found`, `vehicle_not_named`.
    """
    sql = f"{_BY_ID} for update of v" if vehicle_id is not None else f"{_BY_NR} for update of v"
    return await _find(tx, sql, operator_id, vehicle_id, nr)


async def get_vehicle(
    tx: Tx, operator_id: OperatorId, *, vehicle_id: VehicleId | None = None, nr: str | None = None
) -> LockedVehicle:
    """As `lock_vehicle`, without the lock: what it says may have changed by the time it is read."""
    return await _find(tx, _BY_ID if vehicle_id is not None else _BY_NR, operator_id, vehicle_id, nr)


async def _find(
    tx: Tx, sql: LiteralString, operator_id: OperatorId, vehicle_id: VehicleId | None, nr: str | None
) -> LockedVehicle:
    if vehicle_id is None and nr is None:
        raise errors.vehicle_not_named()
    found = await tx.find(
        locked_vehicle_row,
        sql,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "nr": nr},
    )
    if found is None or nr not in (None, found.vehicle.nr):
        raise errors.vehicle_not_found()
    return found


async def hold_vehicle(
    tx: Tx,
    vehicle: Vehicle,
    *,
    holder: str,
    status: VehicleStatus,
    actor: Actor,
    now: datetime,
    from_holder: str | None = None,
    free_until: datetime | None = None,
) -> Vehicle:
    """Take a vehicle for `holder` (such as `ride:12`). `vehicle` is as it was locked in this transaction.

    `from_holder`: the reservation (`reservation:5`) that gives way to this holder. `free_until`: nobody else's slot may
    have a moment before it; looked at with the write, under the lock, so that it costs no statement of its own.

    Raises:
        Refusal: `vehicle_not_available`: it is not READY, nor RESERVED for this holder or for `from_holder`;
            `vehicle_booked`.
        HolderError: the row is not as `vehicle` says: it was not locked.
    """
    if no := may_change_status(vehicle, status, By.HOLD):
        raise no
    if vehicle.held_by not in (None, holder, from_holder):
        raise errors.vehicle_not_available(vehicle.status)
    held = await _change(tx, vehicle, status, holder=holder, actor=actor, cause=holder, now=now, free_until=free_until)
    if held is None:
        slot = await find_next_slot(tx, vehicle.operator_id, vehicle.id, after=now, but=holder)
        raise _not_locked(vehicle) if slot is None else errors.vehicle_booked(slot.starts_at)
    return held


async def release_vehicle(
    tx: Tx, vehicle: Vehicle, *, holder: str, to_status: VehicleStatus, actor: Actor, cause: str, now: datetime
) -> Vehicle:
    """Let a vehicle go that `holder` has.

    Raises:
        HolderError: it is another's or nobody's; a bug of the caller.
        Refusal: `status_change_not_allowed`: a journey does not leave a vehicle so.
    """
    if vehicle.held_by != holder:
        raise HolderError(f"{holder} releases vehicle {vehicle.id}, which is held by {vehicle.held_by}")
    if no := may_change_status(vehicle, to_status, By.RELEASE):
        raise no
    return await _changed(tx, vehicle, to_status, actor=actor, cause=cause, now=now)


async def change_status(
    tx: Tx, vehicle: Vehicle, *, to_status: VehicleStatus, by: By, actor: Actor, cause: str, now: datetime
) -> Vehicle:
    """Change the status of a vehicle that nobody holds, by the table in `rules`. The same status changes nothing.

    Raises:
        Refusal: `vehicle_held`, `status_not_by_hand`, `status_change_not_allowed`.
    """
    if by in (By.HOLD, By.RELEASE):
        raise ValueError("a journey takes and leaves a vehicle by hold_vehicle and release_vehicle")
    if no := may_change_status(vehicle, to_status, by):
        raise no
    if vehicle.status is to_status:
        return vehicle
    return await _changed(tx, vehicle, to_status, actor=actor, cause=cause, now=now)


async def _changed(
    tx: Tx, vehicle: Vehicle, to_status: VehicleStatus, *, actor: Actor, cause: str, now: datetime
) -> Vehicle:
    changed = await _change(tx, vehicle, to_status, holder=None, actor=actor, cause=cause, now=now)
    if changed is None:
        raise _not_locked(vehicle)
    return changed


def _not_locked(vehicle: Vehicle) -> HolderError:
    return HolderError(f"vehicle {vehicle.id} is not {vehicle.status} of {vehicle.held_by}: it was not locked")


async def _change(
    tx: Tx,
    vehicle: Vehicle,
    to_status: VehicleStatus,
    *,
    holder: str | None,
    actor: Actor,
    cause: str,
    now: datetime,
    free_until: datetime | None = None,
) -> Vehicle | None:
    """None: the row is not as `vehicle` says, or somebody else's slot begins before `free_until`."""
    if (holder is not None) is not (to_status in HELD):
        raise HolderError(f"{to_status} with holder {holder}")
    changed = await tx.execute(
        """
        with changed as (
            update vehicle set status = %(to_status)s, held_by = %(holder)s, status_at = %(now)s
             where operator_id = %(operator_id)s and id = %(id)s
               and status = %(from_status)s and held_by is not distinct from %(held_by)s
               and (%(free_until)s::timestamptz is null or not exists (
                   select from vehicle_slot
                    where operator_id = %(operator_id)s::bigint and vehicle_id = %(id)s::bigint and holder <> %(holder)s
                      and during && tstzrange(%(now)s, %(free_until)s)))
            returning operator_id, id
        ), logged as (
            insert into vehicle_status_change (operator_id, vehicle_id, from_status, to_status, actor, cause, at,
                                               lat, lon, battery_pct, seen_at)
            select c.operator_id, c.id, %(from_status)s, %(to_status)s, %(actor)s, %(cause)s, %(now)s,
                   s.lat, s.lon, s.battery_pct, s.seen_at
              from changed c
              left join vehicle_state s on s.operator_id = c.operator_id and s.vehicle_id = c.id
        )
        select pg_notify(%(channel)s, operator_id || ':' || id) from changed
        """,
        {
            "operator_id": vehicle.operator_id,
            "id": vehicle.id,
            "from_status": vehicle.status,
            "held_by": vehicle.held_by,
            "to_status": to_status,
            "holder": holder,
            "free_until": free_until,
            "actor": actor,
            "cause": cause,
            "now": now,
            "channel": VEHICLE_CHANGED,
        },
    )
    if changed != 1:
        return None
    return msgspec.structs.replace(vehicle, status=to_status, held_by=holder, status_at=now)

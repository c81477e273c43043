"""For when a vehicle is spoken for: bookings with their buffer, and maintenance with dates.

A slot is half-open, `[start, end)`. The store refuses two slots of a vehicle that overlap, whoever writes at the same
moment; who holds the vehicle's row knows before.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, VehicleId


class Slot(msgspec.Struct, frozen=True, kw_only=True):
    """`holder` is `booking:12` or `task:7`."""

    vehicle_id: VehicleId
    holder: str
    starts_at: datetime
    ends_at: datetime


# GiST compares a bigint with nothing but a bigint: without the casts an index on numbers that are sent as smaller ones is
# read from end to end.
_COLUMNS = "vehicle_id, holder, lower(during) as starts_at, upper(during) as ends_at"


async def take_slot(tx: Tx, operator_id: OperatorId, slot: Slot) -> bool:
    """False when the vehicle is spoken for at any moment of it; waits for who is just writing such a slot."""
    taken = await tx.execute(
        """
        insert into vehicle_slot (operator_id, vehicle_id, holder, during)
        values (%(operator_id)s, %(vehicle_id)s, %(holder)s, tstzrange(%(starts_at)s, %(ends_at)s))
        on conflict on constraint vehicle_slot_free do nothing
        """,
        {
            "operator_id": operator_id,
            "vehicle_id": slot.vehicle_id,
            "holder": slot.holder,
            "starts_at": slot.starts_at,
            "ends_at": slot.ends_at,
        },
    )
    return taken == 1


async def move_slot(tx: Tx, operator_id: OperatorId, slot: Slot) -> bool:
    """Give the holder's slot other times or another vehicle. After False the caller rolls back: the old one is gone."""
    await free_slot(tx, operator_id, slot.holder)
    return await take_slot(tx, operator_id, slot)


async def free_slot(tx: Tx, operator_id: OperatorId, holder: str) -> bool:
    """Whether there was one."""
    freed = await tx.execute(
        "delete from vehicle_slot where operator_id = %(operator_id)s and holder = %(holder)s",
        {"operator_id": operator_id, "holder": holder},
    )
    return freed == 1


async def list_slots(
    tx: Tx, operator_id: OperatorId, vehicle_ids: Sequence[VehicleId], *, since: datetime, until: datetime, limit: int
) -> list[Slot]:
    """Slots of these vehicles that have a moment in `[since, until)`, by vehicle and start.

    By vehicle_slot_free, vehicle by vehicle: `offset 0` keeps the planner from reading everybody's slots of that time.
    """
    return await tx.all(
        Slot,
        f"""
        select {_COLUMNS}
          from unnest(%(vehicle_ids)s::bigint[]) v (id),
               lateral (select * from vehicle_slot
                         where operator_id = %(operator_id)s::bigint and vehicle_id = v.id
                           and during && tstzrange(%(since)s, %(until)s) offset 0) s
         order by vehicle_id, lower(during) limit %(limit)s
        """,
        {
            "operator_id": operator_id,
            "vehicle_ids": list(vehicle_ids),
            "since": since,
            "until": until,
            "limit": limit,
        },
    )


async def find_next_slot(
    tx: Tx, operator_id: OperatorId, vehicle_id: VehicleId, *, after: datetime, but: str = ""
) -> Slot | None:
    """What keeps the vehicle at `after` or next, but not the holder `but`."""
    return await tx.find(
        Slot,
        f"""
        select {_COLUMNS} from vehicle_slot
         where operator_id = %(operator_id)s::bigint and vehicle_id = %(vehicle_id)s::bigint
           and during && tstzrange(%(after)s, null) and holder <> %(but)s
         order by lower(during) limit 1
        """,
        {"operator_id": operator_id, "vehicle_id": vehicle_id, "after": after, "but": but},
    )


async def forget_past_slots(tx: Tx, before: datetime, limit: int) -> int:
    """Of all operators, what was over before an instant; how many. By vehicle_slot_over."""
    return await tx.execute(
        """
        delete from vehicle_slot where (operator_id, holder) in (
            select operator_id, holder from vehicle_slot where upper(during) < %(before)s
             order by upper(during) limit %(limit)s for update skip locked)
        """,
        {"before": before, "limit": limit},
    )

"""Reading what the store has of taxi classes, cars and drivers, in the folder's words."""

from collections.abc import Collection
from typing import Any, Final

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId
from isotope.provisioning.current import StoredThing
from isotope.provisioning.limits import MAX_READ

# The condition of the index trip_open, word for word.
_OPEN: Final = """
    t.operator_id = %(operator_id)s
    and t.status in ('AUTHORISING', 'REQUESTED', 'SCHEDULED', 'ACCEPTED', 'ARRIVED', 'STARTED')
"""


async def read_taxi(tx: Tx, operator_id: OperatorId) -> dict[str, Any]:
    """The fields of `Current` that are about trips."""
    return {
        "taxi_classes": await _classes(tx, operator_id),
        "taxi_vehicles": await _vehicles(tx, operator_id),
        "drivers": await _drivers(tx, operator_id),
    }


async def lock_taxi(
    tx: Tx,
    operator_id: OperatorId,
    class_refs: Collection[str],
    plates: Collection[str],
    numbers: Collection[str],
) -> None:
    """Let no trip come to refer to these until the transaction ends.

    A trip that names one takes a share of its row, which waits for this lock. States of drivers go first, as everywhere.
    """
    params = {"operator_id": operator_id, "refs": list(class_refs), "plates": list(plates), "numbers": list(numbers)}
    await tx.execute(
        """
        select 1 from driver_state s
         where s.operator_id = %(operator_id)s
           and (s.driver_id in (select d.id from driver d where d.operator_id = %(operator_id)s
                                   and d.phone_prefix || ' ' || d.phone = any(%(numbers)s) and d.status <> 'RETIRED')
                or s.vehicle_id in (select v.id from taxi_vehicle v
                                     where v.operator_id = %(operator_id)s and v.plate = any(%(plates)s)))
         order by s.driver_id for update
        """,
        params,
    )
    await tx.execute(
        """
        select 1 from driver d
         where d.operator_id = %(operator_id)s and d.phone_prefix || ' ' || d.phone = any(%(numbers)s)
           and d.status <> 'RETIRED'
         order by d.id for update
        """,
        params,
    )
    await tx.execute(
        "select 1 from taxi_vehicle where operator_id = %(operator_id)s and plate = any(%(plates)s)"
        " order by id for update",
        params,
    )
    await tx.execute(
        "select 1 from taxi_class where operator_id = %(operator_id)s and ref = any(%(refs)s) order by id for update",
        params,
    )


async def _classes(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        f"""
        with used as (select t.class_id, count(*) as trips from trip t where {_OPEN} group by t.class_id)
        select c.ref, c.title, c.spec, c.retired_at is not null as is_retired, coalesce(u.trips, 0) as trips
          from taxi_class c left join used u on u.class_id = c.id
         where c.operator_id = %(operator_id)s order by c.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {row["ref"]: _thing(row, {"title": row["title"], **row["spec"]}) for row in rows}


async def _vehicles(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    rows = await tx.dicts(
        f"""
        with used as (select t.vehicle_id, count(*) as trips from trip t where {_OPEN} group by t.vehicle_id)
        select v.plate, v.title, v.color, v.seats, v.retired_at is not null as is_retired,
               coalesce(u.trips, 0) as trips, s.driver_id is not null as is_driven,
               array(select c.ref from taxi_class c where c.operator_id = v.operator_id and c.id = any(v.class_ids)
                      order by c.ref) as classes
          from taxi_vehicle v
          left join used u on u.vehicle_id = v.id
          left join driver_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id and s.is_online
         where v.operator_id = %(operator_id)s order by v.id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["plate"]: _thing(
            row,
            {
                "title": row["title"],
                "color": row["color"],
                "seats": row["seats"],
                "classes": sorted(row["classes"]),
            },
        )
        for row in rows
    }


async def _drivers(tx: Tx, operator_id: OperatorId) -> dict[str, StoredThing]:
    """The last one of each number: who came back is the same driver."""
    rows = await tx.dicts(
        f"""
        with used as (
            select u.driver_id, count(*) as trips
              from trip t cross join lateral (values (t.driver_id), (t.wanted_driver_id)) as u (driver_id)
             where {_OPEN} and u.driver_id is not null group by u.driver_id
        )
        select distinct on (d.phone_prefix, d.phone)
               d.phone_prefix || ' ' || d.phone as number, d.name, d.email, d.language, d.cash_allowed,
               d.commission_pct, d.status = 'RETIRED' as is_retired, coalesce(u.trips, 0) as trips,
               array(select v.plate from driver_vehicle dv
                       join taxi_vehicle v on v.operator_id = dv.operator_id and v.id = dv.vehicle_id
                      where dv.operator_id = d.operator_id and dv.driver_id = d.id) as vehicles
          from driver d left join used u on u.driver_id = d.id
         where d.operator_id = %(operator_id)s
         order by d.phone_prefix, d.phone, d.status = 'RETIRED', d.id desc limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_READ},
    )
    return {
        row["number"]: _thing(
            row,
            {
                "name": row["name"],
                "email": row["email"],
                "language": row["language"],
                "cash": row["cash_allowed"],
                "commission_pct": None if row["commission_pct"] is None else float(row["commission_pct"]),
                "vehicles": sorted(row["vehicles"]),
            },
        )
        for row in rows
    }


def _thing(row: dict[str, Any], fields: dict[str, Any]) -> StoredThing:
    until = ""
    if row["trips"]:
        until = f"its trips are over: {row['trips']}"
    elif row.get("is_driven"):
        until = "nobody is online in it"
    return StoredThing(fields=fields, is_retired=row["is_retired"], until=until)

"""What was done: changes of status by staff, and everything that happened to one vehicle. Newest first."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from isotope.dashboards.paging import Paging, Slice
from isotope.dashboards.scope import Scope
from isotope.dashboards.where import Where
from isotope.infra.db import Tx
from isotope.kernel.ids import VehicleId


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChangeRow:
    """Who changed what into what, where, and how the vehicle was then."""

    id: int
    at: datetime
    staff_id: int
    email: str
    vehicle_id: VehicleId
    nr: str
    from_status: str
    to_status: str
    lat: float | None
    lon: float | None
    battery_pct: int | None
    seen_at: datetime | None
    last_ride_at: datetime | None


async def list_status_changes(
    tx: Tx,
    scope: Scope,
    paging: Paging,
    *,
    since: datetime | None,
    until: datetime | None,
    staff_id: int | None,
    vehicle_id: VehicleId | None,
) -> Slice[StatusChangeRow]:
    """Those by staff. By vehicle_status_change_by_staff, of one vehicle by vehicle_status_change_vehicle."""
    where = Where("c.operator_id = %(operator_id)s and c.actor like 'staff:%%'")
    where.days("c.at", since, until)
    if scope.subaccount_id is not None:
        where.add("c.subaccount_id = %(subaccount_id)s")
    if staff_id is not None:
        where.add("c.actor = %(actor)s", actor=f"staff:{staff_id}")
    if vehicle_id is not None:
        where.add("c.vehicle_id = %(vehicle_id)s", vehicle_id=vehicle_id)
    rows = await tx.dicts(
        f"""
        select page.*, v.nr, s.email, r.ended_at as last_ride_at
          from (select c.operator_id, c.id, c.at, substr(c.actor, 7)::bigint as staff_id, c.vehicle_id, c.from_status,
                       c.to_status, c.lat, c.lon, c.battery_pct, c.seen_at
                  from vehicle_status_change c
                 where {where.sql}{paging.where("c.at", "c.id")}{paging.order("c.at", "c.id")}) page
          join vehicle v on v.operator_id = page.operator_id and v.id = page.vehicle_id
          join staff s on s.operator_id = page.operator_id and s.id = page.staff_id
          left join lateral (
                select ended_at from ride
                 where operator_id = page.operator_id and vehicle_id = page.vehicle_id and status = 'ENDED'
                   and ended_at <= page.at
                 order by id desc limit 1) r on true
         order by page.at {paging.direction}, page.id {paging.direction}
        """,
        {**scope.params, **where.params, **paging.params},
    )
    return paging.slice([StatusChangeRow(**{k: v for k, v in row.items() if k != "operator_id"}) for row in rows])


@dataclass(frozen=True, slots=True, kw_only=True)
class ActivityRow:
    """Something that happened to a vehicle. `actor` as it was written (`staff:3`), `email` of staff.

    `id` is unique among all kinds; `data` is what the kind says (see `list_activity`).
    """

    id: int
    at: datetime
    kind: str
    actor: str
    email: str | None
    data: dict[str, Any]


# Each kind has ids of its own: the number of the kind goes above them.
_KIND_BITS: Final = 56


async def list_activity(tx: Tx, scope: Scope, vehicle_id: VehicleId, paging: Paging) -> Slice[ActivityRow]:
    """All that is written down about the vehicle. Each kind by its own index on the vehicle.

    | kind | data |
    |---|---|
    | status | from, to, cause |
    | note | text |
    | task | type, priority |
    | task_done | type |
    | alert | alert |
    | alert_cleared | alert |
    | ride | ride_id, distance_m |
    | damage | category, status |
    | command | command, status, code |
    """
    page = f"{paging.where('x.at', 'x.id')}{paging.order('x.at', 'x.id')}"
    own = "operator_id = %(operator_id)s and vehicle_id = %(vehicle_id)s"
    rows = await tx.dicts(
        f"""
        select a.*, s.email from (
            (select * from (
                select (1::bigint << %(bits)s) + id as id, at, 'status' as kind, actor,
                       jsonb_build_object('from', from_status, 'to', to_status, 'cause', cause) as data
                  from vehicle_status_change where {own}) x where true{page})
            union all
            (select * from (
                select (2::bigint << %(bits)s) + id, at, 'note', actor, jsonb_build_object('text', text)
                  from vehicle_note where {own}) x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (3::bigint << %(bits)s) + t.id, t.created_at, 'task', t.created_by,
                       jsonb_build_object('type', y.title, 'priority', t.priority)
                  from staff_task t join task_type y on y.operator_id = t.operator_id and y.id = t.type_id
                 where t.operator_id = %(operator_id)s and t.vehicle_id = %(vehicle_id)s)
                x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (4::bigint << %(bits)s) + t.id, t.done_at, 'task_done', t.done_by,
                       jsonb_build_object('type', y.title)
                  from staff_task t join task_type y on y.operator_id = t.operator_id and y.id = t.type_id
                 where t.operator_id = %(operator_id)s and t.vehicle_id = %(vehicle_id)s and t.done_at is not null)
                x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (5::bigint << %(bits)s) + id, raised_at, 'alert', 'system', jsonb_build_object('alert', kind)
                  from vehicle_alert where {own}) x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (6::bigint << %(bits)s) + id, cleared_at, 'alert_cleared', 'system',
                       jsonb_build_object('alert', kind)
                  from vehicle_alert where {own} and cleared_at is not null)
                x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (7::bigint << %(bits)s) + id, ended_at, 'ride', 'rider:' || rider_id,
                       jsonb_build_object('ride_id', id, 'distance_m', distance_m)
                  from ride where {own} and status = 'ENDED') x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (8::bigint << %(bits)s) + id, at, 'damage', 'rider:' || rider_id,
                       jsonb_build_object('category', category, 'status', status)
                  from damage_report where {own}) x (id, at, kind, actor, data) where true{page})
            union all
            (select * from (
                select (9::bigint << %(bits)s) + c.id, c.requested_at, 'command', c.actor,
                       jsonb_build_object('command', c.name, 'status', c.status, 'code', c.code)
                  from device_command c
                  join vehicle v on v.operator_id = c.operator_id and v.device_id = c.device_id
                 where c.operator_id = %(operator_id)s and v.id = %(vehicle_id)s)
                x (id, at, kind, actor, data) where true{page})
        ) a
          left join staff s on s.operator_id = %(operator_id)s and a.actor = 'staff:' || s.id
         order by a.at {paging.direction}, a.id {paging.direction} limit %(place_limit)s
        """,
        {**scope.params, **paging.params, "vehicle_id": vehicle_id, "bits": _KIND_BITS},
    )
    return paging.slice([ActivityRow(**row) for row in rows])

"""Zones in the store: replaced as a whole by provisioning, read as a whole by every process."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.zones.errors import InvalidZonesError
from isotope.domain.zones.index import ZoneIndex
from isotope.domain.zones.model import Zone, ZoneDraft, ZoneSpec, ZonesReplaced, ZoneType
from isotope.domain.zones.shape import check_zone
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, ZoneId
from isotope.kernel.vehicle_types import VehicleType

ZONES_CHANGED: Final = "zones_changed"
"""NOTIFY channel: the operator's id."""
MAX_ZONES: Final = 20_000


async def replace_zones(tx: Tx, operator_id: OperatorId, drafts: Sequence[ZoneDraft], now: datetime) -> ZonesReplaced:
    """Make the operator's zones exactly these.

    A zone keeps its id as long as it keeps its ref; what is missing is retired, never deleted. When nothing differs,
    nothing is written and nobody is told.

    Raises:
        InvalidZonesError: with every fault of every zone; nothing is written.
    """
    _check(drafts)
    # The set's row is the lock under which an operator's zones are changed.
    await tx.execute(
        """
        insert into zone_set (operator_id, version, changed_at) values (%(operator_id)s, 0, %(now)s)
        on conflict (operator_id) do nothing
        """,
        {"operator_id": operator_id, "now": now},
    )
    ((version, changed_at),) = await tx.tuples(
        "select version, changed_at from zone_set where operator_id = %(operator_id)s for update",
        {"operator_id": operator_id},
    )
    stored = await tx.dicts(
        """
        select ref, zone_type, title, color, area, lat, lon, radius_m, vehicle_types, spec, retired_at is not null as retired
          from zone where operator_id = %(operator_id)s limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": 10 * MAX_ZONES},
    )
    known = {row.pop("ref"): row for row in stored}
    rows = {draft.ref: _columns(draft) for draft in drafts}
    written = [ref for ref, row in rows.items() if known.get(ref) != row]
    retired = [ref for ref, row in known.items() if ref not in rows and not row["retired"]]
    added = sum(ref not in known for ref in written)
    if written or retired:
        await _write(tx, operator_id, {ref: rows[ref] for ref in written})
        await tx.execute(
            "update zone set retired_at = %(now)s where operator_id = %(operator_id)s and ref = any(%(refs)s)",
            {"operator_id": operator_id, "refs": retired, "now": now},
        )
        version, changed_at = version + 1, now
        await tx.execute(
            "update zone_set set version = %(version)s, changed_at = %(now)s where operator_id = %(operator_id)s",
            {"operator_id": operator_id, "version": version, "now": now},
        )
        await tx.notify(ZONES_CHANGED, str(operator_id))
    return ZonesReplaced(
        added=added, changed=len(written) - added, retired=len(retired), version=version, changed_at=changed_at
    )


def _check(drafts: Sequence[ZoneDraft]) -> None:
    faults: dict[str, list[str]] = {}
    seen: set[str] = set()
    for draft in drafts:
        found = check_zone(draft) + (["another zone has the same ref"] if draft.ref in seen else [])
        if found:
            faults.setdefault(draft.ref, []).extend(found)
        seen.add(draft.ref)
    if len(drafts) > MAX_ZONES:
        faults.setdefault("", []).append(f"{len(drafts)} zones; at most {MAX_ZONES} are accepted")
    if faults:
        raise InvalidZonesError(faults)


def _columns(draft: ZoneDraft) -> dict[str, Any]:
    return {
        "zone_type": draft.zone_type.value,
        "title": draft.title,
        "color": draft.color,
        "area": _json(draft.area),
        "lat": None if draft.point is None else draft.point.lat,
        "lon": None if draft.point is None else draft.point.lon,
        "radius_m": draft.radius_m,
        "vehicle_types": [vehicle_type.value for vehicle_type in draft.vehicle_types],
        "spec": _json(draft.spec),
        "retired": False,
    }


def _json(value: object) -> Any:
    """As it comes back from the store, so that the two can be compared: lists, never tuples."""
    return msgspec.json.decode(msgspec.json.encode(value))


async def _write(tx: Tx, operator_id: OperatorId, rows: dict[str, dict[str, Any]]) -> None:
    await tx.execute_many(
        """
        insert into zone (operator_id, ref, zone_type, title, color, area, lat, lon, radius_m, vehicle_types, spec)
        values (%(operator_id)s, %(ref)s, %(zone_type)s, %(title)s, %(color)s, %(area)s, %(lat)s, %(lon)s, %(radius_m)s,
                %(vehicle_types)s, %(spec)s)
        on conflict (operator_id, ref) do update set
            zone_type = excluded.zone_type, title = excluded.title, color = excluded.color, area = excluded.area,
            lat = excluded.lat, lon = excluded.lon, radius_m = excluded.radius_m,
            vehicle_types = excluded.vehicle_types, spec = excluded.spec, retired_at = null
        """,
        [
            {
                **row,
                "operator_id": operator_id,
                "ref": ref,
                "area": None if row["area"] is None else Jsonb(row["area"]),
                "spec": Jsonb(row["spec"]),
            }
            for ref, row in rows.items()
        ],
    )


async def load_index(tx: Tx, operator_id: OperatorId) -> ZoneIndex:
    """The operator's zones as they are now; an operator without any has an empty index of version 0."""
    head = await tx.dicts(
        """
        select o.time_zone, coalesce(s.version, 0) as version, s.changed_at
          from operator o left join zone_set s on s.operator_id = o.id where o.id = %(operator_id)s
        """,
        {"operator_id": operator_id},
    )
    rows = await tx.dicts(
        """
        select id, ref, zone_type, title, color, area, lat, lon, radius_m, vehicle_types, spec
          from zone where operator_id = %(operator_id)s and retired_at is null order by id limit %(limit)s
        """,
        {"operator_id": operator_id, "limit": MAX_ZONES},
    )
    return ZoneIndex(
        operator_id,
        [_zone(operator_id, row) for row in rows],
        time_zone=ZoneInfo(head[0]["time_zone"] if head else "UTC"),
        version=head[0]["version"] if head else 0,
        changed_at=head[0]["changed_at"] if head else None,
    )


def _zone(operator_id: OperatorId, row: dict[str, Any]) -> Zone:
    return Zone(
        operator_id=operator_id,
        id=ZoneId(row["id"]),
        ref=row["ref"],
        zone_type=ZoneType(row["zone_type"]),
        title=row["title"],
        color=row["color"],
        area=row["area"],
        point=None if row["area"] is not None else Point(row["lat"], row["lon"]),
        radius_m=row["radius_m"],
        vehicle_types=tuple(VehicleType(name) for name in row["vehicle_types"]),
        spec=msgspec.convert(row["spec"], ZoneSpec),
    )

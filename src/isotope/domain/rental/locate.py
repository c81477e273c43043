"""To which station a vehicle belongs: the one that it last stood in, unless a rider left it elsewhere."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

import msgspec

from isotope.domain.rental.model import StationId
from isotope.domain.rental.places import place_of, stations_at
from isotope.domain.rental.rows import STATION_COLUMNS, station_row
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, VehicleId

BATCH: Final = 1_000
MOST_STATIONS: Final = 10_000


class Located(msgspec.Struct, frozen=True, kw_only=True):
    """`moved`: how many belong to another station now. `last`: go on after it; None: those were all."""

    moved: int
    last: VehicleId | None


class _Standing(msgspec.Struct, frozen=True, kw_only=True):
    vehicle_id: VehicleId
    lat: float
    lon: float
    zone_id: StationId | None
    is_shared: bool


async def locate_vehicles(
    tx: Tx, operator_id: OperatorId, now: datetime, *, tolerance_m: float, after: VehicleId | None = None
) -> Located:
    """Give vehicles of rented models, at most `BATCH` of them, the station that they stand in.

    | stands in       | shared | in use, or being moved | booked from now on | it belongs to          |
    |-----------------|--------|------------------------|--------------------|------------------------|
    | any             |        | yes                    |                    | where it did           |
    | any             |        | no                     | yes                | where it did           |
    | another station |        | no                     | no                 | the one it stands in   |
    | no station      | no     | no                     | no                 | where it did           |
    | no station      | yes    | no                     | no                 | no station             |

    One that is booked, but belongs to no station, belongs to the one it stands in. A shared vehicle stands elsewhere
    because a ride ended there: nobody brings it back. The vehicles' rows are locked, so that none is booked at its old station meanwhile.
    """
    stations = await tx.all(
        station_row,
        f"""
        select {STATION_COLUMNS} from rental_zone
         where operator_id = %(operator_id)s and retired_at is null order by id limit {MOST_STATIONS}
        """,
        {"operator_id": operator_id},
    )
    if not stations:
        return Located(moved=0, last=None)
    standing = await _standing(tx, operator_id, after)
    places = [(station.id, place_of(station)) for station in stations]
    stand_in = stations_at(places, [Point(vehicle.lat, vehicle.lon) for vehicle in standing], tolerance_m)
    found = {
        vehicle.vehicle_id: station_id
        for vehicle, station_id in zip(standing, stand_in, strict=True)
        if station_id is not None and station_id != vehicle.zone_id
    }
    left = [
        vehicle.vehicle_id
        for vehicle, station_id in zip(standing, stand_in, strict=True)
        if station_id is None and vehicle.zone_id is not None and vehicle.is_shared
    ]
    await _lock(tx, operator_id, [*found, *left])
    moved = await _move(tx, operator_id, found, now) + await _leave(tx, operator_id, left, now)
    return Located(moved=moved, last=standing[-1].vehicle_id if len(standing) == BATCH else None)


async def locate_all(tx: Tx, operator_id: OperatorId, now: datetime, *, tolerance_m: float) -> int:
    """`locate_vehicles` for the whole fleet; how many belong to another station now."""
    moved, after = 0, None
    while True:
        located = await locate_vehicles(tx, operator_id, now, tolerance_m=tolerance_m, after=after)
        moved, after = moved + located.moved, located.last
        if after is None:
            return moved


async def _standing(tx: Tx, operator_id: OperatorId, after: VehicleId | None) -> Sequence[_Standing]:
    return await tx.all(
        _Standing,
        """
        select v.id as vehicle_id, s.lat, s.lon, r.zone_id, coalesce((k.spec ->> 'sharing')::boolean, true) as is_shared
          from vehicle v
          join vehicle_model k on k.operator_id = v.operator_id and k.id = v.model_id
          join rental_model m on m.operator_id = v.operator_id and m.model_id = v.model_id and m.retired_at is null
          join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
          left join rental_vehicle r on r.operator_id = v.operator_id and r.vehicle_id = v.id
         where v.operator_id = %(operator_id)s and v.id > %(after)s
           and v.status not in ('IN_USE', 'TRANSPORTATION', 'REBALANCING', 'DEPRECATED')
         order by v.id limit %(limit)s
        """,
        {"operator_id": operator_id, "after": after or 0, "limit": BATCH},
    )


async def _lock(tx: Tx, operator_id: OperatorId, vehicle_ids: Sequence[VehicleId]) -> None:
    """The statements after this one see the slots of who had the rows before."""
    if vehicle_ids:
        await tx.execute(
            """
            select 1 from vehicle where operator_id = %(operator_id)s and id = any(%(vehicle_ids)s::bigint[])
             order by id for no key update
            """,
            {"operator_id": operator_id, "vehicle_ids": list(vehicle_ids)},
        )


async def _leave(tx: Tx, operator_id: OperatorId, vehicle_ids: Sequence[VehicleId], now: datetime) -> int:
    if not vehicle_ids:
        return 0
    return await tx.execute(
        """
        delete from rental_vehicle r using vehicle v
         where r.operator_id = %(operator_id)s and r.vehicle_id = any(%(vehicle_ids)s::bigint[])
           and v.operator_id = r.operator_id and v.id = r.vehicle_id
           and v.status not in ('IN_USE', 'TRANSPORTATION', 'REBALANCING', 'DEPRECATED')
           and not exists (
               select from vehicle_slot s
                where s.operator_id = v.operator_id and s.vehicle_id = v.id
                  and s.during && tstzrange(%(now)s, null) and s.holder like 'booking:%%'
                offset 0)
        """,
        {"operator_id": operator_id, "vehicle_ids": list(vehicle_ids), "now": now},
    )


async def _move(tx: Tx, operator_id: OperatorId, found: dict[VehicleId, StationId], now: datetime) -> int:
    if not found:
        return 0
    params = {
        "operator_id": operator_id,
        "vehicle_ids": sorted(found),
        "zone_ids": [found[vehicle_id] for vehicle_id in sorted(found)],
        "now": now,
    }
    return await tx.execute(
        """
        insert into rental_vehicle as r (operator_id, vehicle_id, zone_id, since)
        select v.operator_id, v.id, d.zone_id, %(now)s
          from unnest(%(vehicle_ids)s::bigint[], %(zone_ids)s::bigint[]) as d (vehicle_id, zone_id)
          join vehicle v on v.operator_id = %(operator_id)s and v.id = d.vehicle_id
         where v.status not in ('IN_USE', 'TRANSPORTATION', 'REBALANCING', 'DEPRECATED')
           and not exists (
               select from vehicle_slot s
                where s.operator_id = v.operator_id and s.vehicle_id = v.id
                  and s.during && tstzrange(%(now)s, null) and s.holder like 'booking:%%'
                  and exists (select from rental_vehicle b
                               where b.operator_id = v.operator_id and b.vehicle_id = v.id)
                offset 0)
        on conflict (operator_id, vehicle_id) do update set zone_id = excluded.zone_id, since = excluded.since
        """,
        params,
    )

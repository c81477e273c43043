"""What is shown beside bookings: vehicles as their renters see them, and stations."""

from collections.abc import Collection
from dataclasses import dataclass

from isotope.domain.rental.model import Station, StationId
from isotope.domain.rental.rows import STATION_COLUMNS, station_row
from isotope.infra.db import Tx
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId, VehicleId
from isotope.kernel.vehicle_types import VehicleType


@dataclass(frozen=True, slots=True)
class ShownVehicle:
    """A vehicle as its renter sees it. `energy_pct` of battery or tank; `at` None: it was never heard of."""

    id: VehicleId
    nr: str
    vehicle_type: VehicleType
    model_title: str
    picture_url: str | None
    seats: int
    at: Point | None
    energy_pct: int | None


async def map_shown_vehicles(
    tx: Tx, operator_id: OperatorId, vehicle_ids: Collection[VehicleId]
) -> dict[VehicleId, ShownVehicle]:
    """By the primary keys."""
    rows = await tx.tuples(
        """
        select v.id, v.nr, m.vehicle_type, m.title, m.spec ->> 'picture_url', coalesce((m.spec ->> 'seats')::int, 1),
               s.lat, s.lon, s.battery_pct
          from vehicle v
          join vehicle_model m on m.operator_id = v.operator_id and m.id = v.model_id
          left join vehicle_state s on s.operator_id = v.operator_id and s.vehicle_id = v.id
         where v.operator_id = %(operator_id)s and v.id = any(%(ids)s::bigint[])
        """,
        {"operator_id": operator_id, "ids": list(vehicle_ids)},
    )
    return {
        vehicle_id: ShownVehicle(
            vehicle_id, nr, kind, title, picture, seats, None if lat is None else Point(lat, lon), energy_pct
        )
        for vehicle_id, nr, kind, title, picture, seats, lat, lon, energy_pct in rows
    }


async def map_stations(tx: Tx, operator_id: OperatorId, station_ids: Collection[StationId]) -> dict[StationId, Station]:
    """Retired ones too: what ended there is shown as it was. By the primary key."""
    stations = await tx.all(
        station_row,
        f"""
        select {STATION_COLUMNS} from rental_zone
         where operator_id = %(operator_id)s and id = any(%(ids)s::bigint[])
        """,
        {"operator_id": operator_id, "ids": list(station_ids)},
    )
    return {station.id: station for station in stations}

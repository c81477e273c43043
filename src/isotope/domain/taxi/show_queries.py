"""What is read of a rider's trips for later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from isotope.domain.taxi.model import Stop, Trip
from isotope.domain.taxi.rows import POINT_COLUMNS, TRIP_COLUMNS, stop_row, trip_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId, TripId


@dataclass(frozen=True, slots=True)
class Scheduled:
    """How many trips a rider has ordered for later, and the next one."""

    count: int
    next_id: TripId | None = None
    next_at: datetime | None = None


async def get_scheduled(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> Scheduled:
    """In short; by trip_of_rider_open."""
    rows = await tx.tuples(
        """
        select id, scheduled_at, count(*) over () from trip
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'SCHEDULED'
         order by scheduled_at, id limit 1
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if not rows:
        return Scheduled(0)
    [(trip_id, at, count)] = rows
    return Scheduled(count, TripId(trip_id), at)


async def list_scheduled(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> list[Trip]:
    """The next one first; a rider has at most 100. By trip_of_rider_open."""
    return await tx.all(
        trip_row,
        f"""
        select {TRIP_COLUMNS} from trip
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'SCHEDULED'
         order by scheduled_at, id limit 100
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def get_stops(tx: Tx, operator_id: OperatorId, trip_ids: Sequence[TripId]) -> dict[TripId, list[Stop]]:
    """Of several trips, each from the pick-up on."""
    found: dict[TripId, list[Stop]] = {trip_id: [] for trip_id in trip_ids}
    rows = await tx.all(
        lambda trip_id, **columns: (TripId(trip_id), stop_row(**columns)),
        f"""
        select trip_id, {POINT_COLUMNS} from trip_point
         where operator_id = %(operator_id)s and trip_id = any(%(ids)s) order by trip_id, nr
        """,
        {"operator_id": operator_id, "ids": list(trip_ids)},
    )
    for trip_id, stop in rows:
        found[trip_id].append(stop)
    return found

"""What is read when a trip is requested."""

from dataclasses import dataclass
from uuid import UUID

from isotope.domain.taxi.model import Trip
from isotope.domain.taxi.rows import TRIP_COLUMNS, trip_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


@dataclass(frozen=True, slots=True)
class OpenTrips:
    """How many trips of a rider's are under way, and how many are ordered for later."""

    under_way: int
    scheduled: int


async def count_open_trips(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> OpenTrips:
    """By trip_of_rider_open; a rider has at most 120."""
    [(under_way, scheduled)] = await tx.tuples(
        """
        select count(*) filter (where status <> 'SCHEDULED'), count(*) filter (where status = 'SCHEDULED')
          from trip
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
           and status in ('AUTHORISING', 'REQUESTED', 'SCHEDULED', 'ACCEPTED', 'ARRIVED', 'STARTED')
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return OpenTrips(under_way, scheduled)


async def find_trip_of_quote(tx: Tx, operator_id: OperatorId, quote_id: UUID) -> Trip | None:
    """The trip that was requested with it."""
    return await tx.find(
        trip_row,
        f"select {TRIP_COLUMNS} from trip where operator_id = %(operator_id)s and quote_id = %(quote_id)s",
        {"operator_id": operator_id, "quote_id": quote_id},
    )

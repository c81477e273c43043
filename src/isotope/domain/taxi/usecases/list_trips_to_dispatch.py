"""What a dispatcher looks at: trips that nobody drives."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.taxi import staff_rules
from isotope.domain.taxi.driver_queries import get_stops, get_trips
from isotope.domain.taxi.model import OfferStatus, Stop, Trip
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, TripId

# So long a trip that nobody was found for stays in the list.
UNSERVED_LIFE: Final = timedelta(hours=2)
# Of each of the three kinds.
MOST_LISTED: Final = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class TripToDispatch:
    """`offers`: how many drivers stand how. `is_open_book`: who rides may be shown."""

    trip: Trip
    stops: Sequence[Stop]
    offers: dict[OfferStatus, int]
    is_open_book: bool


async def list_trips_to_dispatch(rt: Runtime, operator: Operator, role: Role) -> list[TripToDispatch]:
    """Three lists in one, at most MOST_LISTED of each.

    Those a driver is looked for, longest first; those for later that nobody promised, next first; those that were given
    up lately because nobody was found, newest first.
    """
    async with rt.db.read() as tx:
        ids = await _list_ids(tx, operator.id, rt.clock.now())
        trips = await get_trips(tx, operator.id, ids)
        stops = await get_stops(tx, operator.id, ids)
        offers = await _count_offers(tx, operator.id, ids)
    return [
        TripToDispatch(
            trip=trips[trip_id],
            stops=stops[trip_id],
            offers=offers.get(trip_id, {}),
            is_open_book=staff_rules.sees_riders(role),
        )
        for trip_id in ids
    ]


async def _list_ids(tx: Tx, operator_id: OperatorId, now: datetime) -> list[TripId]:
    """By trip_requested, trip_scheduled and trip_unserved."""
    key = {"operator_id": operator_id, "since": now - UNSERVED_LIFE, "limit": MOST_LISTED}
    requested = await tx.tuples(
        """
        select id from trip where operator_id = %(operator_id)s and status = 'REQUESTED'
         order by requested_at, id limit %(limit)s
        """,
        key,
    )
    scheduled = await tx.tuples(
        """
        select id from trip where operator_id = %(operator_id)s and status = 'SCHEDULED' and driver_id is null
         order by scheduled_at, id limit %(limit)s
        """,
        key,
    )
    unserved = await tx.tuples(
        """
        select id from trip where operator_id = %(operator_id)s and outcome = 'no_driver' and closed_at >= %(since)s
         order by closed_at desc, id limit %(limit)s
        """,
        key,
    )
    return [TripId(trip_id) for rows in (requested, scheduled, unserved) for (trip_id,) in rows]


async def _count_offers(tx: Tx, operator_id: OperatorId, ids: Sequence[TripId]) -> dict[TripId, dict[OfferStatus, int]]:
    """By trip_offer_of."""
    rows = await tx.tuples(
        """
        select trip_id, status, count(*) from trip_offer
         where operator_id = %(operator_id)s and trip_id = any(%(ids)s) group by trip_id, status
        """,
        {"operator_id": operator_id, "ids": list(ids)},
    )
    found: dict[TripId, dict[OfferStatus, int]] = {}
    for trip_id, status, count in rows:
        found.setdefault(TripId(trip_id), {})[OfferStatus(status)] = count
    return found

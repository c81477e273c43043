"""What a rider has ordered for later."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from isotope.domain.pricing import Words
from isotope.domain.taxi import show_rules
from isotope.domain.taxi.errors import trip_not_found
from isotope.domain.taxi.model import Stop, Trip
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.show_queries import Scheduled, get_stops, list_scheduled
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class ScheduledTrip:
    """A trip for later. `cancel_fee_minor`: what a cancel costs now, with tax; free until `free_cancel_until`."""

    trip: Trip
    stops: Sequence[Stop]
    cancel_fee_minor: int
    free_cancel_until: datetime


async def list_scheduled_trips(
    rt: Runtime, operator: Operator, rider_id: RiderId, words: Words
) -> tuple[list[ScheduledTrip], Scheduled]:
    """The next one first; and all of them in short."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        trips = await list_scheduled(tx, operator.id, rider_id)
        shown = await show_scheduled(tx, operator, trips, words, now)
    if not trips:
        return [], Scheduled(0)
    return shown, Scheduled(len(trips), trips[0].id, trips[0].scheduled_at)


async def show_scheduled(
    tx: Tx, operator: Operator, trips: Sequence[Trip], words: Words, now: datetime
) -> list[ScheduledTrip]:
    """Trips for later, each with what a cancel costs."""
    stops = await get_stops(tx, operator.id, [trip.id for trip in trips])
    free = timedelta(minutes=operator.settings.taxi.schedule_free_cancel_min)
    return [
        ScheduledTrip(
            trip=trip,
            stops=stops[trip.id],
            cancel_fee_minor=show_rules.cancel_fee_now(trip, operator.settings.taxi, now, words),
            free_cancel_until=(trip.scheduled_at or now) - free,
        )
        for trip in trips
    ]


async def must_be_scheduled(rt: Runtime, operator_id: OperatorId, rider_id: RiderId, trip_id: TripId) -> None:
    """That a trip of the rider's was ordered for later.

    Raises:
        Refusal: `trip_not_found`.
    """
    async with rt.db.read() as tx:
        trip = await find_trip(tx, operator_id, trip_id)
    if trip is None or trip.rider_id != rider_id or trip.scheduled_at is None:
        raise trip_not_found()

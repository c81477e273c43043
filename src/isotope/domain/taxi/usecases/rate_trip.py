"""A rider rates a trip: once, after its end."""

from dataclasses import dataclass

from isotope.domain.drivers import save_rating
from isotope.domain.taxi import driving_errors, errors, store
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.domain.taxi.usecases.locking import lock_own_trip
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class RateTrip:
    """`rating`: 1 to 5."""

    operator: Operator
    rider_id: RiderId
    trip_id: TripId
    rating: int
    actor: Actor
    comment: str | None = None


async def rate_trip(rt: Runtime, command: RateTrip) -> Trip:
    """The trip, rated; it counts for its driver. The same rating again is the first one.

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `trip_already_rated`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        trip = await lock_own_trip(tx, operator.id, command.rider_id, command.trip_id)
        if trip.status is not TripStatus.ENDED or trip.driver_id is None:
            raise errors.trip_status(trip.status, [TripStatus.ENDED])
        if trip.rating is not None:
            if (trip.rating, trip.rating_comment) == (command.rating, command.comment):
                return trip
            raise driving_errors.already_rated()
        rated = await store.change_trip(tx, trip, rating=command.rating, rating_comment=command.comment, rated_at=now)
        await save_rating(tx, operator.id, trip.driver_id, command.rating)
        await store.add_event(tx, rated, "rated", now, command.actor, rating=command.rating)
        return rated

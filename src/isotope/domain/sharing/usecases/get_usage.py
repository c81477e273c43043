"""How long a ride that is over took."""

from isotope.domain.pricing import Usage
from isotope.domain.sharing import queries
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.rules import ride_usage
from isotope.infra.runtime import Runtime


async def get_usage(rt: Runtime, ride: Ride) -> Usage:
    """Seconds ridden and paused, as they were metered; what of it is not asked for stands on the bill."""
    async with rt.db.glance() as tx:
        events = await queries.list_events(tx, ride.operator_id, ride.id)
    return ride_usage(events, ride.ended_at or rt.clock.now())

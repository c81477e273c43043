"""A rider says how a ride was."""

from collections.abc import Sequence
from dataclasses import dataclass

from isotope.domain.sharing import errors, history, history_errors
from isotope.domain.sharing.history import Rating
from isotope.domain.sharing.model import RideStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RideId, RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class RateRide:
    """`reasons` are some of the operator's; `comment` is text as it was written."""

    operator: Operator
    rider_id: RiderId
    ride_id: RideId
    rating: int
    reasons: Sequence[str]
    comment: str


async def rate_ride(rt: Runtime, command: RateRide) -> Rating:
    """Once a ride, for ever: what was said is what staff read.

    Raises:
        Refusal: `ride_not_found`, `ride_not_rateable`, `ride_rated_already`.
    """
    operator_id = command.operator.id
    async with rt.db.write() as tx:
        past = await history.find_own_past_ride(tx, operator_id, command.rider_id, command.ride_id)
        if past is None:
            raise errors.ride_not_found()
        if past.ride.status is not RideStatus.ENDED:
            raise history_errors.ride_not_rateable()
        rating = Rating(
            operator_id=operator_id,
            ride_id=command.ride_id,
            rider_id=command.rider_id,
            rating=command.rating,
            reasons=tuple(dict.fromkeys(command.reasons)),
            comment=command.comment,
            at=rt.clock.now(),
        )
        # Two at once: the key of the table lets one through.
        if not await history.insert_rating(tx, rating):
            raise history_errors.ride_rated_already()
    return rating

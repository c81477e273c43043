"""One ride that is over, with everything that its rider may know."""

from dataclasses import dataclass
from datetime import timedelta

from isotope.domain.evidence import LinkedPicture, PictureOf, show_pictures
from isotope.domain.pricing import Usage
from isotope.domain.receipts import ReceiptId, list_receipt_ids
from isotope.domain.sharing import errors, history, queries, refunds
from isotope.domain.sharing.history import PastRide, Rating
from isotope.domain.sharing.refunds import Fine, Refund
from isotope.domain.sharing.route import Coarseness, coarsen
from isotope.domain.sharing.rules import ride_usage
from isotope.domain.tenants.model import Operator, PrivacySettings
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import RideId, RiderId


@dataclass(frozen=True, slots=True)
class WholeRide:
    """A ride, what became of its money, and what is known of its way.

    Attributes:
        route: coarsened as the operator says; empty: too short to tell, or told no more.
        receipt_ids: of the ride, its fines and refunds, in this order.
    """

    past: PastRide
    usage: Usage
    fines: tuple[Fine, ...]
    refunds: tuple[Refund, ...]
    receipt_ids: tuple[ReceiptId, ...]
    pictures: tuple[LinkedPicture, ...]
    rating: Rating | None
    route: tuple[Point, ...]


async def read_ride(
    rt: Runtime, operator: Operator, rider_id: RiderId, ride_id: RideId, *, with_route: bool
) -> WholeRide:
    """A ride of the rider's.

    Raises:
        Refusal: `ride_not_found`, also for one that still runs, and for somebody else's.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        past = await history.find_own_past_ride(tx, operator.id, rider_id, ride_id)
        if past is None:
            raise errors.ride_not_found()
        fines = tuple(await refunds.list_fines(tx, operator.id, ride_id))
        given_back = tuple(await refunds.list_refunds(tx, operator.id, ride_id))
        causes = [f"ride:{ride_id}", *(one.cause for one in fines), *(one.cause for one in given_back)]
        events = await queries.list_events(tx, operator.id, ride_id)
        shown = await show_pictures(tx, PictureOf.RIDE, operator.id, [ride_id], now)
        ended_at = past.ride.ended_at or now
        places: list[Point] = []
        if with_route and now < ended_at + timedelta(days=operator.settings.privacy.route_days):
            places = await _places(tx, past)
        return WholeRide(
            past=past,
            usage=ride_usage(events, ended_at),
            fines=fines,
            refunds=given_back,
            receipt_ids=tuple(await list_receipt_ids(tx, operator.id, rider_id, causes)),
            pictures=tuple(shown),
            rating=await history.find_rating(tx, operator.id, ride_id),
            route=tuple(coarsen(places, _coarseness(operator.settings.privacy))),
        )


async def _places(tx: Tx, past: PastRide) -> list[Point]:
    """From where it began to where it ended; nothing for a ride that never ran."""
    ride = past.ride
    if ride.started_at is None or ride.end is None:
        return []
    return [ride.start, *await history.list_places(tx, ride), ride.end]


def _coarseness(privacy: PrivacySettings) -> Coarseness:
    return Coarseness(tolerance_m=privacy.route_tolerance_m, blur_m=privacy.route_blur_m, hide_m=privacy.route_hide_m)

"""A driver declines an offer: they are not offered the trip again."""

from dataclasses import dataclass

from isotope.domain.taxi import driving_errors, offer_store, store
from isotope.domain.taxi.model import OfferStatus, TripOffer, TripOfferId
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.ids import DriverId


@dataclass(frozen=True, slots=True, kw_only=True)
class DeclineOffer:
    """`reason`: of the driver's own words or list; not told to the rider."""

    operator: Operator
    driver_id: DriverId
    offer_id: TripOfferId
    reason: str | None = None


async def decline_offer(rt: Runtime, command: DeclineOffer) -> TripOffer:
    """The offer as it stands now. Declining what was answered, taken or has ended changes nothing.

    Raises:
        Refusal: `offer_not_found`; `offer_taken`: the driver accepted it.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        seen = await offer_store.find_offer(tx, operator.id, command.driver_id, command.offer_id)
        if seen is None:
            raise driving_errors.offer_not_found()
        trip = await store.lock_trip(tx, operator.id, seen.trip_id)
        offer = await offer_store.find_offer(tx, operator.id, command.driver_id, command.offer_id)
        if trip is None or offer is None:
            raise driving_errors.offer_not_found()
        if offer.status is OfferStatus.ACCEPTED:
            raise driving_errors.offer_taken()
        if offer.status is not OfferStatus.OPEN:
            return offer
        await offer_store.answer_offer(tx, offer, OfferStatus.DECLINED, now, command.reason)
        await store.add_event(tx, trip, "declined", now, driver_actor(command.driver_id), reason=command.reason)
        await offer_store.end_search_of_wanted(tx, trip, command.driver_id, now)
        await store.tell_driver(tx, operator.id, command.driver_id)
        declined = await offer_store.find_offer(tx, operator.id, command.driver_id, command.offer_id)
        return declined or offer

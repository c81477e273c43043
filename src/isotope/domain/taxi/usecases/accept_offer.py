"""A driver accepts a trip that was offered: the first one has it."""

from dataclasses import dataclass
from datetime import timedelta

from isotope.domain.drivers import (
    DriverStatus,
    driver_blocked,
    driver_busy,
    driver_offline,
    get_driver,
    lock_state,
    set_busy,
)
from isotope.domain.taxi import driving_errors, offer_store, store
from isotope.domain.taxi.model import OfferStatus, Trip, TripOffer, TripOfferId, TripStatus
from isotope.domain.taxi.queries import find_driven_trip
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import driver_actor
from isotope.kernel.ids import DriverId


@dataclass(frozen=True, slots=True, kw_only=True)
class AcceptOffer:
    """A driver takes a trip, or promises to drive one that is for later."""

    operator: Operator
    driver_id: DriverId
    offer_id: TripOfferId


async def accept_offer(rt: Runtime, command: AcceptOffer) -> Trip:
    """The trip, ACCEPTED; one for later stays SCHEDULED, promised.

    The trip's row decides who is first; that nobody drives two trips stands in the database as well. Accepting again is
    answered as the first time.

    Raises:
        Refusal: `offer_not_found`, `offer_ended`, `offer_taken`, `driver_offline`, `driver_busy`, `driver_blocked`,
            `promise_clashes`.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.write() as tx:
        seen = await offer_store.find_offer(tx, operator.id, command.driver_id, command.offer_id)
        if seen is None:
            raise driving_errors.offer_not_found()
        trip = await store.lock_trip(tx, operator.id, seen.trip_id)
        # What stood there before the trip was locked may have changed.
        offer = await offer_store.find_offer(tx, operator.id, command.driver_id, command.offer_id)
        if trip is None or offer is None:
            raise driving_errors.offer_not_found()
        if offer.status is OfferStatus.ACCEPTED and trip.driver_id == command.driver_id:
            return trip
        if offer.status is OfferStatus.WITHDRAWN or trip.status not in (TripStatus.REQUESTED, TripStatus.SCHEDULED):
            raise driving_errors.offer_taken()
        if offer.status is not OfferStatus.OPEN or offer.expires_at <= now:
            raise driving_errors.offer_ended()
        if trip.driver_id is not None:
            raise driving_errors.offer_taken()
        if (await get_driver(tx, operator.id, command.driver_id)).status is not DriverStatus.ACTIVE:
            raise driver_blocked()
        return await _take(tx, rt, command, trip, offer)


async def _take(tx: Tx, rt: Runtime, command: AcceptOffer, trip: Trip, offer: TripOffer) -> Trip:
    operator, now = command.operator, rt.clock.now()
    state = await lock_state(tx, operator.id, command.driver_id)
    if not state.is_online or state.vehicle_id is None:
        raise driver_offline()
    await offer_store.answer_offer(tx, offer, OfferStatus.ACCEPTED, now)
    await store.withdraw_offers(tx, trip, now, but=command.driver_id)
    actor = driver_actor(command.driver_id)
    if trip.status is TripStatus.SCHEDULED:
        gap = timedelta(minutes=operator.settings.taxi.schedule_gap_min)
        if await offer_store.has_promise_near(tx, operator.id, command.driver_id, trip, gap):
            raise driving_errors.promise_clashes()
        promised = await store.change_trip(tx, trip, driver_id=command.driver_id, vehicle_id=state.vehicle_id)
        await store.add_event(tx, promised, "promised", now, actor)
        await store.tell(tx, promised)
        return promised
    if await find_driven_trip(tx, operator.id, command.driver_id) is not None:
        raise driver_busy()
    accepted = await store.move_trip(
        tx,
        trip,
        TripStatus.ACCEPTED,
        actor,
        now,
        driver_id=command.driver_id,
        vehicle_id=state.vehicle_id,
        accepted_at=now,
        pickup_eta_s=offer.eta_s,
        next_at=None,
    )
    await set_busy(tx, operator.id, command.driver_id)
    await offer_store.withdraw_others(tx, operator.id, command.driver_id, now)
    await tell_rider_of(tx, rt, operator, accepted, "trip_accepted")
    return accepted

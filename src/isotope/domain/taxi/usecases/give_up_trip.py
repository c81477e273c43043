"""A driver gives a trip up before its start: somebody else drives it, or nobody does."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Final

from isotope.domain.drivers import lock_state, set_idle
from isotope.domain.payments import CardCall, Cards, carry_out_all
from isotope.domain.taxi import driving_errors, errors, offer_store, store
from isotope.domain.taxi.model import Outcome, Trip, TripStatus
from isotope.domain.taxi.queries import find_trip
from isotope.domain.taxi.telling import tell_rider_of
from isotope.domain.taxi.usecases.cancel_trip import close_undriven
from isotope.domain.taxi.usecases.locking import lock_driven_trip
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor, driver_actor
from isotope.kernel.ids import DriverId, TripId
from isotope.kernel.money import Money

# The reason of a driver whom nobody met.
NO_SHOW: Final = "no_show"
_BEFORE_THE_START: Final = (TripStatus.SCHEDULED, TripStatus.ACCEPTED, TripStatus.ARRIVED)


@dataclass(frozen=True, slots=True, kw_only=True)
class GiveUpTrip:
    """`reason`: `no_show`, or the driver's own."""

    operator: Operator
    driver_id: DriverId
    trip_id: TripId
    reason: str


async def give_up_trip(rt: Runtime, cards: Cards, command: GiveUpTrip) -> Trip:
    """The trip as it goes on.

    | | what becomes of it |
    |---|---|
    | promised, for later | SCHEDULED again, for others |
    | `no_show`, waited long enough at the pick-up | CANCELED, the rider pays the no-show fee |
    | another reason, put back less often than allowed | REQUESTED again, at its price, longer looked for |
    | another reason otherwise | CANCELED, for nothing |

    Raises:
        Refusal: `trip_not_found`, `trip_status`, `too_early_for_no_show`.
    """
    operator = command.operator
    async with rt.db.write() as tx:
        trip, calls = await _record(tx, rt, cards, command, rt.clock.now())
    await carry_out_all(rt, cards, operator, calls)
    if not calls:
        return trip
    async with rt.db.read() as tx:
        return await find_trip(tx, operator.id, command.trip_id) or trip


async def _record(tx: Tx, rt: Runtime, cards: Cards, command: GiveUpTrip, now: datetime) -> tuple[Trip, list[CardCall]]:
    operator, actor = command.operator, driver_actor(command.driver_id)
    trip = await lock_driven_trip(tx, operator.id, command.driver_id, command.trip_id)
    if trip.status not in _BEFORE_THE_START:
        raise errors.trip_status(trip.status, _BEFORE_THE_START)
    if trip.status is TripStatus.SCHEDULED:
        return await _unpromise(tx, trip, command.reason, actor, now), []
    if command.reason == NO_SHOW:
        return await _no_show(tx, rt, cards, operator, trip, actor, now)
    if trip.reoffers < operator.settings.taxi.reoffers:
        return await put_back(tx, rt, operator, trip, actor, now, command.reason), []
    await tell_rider_of(tx, rt, operator, trip, "trip_driver_canceled")
    await offer_store.give_up_offer(tx, trip, now, command.reason)
    return await close_undriven(
        tx,
        rt,
        cards,
        operator,
        trip,
        actor,
        outcome=Outcome.DRIVER_CANCELED,
        reason=command.reason,
        now=now,
    )


async def put_back(
    tx: Tx, rt: Runtime, operator: Operator, trip: Trip, actor: Actor, now: datetime, reason: str | None
) -> Trip:
    """REQUESTED again, and looked for a while longer: not by who gave it up. The caller holds the trip's row."""
    if trip.driver_id is not None:
        await lock_state(tx, operator.id, trip.driver_id)
        await set_idle(tx, operator.id, trip.driver_id, now)
    await offer_store.give_up_offer(tx, trip, now, reason)
    until = now + timedelta(seconds=max(operator.settings.taxi.retry_s, operator.settings.taxi.offer_s))
    again = await store.move_trip(
        tx,
        trip,
        TripStatus.REQUESTED,
        actor,
        now,
        reason=reason,
        driver_id=None,
        vehicle_id=None,
        # Whoever the rider had asked for does not come.
        wanted_driver_id=None,
        accepted_at=None,
        arrived_at=None,
        pickup_eta_s=None,
        reoffers=trip.reoffers + 1,
        search_until=until,
        next_at=until,
    )
    await tell_rider_of(tx, rt, operator, again, "trip_put_back")
    return again


async def _unpromise(tx: Tx, trip: Trip, reason: str, actor: Actor, now: datetime) -> Trip:
    await offer_store.give_up_offer(tx, trip, now, reason)
    free = await store.change_trip(tx, trip, driver_id=None, vehicle_id=None, next_at=now)
    await store.add_event(tx, free, "unpromised", now, actor, reason=reason)
    await store.tell(tx, trip)
    return free


async def _no_show(
    tx: Tx, rt: Runtime, cards: Cards, operator: Operator, trip: Trip, actor: Actor, now: datetime
) -> tuple[Trip, list[CardCall]]:
    if trip.status is not TripStatus.ARRIVED or trip.arrived_at is None:
        raise errors.trip_status(trip.status, [TripStatus.ARRIVED])
    since = trip.arrived_at
    if trip.scheduled_at is not None:
        # Nobody need be there before the time that was agreed.
        since = max(since, trip.scheduled_at)
    left = (since + timedelta(seconds=operator.settings.taxi.no_show_s) - now).total_seconds()
    if left > 0:
        raise driving_errors.too_early_for_no_show(ceil(left))
    canceled, calls = await close_undriven(
        tx,
        rt,
        cards,
        operator,
        trip,
        actor,
        outcome=Outcome.NO_SHOW,
        fee_minor=trip.terms.tariff.no_show_minor,
        fee_code="taxi_no_show_fee",
        reason=NO_SHOW,
        now=now,
    )
    fee = Money(canceled.total_minor, canceled.currency).text()
    await tell_rider_of(tx, rt, operator, canceled, "trip_no_show", fee=fee)
    return canceled, calls

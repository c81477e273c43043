"""What a driver has before them: offers, the trip they are in, trips they promised, trips that are over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from isotope.domain.drivers import Driver, DriverState, Presence, find_state, get_driver
from isotope.domain.identity import get_rider
from isotope.domain.identity.model import Rider
from isotope.domain.taxi import driver_queries, driver_rules, errors, queries
from isotope.domain.taxi.driver_rules import DriverAction
from isotope.domain.taxi.fares import earning_minor
from isotope.domain.taxi.model import Stop, Trip, TripOffer, TripStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, TripId

_KNOWS_THE_RIDER = (TripStatus.ACCEPTED, TripStatus.ARRIVED, TripStatus.STARTED)


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverTrip:
    """A trip as its driver sees it.

    Attributes:
        rider: from the acceptance until the end only.
        share_minor: what of the fare is the driver's; of a trip that goes on, of the agreed fare.
        no_show_from: from then on the driver need not wait; None: nobody waits.
    """

    trip: Trip
    stops: Sequence[Stop]
    rider: Rider | None
    actions: Sequence[DriverAction]
    share_minor: int
    no_show_from: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverOffer:
    """A trip that the driver may take. Who the rider is, is told to who takes it."""

    offer: TripOffer
    trip: Trip
    stops: Sequence[Stop]
    share_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DriverWork:
    """All that changes while a driver works."""

    state: DriverState
    presence: Presence
    offers: Sequence[DriverOffer]
    trip: DriverTrip | None


async def show_driver_work(rt: Runtime, operator: Operator, driver_id: DriverId) -> DriverWork:
    """As it is now.

    Raises:
        Refusal: `driver_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        driver = await get_driver(tx, operator.id, driver_id)
        state = await find_state(tx, operator.id, driver_id)
        state = state or DriverState(operator_id=operator.id, driver_id=driver_id)
        offers = await driver_queries.list_open_offers(tx, operator.id, driver_id, now)
        current = await driver_queries.find_current_trip(tx, operator.id, driver_id)
        trips = await driver_queries.get_trips(tx, operator.id, [offer.trip_id for offer in offers])
        stops = await driver_queries.get_stops(tx, operator.id, list(trips))
        shown = None if current is None else await _shown(tx, operator, driver, current, now)
    return DriverWork(
        state=state,
        presence=state.presence(operator.settings.taxi, now),
        offers=[
            DriverOffer(
                offer=offer,
                trip=trips[offer.trip_id],
                stops=stops[offer.trip_id],
                share_minor=share_minor(driver, trips[offer.trip_id]),
            )
            for offer in offers
        ],
        trip=shown,
    )


async def show_driver_trip(rt: Runtime, operator: Operator, driver_id: DriverId, trip_id: TripId) -> DriverTrip:
    """One of the driver's own.

    Raises:
        Refusal: `trip_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        trip = await queries.find_trip(tx, operator.id, trip_id)
        if trip is None or trip.driver_id != driver_id:
            raise errors.trip_not_found()
        return await _shown(tx, operator, await get_driver(tx, operator.id, driver_id), trip, now)


async def list_promised(rt: Runtime, operator: Operator, driver_id: DriverId) -> list[DriverTrip]:
    """The next one first; at most a hundred."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        driver = await get_driver(tx, operator.id, driver_id)
        trips = await driver_queries.list_promised_trips(tx, operator.id, driver_id)
        stops = await driver_queries.get_stops(tx, operator.id, [trip.id for trip in trips])
    return [_without_rider(operator, driver, trip, stops[trip.id], now) for trip in trips]


async def list_driven(
    rt: Runtime, operator: Operator, driver_id: DriverId, before: TripId | None, limit: int
) -> list[DriverTrip] | None:
    """Trips that are over, newest first; None: `before` is none of the driver's."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        if before is not None:
            named = await queries.find_trip(tx, operator.id, before)
            if named is None or named.driver_id != driver_id:
                return None
        driver = await get_driver(tx, operator.id, driver_id)
        trips = await driver_queries.list_trips_of_driver(tx, operator.id, driver_id, before, limit)
        stops = await driver_queries.get_stops(tx, operator.id, [trip.id for trip in trips])
    return [_without_rider(operator, driver, trip, stops[trip.id], now) for trip in trips]


async def _shown(tx: Tx, operator: Operator, driver: Driver, trip: Trip, now: datetime) -> DriverTrip:
    stops = await queries.list_stops(tx, operator.id, trip.id)
    rider = await get_rider(tx, operator.id, trip.rider_id) if trip.status in _KNOWS_THE_RIDER else None
    shown = _without_rider(operator, driver, trip, stops, now)
    return DriverTrip(
        trip=trip,
        stops=stops,
        rider=rider,
        actions=shown.actions,
        share_minor=shown.share_minor,
        no_show_from=shown.no_show_from,
    )


def _without_rider(operator: Operator, driver: Driver, trip: Trip, stops: Sequence[Stop], now: datetime) -> DriverTrip:
    settings = operator.settings.taxi
    return DriverTrip(
        trip=trip,
        stops=stops,
        rider=None,
        actions=driver_rules.driver_actions(trip, stops, settings, now),
        share_minor=share_minor(driver, trip),
        no_show_from=driver_rules.no_show_from(trip, settings),
    )


def share_minor(driver: Driver, trip: Trip) -> int:
    """Of the bill of a trip that is over; before that of what was agreed."""
    if trip.status.is_final:
        return trip.earned_minor
    commission = driver.commission_pct if driver.commission_pct is not None else Decimal(trip.terms.commission_pct)
    return earning_minor(trip.terms.quoted.total_minor, commission)

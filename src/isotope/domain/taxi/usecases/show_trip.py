"""A trip as a rider's app shows it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import pairwise

from isotope.domain.drivers import Driver, DriverState, TaxiVehicle, find_driver, find_state, get_vehicles
from isotope.domain.maps import Roads, RoadsUnavailable, estimate_way
from isotope.domain.pricing import Words
from isotope.domain.taxi import errors, queries, show_rules
from isotope.domain.taxi.model import FarePrice, Stop, Trip, TripStatus
from isotope.domain.taxi.show_queries import Scheduled, get_scheduled
from isotope.domain.taxi.show_rules import Action
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.ids import RiderId, TripId


@dataclass(frozen=True, slots=True, kw_only=True)
class ShowTrip:
    """Which trip, to whom. `trip_id` None: the one that is under way. `words`: for the lines of the price."""

    operator: Operator
    rider_id: RiderId
    words: Words
    trip_id: TripId | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Etas:
    """From now, seconds; None: nobody knows, or it is behind."""

    pick_up_s: int | None = None
    next_stop_s: int | None = None
    destination_s: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ShownTrip:
    """All of it.

    Attributes:
        driver: who drives, from the acceptance until the end; `state` then too.
        vehicle: in what; it stays known afterwards, for what was left in it.
        position: where the driver is; None: not known well enough.
        cancel_fee_minor: what a cancel by the rider costs now, with tax.
        next_request_s: when to look again; None: nothing changes any more.
    """

    trip: Trip
    stops: Sequence[Stop]
    driver: Driver | None
    vehicle: TaxiVehicle | None
    state: DriverState | None
    position: Point | None
    etas: Etas
    price: FarePrice
    cancel_fee_minor: int
    actions: Sequence[Action]
    free_waiting_until: datetime | None
    next_request_s: int | None


async def find_shown_trip(rt: Runtime, roads: Roads, command: ShowTrip) -> tuple[ShownTrip | None, Scheduled]:
    """The trip, and what the rider has ordered for later. None: no trip is under way.

    Raises:
        Refusal: `trip_not_found`: there is no such trip of the rider's.
    """
    operator, now = command.operator, rt.clock.now()
    async with rt.db.read() as tx:
        scheduled = await get_scheduled(tx, operator.id, command.rider_id)
        if command.trip_id is None:
            trip = await queries.find_open_trip(tx, operator.id, command.rider_id)
        else:
            trip = await queries.find_trip(tx, operator.id, command.trip_id)
            if trip is None or trip.rider_id != command.rider_id:
                raise errors.trip_not_found()
        if trip is None:
            return None, scheduled
        stops = await queries.list_stops(tx, operator.id, trip.id)
        driver, state = None, None
        if trip.status.has_driver and trip.driver_id is not None:
            driver = await find_driver(tx, operator.id, trip.driver_id)
            state = await find_state(tx, operator.id, trip.driver_id)
        vehicle = None
        if trip.vehicle_id is not None and (driver is not None or trip.status is TripStatus.ENDED):
            vehicle = (await get_vehicles(tx, operator.id, [trip.vehicle_id])).get(trip.vehicle_id)
    settings = operator.settings.taxi
    position = None if state is None else state.fresh_point(settings, now)
    shown = ShownTrip(
        trip=trip,
        stops=stops,
        driver=driver,
        vehicle=vehicle,
        state=state,
        position=position,
        etas=await _etas(roads, trip, stops, position, now),
        price=show_rules.price_now(trip, settings, now, command.words),
        cancel_fee_minor=show_rules.cancel_fee_now(trip, settings, now, command.words),
        actions=show_rules.allowed_actions(trip),
        free_waiting_until=show_rules.free_waiting_until(trip),
        next_request_s=show_rules.next_request_s(trip, now),
    )
    return shown, scheduled


async def _etas(roads: Roads, trip: Trip, stops: Sequence[Stop], position: Point | None, now: datetime) -> Etas:
    """By road from where the driver is. Where that is not known: what was said at the acceptance, less what has passed."""
    if trip.status is TripStatus.ACCEPTED:
        if position is None:
            if trip.accepted_at is None or trip.pickup_eta_s is None:
                return Etas()
            return Etas(pick_up_s=max(0, trip.pickup_eta_s - int((now - trip.accepted_at).total_seconds())))
        legs = await _legs_s(roads, [position, stops[0].point])
        return Etas(pick_up_s=None if legs is None else legs[0])
    ahead = [stop.point for stop in stops[1:] if stop.reached_at is None]
    if trip.status is not TripStatus.STARTED or position is None or not ahead:
        return Etas()
    legs = await _legs_s(roads, [position, *ahead])
    return Etas() if legs is None else Etas(next_stop_s=legs[0], destination_s=sum(legs))


async def _legs_s(roads: Roads, points: Sequence[Point]) -> list[int] | None:
    """Seconds between each two points; None: there is no way. Estimated while the roads say nothing."""
    try:
        route = await roads.find_route(points)
    except RoadsUnavailable:
        return [estimate_way(a, b)[1] for a, b in pairwise(points)]
    return None if route is None else [seconds for _metres, seconds in route.legs]

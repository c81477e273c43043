"""One round of the dispatcher: gather, match, offer.

What takes a processor some tenths of a second where hundreds ask at once is done in a thread, so that the worker's other
work goes on.
"""

import asyncio

import structlog

from isotope.domain.maps.ports import Roads
from isotope.domain.taxi import store
from isotope.domain.taxi.dispatch import gather, solve
from isotope.domain.taxi.dispatch.candidates import list_candidates
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest, Pair
from isotope.domain.taxi.dispatch.ways import measure
from isotope.domain.taxi.model import TripStatus
from isotope.domain.taxi.offers import offer_trip
from isotope.domain.tenants import Operators
from isotope.domain.tenants.model import DispatchMode, Operator, TaxiSettings
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)


async def dispatch_trips(rt: Runtime, roads: Roads, operators: Operators) -> int:
    """One round for every operator who has open requests; how many offers were made.

    Safe to run twice at once: an offer is made under its trip's row, and to a driver once. A fault about one operator keeps
    none of the others waiting.
    """
    async with rt.db.glance() as tx:
        asked = await gather.list_operators_asked(tx, rt.clock.now())
    made = 0
    for operator_id in asked:
        try:
            made += await dispatch_operator(rt, roads, await operators.get(operator_id))
        except Exception:  # noqa: BLE001 - a bug about one operator must not keep the others waiting
            _log.exception("dispatch.failed", operator=operator_id)
    return made


async def dispatch_operator(rt: Runtime, roads: Roads, operator: Operator) -> int:
    """How many offers were made."""
    settings = operator.settings.taxi
    if settings.mode is DispatchMode.MANUAL:
        return 0
    async with rt.db.glance() as tx:
        requests = await gather.list_requests(tx, operator.id, settings, rt.clock.now())
        if not requests:
            return 0
        drivers = await gather.list_free_drivers(tx, operator.id, settings, operator.currency, rt.clock.now())
    asking = [request for request in requests if _may_ask_more(request, settings)]
    candidates = await asyncio.to_thread(list_candidates, asking, drivers, settings)
    pairs = await measure(roads, candidates, asking, drivers)
    made = 0
    for pair in await asyncio.to_thread(choose, pairs, asking, drivers, settings):
        made += await _offer(rt, operator, asking[pair.request], drivers[pair.driver], pair)
    return made


def choose(
    pairs: list[Pair], requests: list[OpenRequest], drivers: list[FreeDriver], settings: TaxiSettings
) -> list[Pair]:
    """By the operator's mode; trips for later are always offered to several, after those for now."""
    now = [pair for pair in pairs if not requests[pair.request].is_later]
    later = [pair for pair in pairs if requests[pair.request].is_later]
    at_once, most = settings.broadcast_drivers, settings.offers_per_driver
    match settings.mode:
        case DispatchMode.ASSIGNMENT:
            chosen = solve.assign(now, requests, drivers)
        case DispatchMode.NEAREST:
            chosen = solve.nearest_first(now, requests, drivers)
        case DispatchMode.BROADCAST:
            chosen = solve.broadcast(now, requests, drivers, at_once=at_once, offers_per_driver=most)
        case _:
            return []
    return chosen + solve.broadcast(later, requests, drivers, at_once=at_once, offers_per_driver=most)


def _may_ask_more(request: OpenRequest, settings: TaxiSettings) -> bool:
    if request.is_later or settings.mode is DispatchMode.BROADCAST:
        return request.held_by < settings.broadcast_drivers
    return request.held_by == 0


async def _offer(rt: Runtime, operator: Operator, request: OpenRequest, driver: FreeDriver, pair: Pair) -> int:
    """A transaction each: what changed meanwhile is seen under the trip's row."""
    expected = TripStatus.SCHEDULED if request.is_later else TripStatus.REQUESTED
    async with rt.db.write() as tx:
        trip = await store.lock_trip(tx, operator.id, request.trip_id)
        if trip is None or trip.status is not expected or trip.driver_id is not None:
            return 0
        offer = await offer_trip(
            tx,
            trip,
            driver.driver_id,
            eta_s=pair.eta_s,
            distance_m=pair.distance_m,
            now=rt.clock.now(),
            settings=operator.settings.taxi,
        )
        return int(offer is not None)

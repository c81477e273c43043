"""One ride as a person takes it: start, go somewhere, park where it is allowed. Used by the crowd and by the replay."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from typing import Final

import structlog

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import ApiRefused, ApiUnavailableError
from isotope.simulator.app import App, Riding, Seen, fine_offered, nearest_legal
from isotope.simulator.fleet import SimulatedFleet
from isotope.simulator.path import Path

_log = structlog.get_logger(__name__)

_END_ATTEMPTS: Final = 10
_ASK_AGAIN_S: Final = 3.0
# A start waits up to 14 s for the vehicle's word.
_UNDO_S: Final = 20.0
# What time mends: the vehicle is briefly out of contact, its lock did not answer, its last report still says moving or
# elsewhere.
_PASSING: Final = frozenset(
    {
        "vehicle_did_not_lock",
        "vehicle_did_not_obey",
        "ride_busy",
        "device_offline",
        "vehicle_moving",
        "end_refused_far_apart",
        "end_refused_position_unknown",
    }
)
_OVER: Final = "ride_not_found"


@dataclass(frozen=True, slots=True)
class Travel:
    """How riders get along: on the simulated vehicle if it is one of ours, else only in time."""

    fleet: SimulatedFleet | None
    speed_factor: float
    kmh: float

    async def along(self, nr: str, path: Path, *, real_seconds: float | None = None) -> None:
        """Ride `path`; `real_seconds` is what it took in the real world, else it is ridden at `kmh`."""
        seconds = path.length_m / (self.kmh / 3.6) if real_seconds is None else real_seconds
        shown_kmh = 3.6 * path.length_m / seconds if seconds > 0 else 0.0
        if self.fleet is not None and nr in self.fleet:
            await self.fleet.ride(nr, path, seconds=seconds / self.speed_factor, shown_kmh=min(shown_kmh, 45.0))
        else:
            await asyncio.sleep(seconds / self.speed_factor)


@dataclass(frozen=True, slots=True)
class Parked:
    """A ride that ended."""

    paid: Decimal
    by_card: Decimal
    at: Point
    detour_m: float
    """How far it had to be ridden on to where parking is allowed."""


async def begin(app: App, vehicle: Seen, at: Point, fleet: SimulatedFleet | None, method: str | None = None) -> Riding:
    """Start a ride, paid by `method`. Whoever is stopped before the answer comes waits for it and ends the ride: nothing is left behind.

    Raises:
        ApiRefused: there is no ride.
    """
    start = asyncio.ensure_future(app.start(vehicle, at, method))
    try:
        return await asyncio.shield(start)
    except ApiRefused:
        raise
    except BaseException as error:
        _log.info("simulator.start_undone", nr=vehicle.nr, why=type(error).__name__)
        await asyncio.shield(asyncio.wait_for(_undo(app, start, vehicle, at, fleet), _UNDO_S))
        raise


async def _undo(
    app: App, start: "asyncio.Future[Riding]", vehicle: Seen, at: Point, fleet: SimulatedFleet | None
) -> None:
    with suppress(ApiRefused, ApiUnavailableError):
        await start
    for ride_id in await app.active_rides():
        await abandon(app, Riding(ride_id, vehicle.id, vehicle.nr), lambda: at, fleet)


async def park(
    app: App, riding: Riding, at: Point, travel: Travel, *, photo: bool = False, pays_fines: bool = False
) -> Parked:
    """End the ride at `at`, or as near to it as the system allows; who `pays_fines` ends it there for one.

    Raises:
        ApiRefused: it is refused for a reason that neither the way to a legal place nor time mends.
    """
    detour_m = 0.0
    fine: str | None = None
    for attempt in range(_END_ATTEMPTS):
        try:
            bill = await app.end(riding, at, photo=photo, fine=fine)
        except ApiRefused as no:
            legal = nearest_legal(no)
            fine = fine_offered(no) if pays_fines else None
            if legal is None and fine is None and no.code not in _PASSING:
                raise
            if attempt == _END_ATTEMPTS - 1:
                raise
        else:
            return Parked(bill.total, bill.by_card, at, detour_m)
        if fine is not None:
            continue
        if legal is None:
            await asyncio.sleep(_ASK_AGAIN_S)
            continue
        way = Path([at, legal])
        await travel.along(riding.nr, way)
        detour_m += way.length_m
        at = legal
    raise AssertionError("unreachable")


async def abandon(app: App, riding: Riding, where: Callable[[], Point], fleet: SimulatedFleet | None) -> bool:
    """End an open ride because the rider stops being simulated: carry the vehicle where parking is allowed.

    Returns whether the ride is over.
    """
    at = where()
    for _ in range(_END_ATTEMPTS):
        try:
            if fleet is not None and riding.nr in fleet:
                await fleet.place(riding.nr, at)
            await app.end(riding, at)
        except ApiRefused as no:
            if no.code == _OVER:
                return True
            legal = nearest_legal(no)
            if legal is not None and distance_m(legal, at) > 0:
                at = legal
            elif no.code in _PASSING:
                await asyncio.sleep(_ASK_AGAIN_S)
            else:
                _log.warning("simulator.ride_left_open", ride_id=riding.ride_id, refusal=no.code)
                return False
        else:
            return True
    return False

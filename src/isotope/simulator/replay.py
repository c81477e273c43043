"""Replays recorded trips through the whole system: register, pay in, find, start, ride, park, pay.

Every trip has a rider of its own and takes a free simulated scooter, which is carried to where the trip began.
Rides go `speed_factor` times faster than they were recorded; prices are of the real seconds that pass meanwhile.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from random import Random
from typing import Final

import structlog

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError
from isotope.simulator.app import App, Riding, Seen
from isotope.simulator.errors import TripFailedError
from isotope.simulator.fleet import SimulatedFleet
from isotope.simulator.outing import Travel, abandon, begin, park
from isotope.simulator.trips import Trip

_log = structlog.get_logger(__name__)

_TOP_UP: Final = Decimal("20.00")
_LOOKS: Final = 60
_LOOK_EVERY_S: Final = 0.1
_NEAR_M: Final = 30.0
_PAUSES: Final = 0.1
_CITY_KMH: Final = 14.0
_LEAVE_S: Final = 20.0


@dataclass(slots=True)
class Summary:
    """What came of the replay."""

    trips: int
    rides: int = 0
    failures: list[str] = field(default_factory=list)
    refusals: Counter[str] = field(default_factory=Counter)
    unexplained: list[str] = field(default_factory=list)
    recorded_m: float = 0.0
    line_m: float = 0.0
    ridden_m: float = 0.0
    detour_m: float = 0.0
    detours: int = 0
    paid: Decimal = Decimal(0)
    paid_in: Decimal = Decimal(0)
    left: Decimal = Decimal(0)
    debt: Decimal = Decimal(0)
    left_open: list[int] = field(default_factory=list)
    not_free: list[str] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def money_gap(self) -> Decimal:
        """What riders paid in, less what they paid for rides, less what they still have: 0 when nothing is lost."""
        return self.paid_in - self.paid - self.left + self.debt

    def faults(self) -> list[str]:
        """Why the replay is not as it must be; empty if it is."""
        found = list(self.failures)
        if self.rides != self.trips:
            found.append(f"{self.trips - self.rides} of {self.trips} trips were not ridden")
        if self.money_gap:
            found.append(f"money does not add up: {self.money_gap} is missing")
        if self.debt:
            found.append(f"riders owe {self.debt}")
        if self.left_open:
            found.append(f"rides left open: {self.left_open}")
        if self.not_free:
            found.append(f"vehicles not free: {', '.join(self.not_free)}")
        if self.unexplained:
            found.append(f"refusals without a reason: {self.unexplained}")
        if abs(self.ridden_m - self.line_m - self.detour_m) > max(1.0 * self.trips, 0.01 * self.line_m):
            found.append(f"{self.ridden_m:.0f} m ridden instead of {self.line_m + self.detour_m:.0f} m")
        return found


class Stable:
    """The free scooters that trips may take, each by one trip at a time."""

    def __init__(self, fleet: SimulatedFleet, numbers: Sequence[str]) -> None:
        self._fleet = fleet
        self._free: asyncio.Queue[str] = asyncio.Queue()
        for nr in numbers:
            self._free.put_nowait(nr)

    async def take(self) -> str:
        """A free scooter with a full battery."""
        nr = await self._free.get()
        self._fleet.unit(nr).battery_pct = 100.0
        return nr

    def give_back(self, nr: str) -> None:
        self._free.put_nowait(nr)


class Replay:
    """One run over a list of trips.

    Args:
        on_trip: called after every trip, ridden or failed.
    """

    def __init__(
        self,
        api: Api,
        fleet: SimulatedFleet,
        trips: Sequence[Trip],
        *,
        riders: int,
        speed_factor: float,
        rng: Random,
        on_trip: Callable[[Summary], None] = lambda _summary: None,
    ) -> None:
        self._api, self._fleet, self._rng = api, fleet, rng
        self._riders = riders
        self._travel = Travel(fleet, speed_factor, _CITY_KMH)
        self._todo: asyncio.Queue[Trip] = asyncio.Queue()
        for trip in trips:
            self._todo.put_nowait(trip)
        self._on_trip = on_trip
        self._apps: list[App] = []
        self._used: set[str] = set()
        self.summary = Summary(trips=len(trips), refusals=api.refusals, unexplained=api.unexplained)

    async def run(self, stable: Stable) -> Summary:
        """Ride them all; on cancellation end what is open and leave."""
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.TaskGroup() as group:
            for _ in range(self._riders):
                group.create_task(self._work(stable))
        await self._settle_up()
        self.summary.seconds = loop.time() - began
        return self.summary

    async def _work(self, stable: Stable) -> None:
        while not self._todo.empty():
            trip = self._todo.get_nowait()
            nr = await stable.take()
            try:
                await self._ride(trip, nr)
                self.summary.rides += 1
            except (ApiRefused, ApiUnavailableError, TripFailedError) as error:
                self.summary.failures.append(f"trip {trip.nr} on {nr}: {error}")
            finally:
                stable.give_back(nr)
                self._on_trip(self.summary)

    async def _ride(self, trip: Trip, nr: str) -> None:
        app = App(self._api, Random(self._rng.random()))
        await app.sign_up()
        self._apps.append(app)
        await app.add_money(str(_TOP_UP))
        self.summary.paid_in += _TOP_UP
        path, unit = trip.path, self._fleet.unit(nr)
        if not await self._fleet.place(nr, path.start):
            raise TripFailedError("the gateway did not take the scooter's position")
        vehicle = await self._find(app, nr, path.start)
        await app.pricing(vehicle.id)
        odometer_m = unit.odometer_m
        riding = await begin(app, vehicle, path.start, self._fleet)
        self._used.add(nr)
        try:
            await self._travel_on(app, riding, trip)
            parked = await park(app, riding, path.end, self._travel, photo=self._rng.random() < _PAUSES)
        except BaseException:
            await self._leave(app, riding)
            raise
        self._note(trip, unit.odometer_m - odometer_m, parked.detour_m, parked.paid)
        if await app.active_rides():
            raise TripFailedError("the ride is still open after its end")

    async def _leave(self, app: App, riding: Riding) -> None:
        """End a ride that cannot go on; what cannot be ended is remembered."""
        unit = self._fleet.unit(riding.nr)
        leave = asyncio.wait_for(abandon(app, riding, lambda: unit.position, self._fleet), _LEAVE_S)
        try:
            is_over = await asyncio.shield(leave)
        except (TimeoutError, ApiRefused, ApiUnavailableError) as error:
            _log.warning("simulator.ride_left_open", ride_id=riding.ride_id, error=repr(error))
            is_over = False
        if not is_over:
            self.summary.left_open.append(riding.ride_id)

    async def _find(self, app: App, nr: str, at: Point) -> Seen:
        """The scooter in get-vehicles, where it was carried to."""
        for _ in range(_LOOKS):
            for seen in await app.vehicles(at, 1):
                if seen.nr == nr and distance_m(seen.at, at) < _NEAR_M:
                    return seen
            await asyncio.sleep(_LOOK_EVERY_S)
        raise TripFailedError(f"get-vehicles does not show it at {at.lat:.5f}, {at.lon:.5f}")

    async def _travel_on(self, app: App, riding: Riding, trip: Trip) -> None:
        path = trip.path
        if self._rng.random() >= _PAUSES:
            await self._travel.along(riding.nr, path, real_seconds=trip.duration_s)
            await self._look(app, riding)
            return
        first, second = path.split(path.length_m / 2)
        await self._travel.along(riding.nr, first, real_seconds=trip.duration_s / 2)
        await app.pause(riding)
        await self._look(app, riding)
        await app.unpause(riding)
        await self._travel.along(riding.nr, second, real_seconds=trip.duration_s / 2)

    async def _look(self, app: App, riding: Riding) -> None:
        shown = (await app.current(riding))["vehicles"]
        if [vehicle["id"] for vehicle in shown] != [riding.vehicle_id]:
            raise TripFailedError(f"get-current-ride shows {shown}")

    def _note(self, trip: Trip, ridden_m: float, detour_m: float, paid: Decimal) -> None:
        summary = self.summary
        summary.recorded_m += trip.distance_m
        summary.line_m += trip.path.length_m
        summary.ridden_m += ridden_m
        summary.detour_m += detour_m
        summary.detours += detour_m > 0
        summary.paid += paid

    async def _settle_up(self) -> None:
        """Debts are paid, and then everybody's account and every scooter is looked at."""
        limit = asyncio.Semaphore(self._riders)

        async def settle(app: App) -> None:
            async with limit:
                try:
                    await self._settle_one(app)
                except (ApiRefused, ApiUnavailableError) as error:
                    self.summary.failures.append(f"the account of rider {app.user_id}: {error}")

        async with asyncio.TaskGroup() as group:
            for app in self._apps:
                group.create_task(settle(app))
        await self._count_free_scooters()

    async def _settle_one(self, app: App) -> None:
        summary = self.summary
        summary.left_open += [ride for ride in await app.active_rides() if ride not in summary.left_open]
        wallet = await app.wallet()
        if wallet.debt > 0:
            await app.add_money(str(wallet.debt))
            summary.paid_in += wallet.debt
            wallet = await app.wallet()
        summary.left += wallet.balance + wallet.bonus
        summary.debt += wallet.debt

    async def _count_free_scooters(self) -> None:
        """Every scooter that was ridden is for rent again."""
        if not self._apps:
            return
        missing = set(self._used)
        for _ in range(_LOOKS):
            for nr in sorted(missing):
                at = self._fleet.unit(nr).position
                if any(seen.nr == nr for seen in await self._apps[0].vehicles(at, 1)):
                    missing.discard(nr)
            if not missing:
                return
            await asyncio.sleep(_LOOK_EVERY_S)
        self.summary.not_free = sorted(missing)

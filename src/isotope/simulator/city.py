"""The simulated city as a whole: a fleet that lives, and riders in it, until it is stopped."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Final, TypeVar

import structlog

from isotope.infra.clock import SystemClock
from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError
from isotope.simulator.app import App
from isotope.simulator.bank import Bank
from isotope.simulator.crowd import City, Person, Remembered, Tally, middle, parking_places
from isotope.simulator.driver_app import DriverApp, load_drivers
from isotope.simulator.drivers import Driver
from isotope.simulator.fleet import SimulatedFleet, load_units
from isotope.simulator.manners import assign
from isotope.simulator.memory import Memory, keep, recall
from isotope.simulator.outing import Travel
from isotope.simulator.passengers import Passenger
from isotope.simulator.purse import purse_of, purse_of_passenger, purse_of_renter
from isotope.simulator.renters import Renter
from isotope.simulator.taxi_street import Area, Street

_log = structlog.get_logger(__name__)

_KEEP_EVERY_S: Final = 10.0
_CITY_KMH: Final = 14.0
_REST_S: Final = (5.0, 90.0)
# Nobody rents a car every quarter of an hour; a demo shall still show some.
_RENTERS_REST_S: Final = (30.0, 1_800.0)
# Those few who take taxis take many: a demo shall show trips all the time.
_PASSENGERS_REST_S: Final = (10.0, 120.0)
# Of the city's radius: where people are driven.
_TAXI_RADIUS: Final = 0.8
_ARRIVE_WITHIN_S: Final = 20.0
_CONNECTED_S: Final = 20.0
_MOST_OF_THEM: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPlan:
    """What is simulated.

    Attributes:
        folder: the operator's folder, for its vehicles and their secrets.
        memory: the file that keeps the city over a restart; None: nothing is kept.
        riders: how many people live there and ride.
        renters: how many more rent cars.
        passengers: how many more take taxis.
        drivers: how many of the folder's taxi drivers work; all of them if there are fewer.
        troublemakers: share (0..1) of the units that misbehave.
        speed_factor: how many times faster than in the world everything goes.
    """

    folder: Path
    api: str
    gateway_host: str
    gateway_port: int
    public_key: str
    secret_key: str
    riders: int = 15
    renters: int = 0
    passengers: int = 0
    drivers: int = 0
    troublemakers: float = 0.04
    speed_factor: float = 1.0
    memory: Path | None = None
    seed: int | None = None


@dataclass(frozen=True, slots=True)
class _People:
    riders: list[Person]
    renters: list[Renter]
    passengers: list[Passenger]


_Someone = TypeVar("_Someone", bound=Person)
Progress = Callable[[Tally, Api | None, SimulatedFleet], None]


async def simulate(plan: CityPlan, progress: Progress | None = None) -> None:
    """Run the city until cancelled; open rides are ended then.

    Raises:
        FleetFileError: the folder has no usable vehicles.
    """
    rng = Random(plan.seed)
    units = load_units(plan.folder)
    # The same units misbehave after a restart.
    for unit, manners in zip(units, assign(len(units), plan.troublemakers, Random(7)), strict=True):
        unit.manners = manners
    memory = recall(plan.memory) if plan.memory else Memory()
    for unit in units:
        if (state := memory.units.get(unit.nr)) is not None:
            unit.remember(state)
    tally = Tally()
    people = _People([], [], [])
    phones = _some(load_drivers(plan.folder), plan.drivers)
    tick_s = max(0.1, 1.0 / plan.speed_factor)
    fleet = SimulatedFleet(units, plan.gateway_host, plan.gateway_port, tick_s=tick_s, rng=rng)
    async with fleet:
        api: Api | None = None
        bank = Bank()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_keep(plan, fleet, people))
                if plan.riders or plan.renters or plan.passengers or phones:
                    api = Api(plan.api, public_key=plan.public_key, secret_key=plan.secret_key, rng=rng)
                    group.create_task(_populate(plan, api, bank, fleet, people, tally, memory, rng, phones))
                if progress is not None:
                    group.create_task(_show(progress, tally, api, fleet))
        finally:
            if plan.memory is not None:
                _write(plan.memory, _memory(fleet, people))
            await bank.aclose()
            if api is not None:
                await api.aclose()


async def _populate(
    plan: CityPlan,
    api: Api,
    bank: Bank,
    fleet: SimulatedFleet,
    people: _People,
    tally: Tally,
    memory: Memory,
    rng: Random,
    phones: Sequence[tuple[str, str]],
) -> None:
    await fleet.wait_connected(_MOST_OF_THEM, _CONNECTED_S)
    parking = parking_places(await _zones(api, rng))
    centre, radius_m = middle(fleet)
    travel = Travel(fleet, plan.speed_factor, _CITY_KMH)
    city = City(centre, radius_m, travel, bank, _faster(_REST_S, plan), parking)
    rental_city = replace(city, rest_s=_faster(_RENTERS_REST_S, plan))

    def rider(nr: int) -> Person:
        return Person(api, city, tally, Random(rng.random()), purse_of(nr), _known(memory.riders, nr))

    def renter(nr: int) -> Renter:
        known = _known(memory.renters, nr)
        return Renter(api, rental_city, tally, Random(rng.random()), purse_of_renter(nr), known)

    street, clock = Street(), SystemClock()
    taxi_city = replace(city, radius_m=radius_m * _TAXI_RADIUS, rest_s=_faster(_PASSENGERS_REST_S, plan))
    area = Area(taxi_city.centre, taxi_city.radius_m)

    def passenger(nr: int) -> Passenger:
        known = _known(memory.passengers, nr)
        return Passenger(api, taxi_city, tally, Random(rng.random()), purse_of_passenger(nr), street, clock, known)

    def driver(phone: tuple[str, str]) -> Driver:
        own = Random(rng.random())
        app = DriverApp(api, own, phone)
        return Driver(app, area, street, own, tally.taxi, tally.refused, plan.speed_factor)

    # One after the other, so that a city does not wake up in one second.
    within_s = _ARRIVE_WITHIN_S / plan.speed_factor
    async with asyncio.TaskGroup() as group:
        for phone in phones:
            group.create_task(driver(phone).live(clock))
            await asyncio.sleep(rng.uniform(0, within_s / len(phones)))
        await _arrive(group, people.riders, map(rider, range(plan.riders)), within_s / max(1, plan.riders), rng)
        await _arrive(group, people.renters, map(renter, range(plan.renters)), within_s / max(1, plan.renters), rng)
        coming = map(passenger, range(plan.passengers))
        await _arrive(group, people.passengers, coming, within_s / max(1, plan.passengers), rng)


async def _arrive(
    group: asyncio.TaskGroup, there: list[_Someone], coming: Iterable[_Someone], apart_s: float, rng: Random
) -> None:
    for person in coming:
        there.append(person)
        group.create_task(person.live())
        await asyncio.sleep(rng.uniform(0, 2 * apart_s))


def _some(phones: list[tuple[str, str]], count: int) -> list[tuple[str, str]]:
    """Evenly chosen, so that cars of every kind are among them."""
    if count >= len(phones):
        return phones
    return [phones[nr * len(phones) // count] for nr in range(count)]


def _known(remembered: list[Remembered], nr: int) -> Remembered | None:
    return remembered[nr] if nr < len(remembered) else None


def _faster(rest_s: tuple[float, float], plan: CityPlan) -> tuple[float, float]:
    return rest_s[0] / plan.speed_factor, rest_s[1] / plan.speed_factor


async def _zones(api: Api, rng: Random) -> list[dict[str, object]]:
    """The zones as an app shows them; without them riders ride anywhere."""
    try:
        return await App(api, rng).zones()
    except (ApiRefused, ApiUnavailableError) as error:
        _log.warning("simulator.no_zones", error=str(error))
        return []


async def _keep(plan: CityPlan, fleet: SimulatedFleet, people: _People) -> None:
    while True:
        await asyncio.sleep(_KEEP_EVERY_S)
        if plan.memory is not None:
            await asyncio.to_thread(_write, plan.memory, _memory(fleet, people))


def _memory(fleet: SimulatedFleet, people: _People) -> Memory:
    return Memory(
        units=fleet.memory(),
        riders=_remembered(people.riders),
        renters=_remembered(people.renters),
        passengers=_remembered(people.passengers),
    )


def _remembered(people: Sequence[Person]) -> list[Remembered]:
    return [known for person in people if (known := person.memory()) is not None]


def _write(file: Path, memory: Memory) -> None:
    try:
        keep(file, memory)
    except OSError as error:
        _log.warning("simulator.memory_not_kept", error=str(error))


async def _show(progress: Progress, tally: Tally, api: Api | None, fleet: SimulatedFleet) -> None:
    while True:
        progress(tally, api, fleet)
        await asyncio.sleep(1)

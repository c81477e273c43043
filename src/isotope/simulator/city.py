"""The simulated city as a whole: a fleet that lives, and riders in it, until it is stopped."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final

import structlog

from isotope.simulator.api import Api, ApiRefused, ApiUnavailableError
from isotope.simulator.app import App
from isotope.simulator.bank import Bank
from isotope.simulator.crowd import City, Person, Tally, middle, parking_places
from isotope.simulator.fleet import SimulatedFleet, load_units
from isotope.simulator.manners import assign
from isotope.simulator.memory import Memory, keep, recall
from isotope.simulator.outing import Travel
from isotope.simulator.purse import purse_of

_log = structlog.get_logger(__name__)

_KEEP_EVERY_S: Final = 10.0
_CITY_KMH: Final = 14.0
_REST_S: Final = (5.0, 90.0)
_ARRIVE_WITHIN_S: Final = 20.0
_CONNECTED_S: Final = 20.0
_MOST_OF_THEM: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class CityPlan:
    """What is simulated.

    Attributes:
        folder: the operator's folder, for its vehicles and their secrets.
        memory: the file that keeps the city over a restart; None: nothing is kept.
        riders: how many people live there.
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
    troublemakers: float = 0.04
    speed_factor: float = 1.0
    memory: Path | None = None
    seed: int | None = None


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
    people: list[Person] = []
    tick_s = max(0.1, 1.0 / plan.speed_factor)
    fleet = SimulatedFleet(units, plan.gateway_host, plan.gateway_port, tick_s=tick_s, rng=rng)
    async with fleet:
        api: Api | None = None
        bank = Bank()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(_keep(plan, fleet, people))
                if plan.riders:
                    api = Api(plan.api, public_key=plan.public_key, secret_key=plan.secret_key, rng=rng)
                    group.create_task(_populate(plan, api, bank, fleet, people, tally, memory, rng))
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
    people: list[Person],
    tally: Tally,
    memory: Memory,
    rng: Random,
) -> None:
    await fleet.wait_connected(_MOST_OF_THEM, _CONNECTED_S)
    parking = parking_places(await _zones(api, rng))
    centre, radius_m = middle(fleet)
    rest_s = (_REST_S[0] / plan.speed_factor, _REST_S[1] / plan.speed_factor)
    travel = Travel(fleet, plan.speed_factor, _CITY_KMH)
    city = City(centre, radius_m, travel, bank, rest_s, parking)
    async with asyncio.TaskGroup() as group:
        for nr in range(plan.riders):
            known = memory.riders[nr] if nr < len(memory.riders) else None
            person = Person(api, city, tally, Random(rng.random()), purse_of(nr), known)
            people.append(person)
            group.create_task(person.live())
            # One after the other, so that a city does not wake up in one second.
            await asyncio.sleep(rng.uniform(0, 2 * _ARRIVE_WITHIN_S / plan.riders) / plan.speed_factor)


async def _zones(api: Api, rng: Random) -> list[dict[str, object]]:
    """The zones as an app shows them; without them riders ride anywhere."""
    try:
        return await App(api, rng).zones()
    except (ApiRefused, ApiUnavailableError) as error:
        _log.warning("simulator.no_zones", error=str(error))
        return []


async def _keep(plan: CityPlan, fleet: SimulatedFleet, people: list[Person]) -> None:
    while True:
        await asyncio.sleep(_KEEP_EVERY_S)
        if plan.memory is not None:
            await asyncio.to_thread(_write, plan.memory, _memory(fleet, people))


def _memory(fleet: SimulatedFleet, people: list[Person]) -> Memory:
    riders = [known for person in people if (known := person.memory()) is not None]
    return Memory(units=fleet.memory(), riders=riders)


def _write(file: Path, memory: Memory) -> None:
    try:
        keep(file, memory)
    except OSError as error:
        _log.warning("simulator.memory_not_kept", error=str(error))


async def _show(progress: Progress, tally: Tally, api: Api | None, fleet: SimulatedFleet) -> None:
    while True:
        progress(tally, api, fleet)
        await asyncio.sleep(1)

"""API, worker and gateway are killed with SIGKILL at every step of start, pause, unpause and end.

After a restart every ride has one outcome and costs what its recorded events say, once; the rider rides again with the
same vehicle, unless it was put aside for a check.
"""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Any, Final

import pytest

from isotope.domain.tenants.model import AutoSettings, RideSettings, Settings
from isotope.infra.runtime import Runtime
from tests.journeys.kit.crashing import Crasher, Died, Plan, running_crasher
from tests.journeys.kit.ride_audit import column, commands_are_over, one_outcome_and_the_right_money, worker_goes_on
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import FakeUnit, Manner
from tests.kit.fleet import HOME
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

GIVEN: Final = 10_000
SETTINGS = Settings(rides=RideSettings(unlock_wait_s=1), auto=AutoSettings(end_idle_min=5))
WRITE = ("writing", "written")

Before = Callable[[City, RiderKit, SettableClock], Awaitable[Mapping[str, Any]]]


async def nothing(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """A rider with money beside a vehicle."""
    return {}


async def a_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """It has lasted five minutes."""
    started = await city.start(rider)
    assert started.status_code == 200, started.text
    clock.advance(minutes=5)
    await city.unit.report(odometer_m=city.unit.odometer_m + 1_000)
    return {}


async def a_paused_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """Five minutes ridden, five paused."""
    await a_ride(city, rider, clock)
    assert (await city.ask(rider, "sharing/pause")).status_code == 200
    clock.advance(minutes=5)
    await city.unit.report()
    return {}


async def an_idle_ride(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
    """The worker has seen it ride, and then stand for longer than it may."""
    await a_ride(city, rider, clock)
    async with city.rt.db.write() as tx:
        await tx.execute(
            """
            insert into ride_standstill (operator_id, ride_id, lat, lon, odometer_m, since)
            select operator_id, id, %(lat)s, %(lon)s, %(odometer_m)s, %(since)s from ride
             where operator_id = %(operator_id)s
            """,
            {
                "lat": city.unit.lat,
                "lon": city.unit.lon,
                "odometer_m": city.unit.odometer_m,
                "since": clock.now(),
                "operator_id": city.kit.operator.id,
            },
        )
    clock.advance(minutes=6)
    await city.unit.report()
    return {}


def whose_process_is_gone(before: Before, ask: Callable[[City, RiderKit], Awaitable[Any]]) -> Before:
    """The unit has answered, and nobody recorded what it makes of the ride: the worker will."""

    async def made(city: City, rider: RiderKit, clock: SettableClock) -> Mapping[str, Any]:
        await before(city, rider, clock)
        city.unit.manner = Manner.NEVER
        known = len(city.unit.commands)
        asking = asyncio.ensure_future(ask(city, rider))
        command = await city.unit.command(after=known)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        city.unit.manner = Manner.OBEY
        await city.unit.finish(command)
        await commands_are_over(city)
        return {"ride_id": (await city.rides())[-1]["id"], "command_id": int(command.command_id)}

    return made


@dataclass(frozen=True, slots=True)
class Walk:
    """A use case and the steps it comes to, from its first transaction to its last, and what was before."""

    use: str
    steps: tuple[str, ...]
    before: Before


WALKS = {
    # Order it and wait, then record it.
    "start": Walk("start_ride", (*WRITE, *WRITE), nothing),
    "pause": Walk("pause_ride", (*WRITE, *WRITE), a_ride),
    "unpause": Walk("unpause_ride", (*WRITE, *WRITE), a_paused_ride),
    "end": Walk("end_ride", (*WRITE, *WRITE), a_ride),
    # The vehicle is locked already: there is nothing to wait for.
    "end_paused": Walk("end_ride", WRITE, a_paused_ride),
    # The worker dies too.
    "settle_start": Walk("settle_ride", WRITE, whose_process_is_gone(nothing, lambda city, rider: city.start(rider))),
    "settle_pause": Walk(
        "settle_ride", WRITE, whose_process_is_gone(a_ride, lambda city, rider: city.ask(rider, "sharing/pause"))
    ),
    "settle_end": Walk("settle_ride", WRITE, whose_process_is_gone(a_ride, lambda city, rider: city.end(rider))),
    # Look around, order the lock, tidy up.
    "auto_end": Walk("watch_open_rides", (*WRITE, *WRITE, *WRITE), an_idle_ride),
}
EVERY_STEP = [
    pytest.param(walk, nr, id=f"{name}-{nr}-{step}")
    for name, walk in WALKS.items()
    for nr, step in enumerate(walk.steps)
]


@pytest.fixture(scope="module")
def crasher() -> Iterator[Crasher]:
    with running_crasher() as running:
        yield running


async def run(
    city: City, crasher: Crasher, use: str, rider: RiderKit, args: Mapping[str, Any], die_at: int | None
) -> Died:
    return await crasher.run(
        Plan(
            use=use,
            die_at=die_at,
            database_url=city.rt.db.url,
            sandbox_url="",
            folder=city.api.services.config.data,
            now=city.rt.clock.now(),
            operator_id=city.kit.operator.id,
            rider_id=rider.id,
            args={"vehicle_id": city.fleet.vehicle_id, "lat": HOME.lat, "lon": HOME.lon, **args},
        )
    )


@pytest.mark.parametrize(("walk", "nr"), EVERY_STEP)
async def test_killed_at_this_step_it_has_one_outcome(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, walk: Walk, nr: int
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        args = await walk.before(city, rider, clock)
        died = await run(city, crasher, walk.use, rider, args, nr)
        assert (died.steps, died.signal) == (walk.steps[: nr + 1], SIGKILL)
        await people_go_on(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


@pytest.mark.parametrize("name", WALKS)
async def test_these_are_all_steps_there_are(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, name: str
) -> None:
    walk = WALKS[name]
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        args = await walk.before(city, rider, clock)
        lived = await run(city, crasher, walk.use, rider, args, None)
        assert (lived.steps, lived.signal) == (walk.steps, None)
        await people_go_on(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


async def people_go_on(city: City, rider: RiderKit, clock: SettableClock) -> None:
    """The worker finishes what waits; the rider ends what runs, and rides once more if the vehicle may be had."""
    city.unit.manner = Manner.OBEY
    await worker_goes_on(city, clock)
    await city.unit.report(odometer_m=city.unit.odometer_m + 500)
    if (await city.rides()) and (await city.rides())[-1]["status"] in ("ACTIVE", "PAUSED"):
        await end_in_two_tries(city, rider)
    await worker_goes_on(city, clock)
    assert await column(city, "select id from ride where operator_id = %s and status not in ('ENDED', 'FAILED')") == []
    if (await city.vehicle_status())[0] == "READY":
        await a_ride(city, rider, clock)
        await end_in_two_tries(city, rider)
        await worker_goes_on(city, clock)


async def end_in_two_tries(city: City, rider: RiderKit) -> None:
    """A lock that is not confirmed refuses the first."""
    ended = await city.end(rider)
    if ended.status_code != 200:
        ended = await city.end(rider)
    assert ended.status_code == 200, ended.text


# The gateway.

ASKED: Mapping[str, tuple[Before, Callable[[City, RiderKit], Awaitable[Any]]]] = {
    "start": (nothing, lambda city, rider: city.start(rider)),
    "pause": (a_ride, lambda city, rider: city.ask(rider, "sharing/pause")),
    "unpause": (a_paused_ride, lambda city, rider: city.ask(rider, "sharing/unpause")),
    "end": (a_ride, lambda city, rider: city.end(rider)),
}
# Of its own start, a unit's login, a command taken and answered, and a report, in whichever order they come.
MOST_STEPS: Final = 13


@pytest.mark.parametrize("nr", range(MOST_STEPS))
@pytest.mark.parametrize("name", ASKED)
async def test_a_gateway_killed_at_this_step_leaves_one_outcome(
    rt: Runtime, clock: SettableClock, tmp_path: Path, crasher: Crasher, name: str, nr: int
) -> None:
    before, ask = ASKED[name]
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        await before(city, rider, clock)
        await city.unit.hang_up()
        port, until = free_port(), tmp_path / "enough"
        dying = asyncio.create_task(run(city, crasher, "gateway", rider, {"port": port, "until": str(until)}, nr))
        other = as_the_same(city.unit, port)
        if await logged_in(other, dying):
            await ask(city, rider)
        until.touch()
        died = await dying
        assert died.signal in (SIGKILL, None)
        # Whoever did not come to this step has lived; that there are such steps shows that the range is wide enough.
        assert nr < MOST_STEPS - 1 or died.signal is None
        await other.hang_up()
        city.unit.locked, city.unit.odometer_m = other.locked, other.odometer_m
        await city.unit.connect()
        assert city.unit.is_welcome
        await people_go_on(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def as_the_same(unit: FakeUnit, port: int) -> FakeUnit:
    """The unit's other socket."""
    return FakeUnit(
        port,
        unit.identity,
        unit.secret,
        locked=unit.locked,
        lat=unit.lat,
        lon=unit.lon,
        odometer_m=unit.odometer_m,
        now=unit.now,
    )


async def logged_in(unit: FakeUnit, dying: "asyncio.Task[Died]") -> bool:
    """Whether the gateway lived long enough to take the unit and a report of it."""
    while not dying.done():
        try:
            await unit.connect()
        except OSError:
            await asyncio.sleep(0.02)
            continue
        if not unit.is_welcome:
            return False
        await unit.report(wait=False)
        return True
    return False


async def test_two_processes_end_one_ride_at_once(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    with running_crasher() as one, running_crasher() as another:
        async with small_city(rt, tmp_path, settings=SETTINGS) as city:
            rider = await city.rider(balance_minor=GIVEN)
            for _round in range(5):
                await a_ride(city, rider, clock)
                runs = [run(city, crasher, "end_ride", rider, {}, None) for crasher in (one, another)]
                await asyncio.gather(*runs)
                assert (await city.rides())[-1]["status"] == "ENDED"
            await worker_goes_on(city, clock)
            await one_outcome_and_the_right_money(city, rider, GIVEN)
            assert len(await city.rides()) == 5

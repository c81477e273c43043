"""What becomes of rides whose request is gone."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.devices import await_outcome
from isotope.domain.sharing import settle_ride, settle_waiting_rides
from isotope.domain.sharing.usecases import settle_waiting_rides as module
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio


async def look(city: City) -> int:
    services = city.api.services
    return await settle_waiting_rides(services.rt, services.cards, services.operators)


async def ask_and_be_gone(city: City, asking: Any, *, unit_answers: bool) -> None:
    """A request that dies while its vehicle has an order, which the vehicle carries out or not."""
    city.unit.manner = Manner.NEVER
    known = len(city.unit.commands)
    task = asyncio.ensure_future(asking)
    command = await city.unit.command(after=known)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    city.unit.manner = Manner.OBEY
    if unit_answers:
        await city.unit.finish(command)
        await await_outcome(city.rt, city.kit.operator.id, CommandId(int(command.command_id)), 5.0)


async def status_of(city: City) -> str:
    return str((await city.rides())[-1]["status"])


async def test_what_the_vehicle_said_is_recorded_without_the_request(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await ask_and_be_gone(city, city.start(rider), unit_answers=True)
        assert await status_of(city) == "UNLOCKING"
        assert await look(city) == 0, "its time is not over: the request may yet record it"
        clock.advance(seconds=city.kit.operator.settings.rides.unlock_wait_s + 3)
        assert await look(city) == 1
        assert await status_of(city) == "ACTIVE"
        assert await look(city) == 0

        await ask_and_be_gone(city, city.end(rider), unit_answers=True)
        clock.advance(seconds=city.kit.operator.settings.rides.unlock_wait_s + 3)
        assert sum(await asyncio.gather(look(city), look(city), look(city))) > 0
        [ride] = await city.rides()
        assert ride["status"] == "ENDED"
        assert (await city.standing(rider)).balance_minor == 10_000 - ride["total_minor"]


async def test_a_vehicle_that_says_nothing_costs_nothing(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await ask_and_be_gone(city, city.start(rider), unit_answers=False)
        clock.advance(seconds=city.kit.operator.settings.rides.unlock_wait_s + 3)
        assert await look(city) == 1
        [ride] = await city.rides()
        assert (ride["status"], ride["total_minor"]) == ("FAILED", None)
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        assert (await city.standing(rider)).balance_minor == 10_000


async def test_every_ride_is_looked_at_even_behind_one_that_fails(
    rt: Runtime, clock: SettableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with small_city(rt, tmp_path, vehicles=3) as city:
        riders: list[RiderKit] = []
        for vehicle in range(3):
            riders.append(await city.rider())
            city.units[vehicle].manner = Manner.NEVER
            known = len(city.units[vehicle].commands)
            task = asyncio.ensure_future(city.start(riders[vehicle], vehicle=vehicle))
            await city.units[vehicle].command(after=known)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        clock.advance(seconds=city.kit.operator.settings.rides.unlock_wait_s + 3)
        first = min(ride["id"] for ride in await city.rides())

        async def settle_but_the_first(rt: Runtime, cards: Any, what: Any) -> Any:
            if what.ride_id == first:
                raise RuntimeError("a bug")
            return await settle_ride(rt, cards, what)

        monkeypatch.setattr(module, "BATCH", 1)
        monkeypatch.setattr(module, "settle_ride", settle_but_the_first)
        assert await look(city) == 3
        assert sorted(ride["status"] for ride in await city.rides()) == ["FAILED", "FAILED", "UNLOCKING"]
        monkeypatch.setattr(module, "settle_ride", settle_ride)
        assert await look(city) == 1
        assert sorted(ride["status"] for ride in await city.rides()) == ["FAILED", "FAILED", "FAILED"]

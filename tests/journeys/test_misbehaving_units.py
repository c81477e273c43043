"""Units that answer late, twice, never, falsely, or reconnect in between, and clocks that leap by an hour.

Whatever a unit does at a start, a pause, a going on or an end: the ride has one outcome in the end, costs what its
events say, once, and nobody has the vehicle.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import pytest

from isotope.domain.tenants.model import RideSettings, Settings
from isotope.infra.runtime import Runtime
from isotope.iot.model import AckStatus, CommandName
from tests.journeys.kit.ride_audit import commands_are_over, one_outcome_and_the_right_money, worker_goes_on
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

GIVEN: Final = 10_000
SETTINGS = Settings(rides=RideSettings(unlock_wait_s=1))

Ask = Callable[[City, RiderKit], Awaitable[Any]]
ASKED: dict[str, Ask] = {
    "start": lambda city, rider: city.start(rider),
    "pause": lambda city, rider: city.ask(rider, "sharing/pause"),
    "unpause": lambda city, rider: city.ask(rider, "sharing/unpause"),
    "end": lambda city, rider: city.end(rider),
}


async def come_to(city: City, rider: RiderKit, clock: SettableClock, name: str) -> None:
    """Everything before, with an obedient unit."""
    if name == "start":
        return
    assert (await city.start(rider)).status_code == 200
    clock.advance(minutes=5)
    await city.unit.report(odometer_m=city.unit.odometer_m + 1_000)
    if name == "unpause":
        assert (await city.ask(rider, "sharing/pause")).status_code == 200
        clock.advance(minutes=5)
        await city.unit.report()


async def the_rider_gets_done(city: City, rider: RiderKit, clock: SettableClock) -> None:
    """With a unit that is itself again: what runs is ended, and there is a next ride if the vehicle may be had."""
    city.unit.manner = Manner.OBEY
    if city.unit.is_hung_up:
        await city.unit.connect()
    await worker_goes_on(city, clock)
    await city.unit.report(odometer_m=city.unit.odometer_m + 500)
    rides = await city.rides()
    if rides and rides[-1]["status"] in ("ACTIVE", "PAUSED") and (await city.end(rider)).status_code != 200:
        assert (await city.end(rider)).status_code == 200
    await worker_goes_on(city, clock)
    if (await city.vehicle_status())[0] == "READY":
        assert (await city.start(rider)).status_code == 200
        clock.advance(minutes=5)
        await city.unit.report(odometer_m=city.unit.odometer_m + 1_000)
        assert (await city.end(rider)).status_code == 200
        await worker_goes_on(city, clock)


@pytest.mark.parametrize("manner", [manner for manner in Manner if manner is not Manner.OBEY])
@pytest.mark.parametrize("name", ASKED)
async def test_whatever_the_unit_does_there_is_one_outcome(
    rt: Runtime, clock: SettableClock, tmp_path: Path, name: str, manner: Manner
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        await come_to(city, rider, clock, name)
        city.unit.manner = manner
        answer = await ASKED[name](city, rider)
        # A late unit said that it is at it; nobody is told that something is done which is not.
        assert answer.status_code in (409, 503), answer.text
        if manner is Manner.LATE:
            await city.unit.finish(city.unit.commands[-1])
            await commands_are_over(city)
        await the_rider_gets_done(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


@pytest.mark.parametrize("name", ASKED)
async def test_answers_that_come_twice_count_once(rt: Runtime, clock: SettableClock, tmp_path: Path, name: str) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        await come_to(city, rider, clock, name)
        known = len(city.unit.commands)
        assert (await ASKED[name](city, rider)).status_code == 200
        command = city.unit.commands[known]
        # Once more as it was, and once more as it was not.
        await city.unit.finish(command)
        await city.unit.answer(command, AckStatus.FAILED, code="jammed", locked=city.unit.locked)
        await city.unit.report()
        status = (await city.rides())[-1]["status"]
        assert status == {"start": "ACTIVE", "pause": "PAUSED", "unpause": "ACTIVE", "end": "ENDED"}[name]
        await the_rider_gets_done(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


@pytest.mark.parametrize("name", ASKED)
async def test_a_unit_that_reconnects_between_command_and_answer(
    rt: Runtime, clock: SettableClock, tmp_path: Path, name: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        await come_to(city, rider, clock, name)
        city.unit.manner = Manner.NEVER
        known = len(city.unit.commands)
        asking = asyncio.ensure_future(ASKED[name](city, rider))
        command = await city.unit.command(after=known)
        await city.unit.hang_up()
        await city.unit.connect()
        # It did what it was told before the tunnel, and says so after it.
        await city.unit.finish(command)
        await city.unit.report()
        answer = await asking
        assert answer.status_code in (200, 409, 503), answer.text
        await the_rider_gets_done(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


@pytest.mark.parametrize("name", ["start", "end"])
async def test_a_unit_that_says_so_after_its_time_does_not_undo_what_was_settled(
    rt: Runtime, clock: SettableClock, tmp_path: Path, name: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        await come_to(city, rider, clock, name)
        city.unit.manner = Manner.NEVER
        known = len(city.unit.commands)
        assert (await ASKED[name](city, rider)).status_code == 503
        await worker_goes_on(city, clock)
        before = (await city.rides())[-1]
        city.unit.manner = Manner.OBEY
        await city.unit.finish(city.unit.commands[known])
        await city.unit.report()
        if name == "start":
            # Nobody rides it: it is told to lock again.
            await city.unit.command(CommandName.LOCK, after=known + 1)
        after = (await city.rides())[-1]
        assert (after["status"], after["total_minor"]) == (before["status"], before["total_minor"])
        await the_rider_gets_done(city, rider, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)


@pytest.mark.parametrize("leap", [timedelta(hours=1), timedelta(hours=-1)], ids=["forward", "back"])
@pytest.mark.parametrize("when", ["riding", "paused", "resumed"])
async def test_a_clock_that_leaps_by_an_hour_bills_nothing_twice_and_nothing_below_zero(
    rt: Runtime, clock: SettableClock, tmp_path: Path, leap: timedelta, when: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider(balance_minor=GIVEN)
        assert (await city.start(rider)).status_code == 200
        clock.advance(minutes=5)
        await city.unit.report(odometer_m=city.unit.odometer_m + 1_000)
        if when == "paused":
            assert (await city.ask(rider, "sharing/pause")).status_code == 200
        if when == "resumed":
            assert (await city.ask(rider, "sharing/pause")).status_code == 200
            clock.advance(minutes=5)
            await city.unit.report()
            assert (await city.ask(rider, "sharing/unpause")).status_code == 200
        clock.set(clock.now() + leap)
        await city.unit.report()
        ended = await city.end(rider)
        if ended.status_code != 200:
            ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        ride = (await city.rides())[-1]
        assert ride["ended_at"] >= ride["started_at"]
        # Five minutes ridden at most, and the leap at most: 1.00, 0.20 a minute, 0.05 a minute paused.
        most = 100 + 65 * 20 + 5 * 5
        assert 100 <= ride["total_minor"] <= most
        await worker_goes_on(city, clock)
        await one_outcome_and_the_right_money(city, rider, GIVEN)

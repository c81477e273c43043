"""A process dies in the middle of a ride command: the worker makes the same transition, once."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.devices import await_outcome
from isotope.domain.devices.model import CommandName
from isotope.domain.payments import NO_CARDS
from isotope.domain.sharing import SettleRide, settle_ride, settle_waiting_rides
from isotope.domain.tenants.model import RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, RideId
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.jobs import queued_jobs
from tests.kit.tenants import make_operator

pytestmark = pytest.mark.asyncio

# Long enough that no request gives up by itself while it is being killed.
PATIENT = Settings(rides=RideSettings(unlock_wait_s=14))


async def orders_of(city: City) -> list[SettleRide]:
    """What can be settled of the last ride: its orders to the vehicle, oldest first."""
    ride_id = RideId((await city.rides())[-1]["id"])
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select id from device_command where operator_id = %(operator_id)s order by id",
            {"operator_id": city.kit.operator.id},
        )
    return [SettleRide(city.kit.operator, ride_id, CommandId(row[0])) for row in rows]


async def settle(city: City, what: SettleRide) -> None:
    await settle_ride(city.rt, NO_CARDS, what)


async def look_for_waiting(city: City) -> int:
    """What the worker does every few seconds; how many rides of this operator waited until now."""
    waiting = await queued_jobs(city.rt, city.kit.operator.id, "settle_ride")
    due = [job for job in waiting if job.at is not None and job.at <= city.rt.clock.now()]
    await settle_waiting_rides(city.rt, NO_CARDS, city.api.services.operators)
    return len(due)


async def killed_while_waiting(city: City, request: asyncio.Task[Any], commands: int) -> None:
    """Let the request send its command to a silent unit, then end it as a kill -9 of its process would."""
    await city.unit.until(lambda: len(city.unit.commands) == commands)
    request.cancel()
    with pytest.raises(asyncio.CancelledError):
        await request


async def outcome_of(city: City, command: int) -> None:
    """Until the gateway has recorded what the unit made of its n-th command."""
    command_id = CommandId(int(city.unit.commands[command].command_id))
    assert (await await_outcome(city.rt, city.kit.operator.id, command_id, 10.0)).is_done


async def status(city: City) -> str:
    return str((await city.rides())[-1]["status"])


async def test_a_start_whose_process_died_leaves_no_ghost(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, manner=Manner.NEVER, settings=PATIENT) as city:
        rider = await city.rider(balance_minor=500)
        await killed_while_waiting(city, asyncio.create_task(city.start(rider)), commands=1)
        assert (await status(city), (await city.vehicle_status())[0]) == ("UNLOCKING", "IN_USE")
        clock.advance(seconds=15.9)
        assert await look_for_waiting(city) == 0
        assert await status(city) == "UNLOCKING"
        clock.advance(seconds=0.1)
        assert await look_for_waiting(city) == 1
        assert await status(city) == "FAILED"
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        assert (await city.standing(rider)).balance_minor == 500
        # A unit that unlocks after all is told to lock.
        await city.unit.finish(city.unit.commands[0])
        city.unit.manner = Manner.OBEY
        relock = await city.unit.command(CommandName.LOCK)
        assert relock.command_id != city.unit.commands[0].command_id


async def test_a_start_that_the_vehicle_confirmed_is_a_ride_though_nobody_waited(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, manner=Manner.NEVER, settings=PATIENT) as city:
        rider = await city.rider()
        await killed_while_waiting(city, asyncio.create_task(city.start(rider)), commands=1)
        clock.advance(seconds=3)
        await city.unit.finish(city.unit.commands[0])
        await outcome_of(city, 0)
        clock.advance(seconds=60)
        assert await look_for_waiting(city) == 1
        [ride] = await city.rides()
        assert ride["status"] == "ACTIVE"
        # The meter runs from the vehicle's word, not from when somebody looked.
        assert (clock.now() - ride["started_at"]).total_seconds() == 60


async def test_an_end_whose_process_died_is_billed_once_by_whoever_comes_first(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, settings=PATIENT) as city:
        rider = await city.rider(balance_minor=1_000)
        await city.start(rider)
        clock.advance(minutes=2)
        await city.unit.report()
        city.unit.manner = Manner.NEVER
        await killed_while_waiting(city, asyncio.create_task(city.end(rider)), commands=2)
        assert await status(city) == "ENDING"
        await city.unit.finish(city.unit.commands[1])
        await outcome_of(city, 1)
        clock.advance(seconds=30)
        order = (await orders_of(city))[-1]
        await asyncio.gather(*(settle(city, order) for _ in range(5)))
        [ride] = await city.rides()
        assert (ride["status"], ride["total_minor"], ride["outcome"]) == ("ENDED", 140, "by_rider")
        assert await city.vehicle_status() == ("READY", None)
        assert (await city.standing(rider)).balance_minor == 860
        async with rt.db.read() as tx:
            assert await check_ledger(tx, city.kit.operator.id) == []


async def test_an_old_order_does_not_touch_what_came_after(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report()
        await city.ask(rider, "sharing/pause")
        started, paused = await orders_of(city)
        clock.advance(seconds=30)
        await settle(city, started)
        await settle(city, paused)
        assert await status(city) == "PAUSED"
        city.unit.manner = Manner.NEVER
        unpausing = asyncio.create_task(city.ask(rider, "sharing/unpause"))
        await city.unit.until(lambda: len(city.unit.commands) == 3)
        await settle(city, paused)
        assert await status(city) == "UNPAUSING"
        # Another call meets the waiting one and is told so.
        assert (await city.end(rider)).json()["code"] == "ride_busy"
        await city.unit.finish(city.unit.commands[2])
        assert (await unpausing).status_code == 200


async def test_settling_of_another_operator_finds_nothing(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        ride_id = (await city.start(rider)).json()["active_ride_id"]
        other = await make_operator(rt)
        with pytest.raises(Exception, match="ride_not_found"):
            await settle_ride(rt, NO_CARDS, SettleRide(other.operator, RideId(ride_id), CommandId(1)))

"""Rides that nobody rides any more: paused, ended, or told of, over the real gateway and a speaking unit.

The tariff is 1.00 and 0.20 a minute.
"""

import asyncio
from contextlib import AbstractAsyncContextManager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.devices import await_outcome
from isotope.domain.sharing.usecases.watch_open_rides import watch_rides_of
from isotope.domain.tenants.model import AutoSettings, RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.domain.zones import ZoneType
from isotope.infra.runtime import Runtime
from tests.kit.city import City, small_city
from tests.kit.clock import START, SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import make_zones, zone_draft
from tests.kit.jobs import queued_jobs, run_due_jobs
from tests.kit.samples import make_staff_token
from tests.kit.tenants import make_operator

pytestmark = pytest.mark.asyncio

AUTO = AutoSettings(
    pause_idle_min=5,
    end_idle_min=20,
    battery_pct=3,
    contact_lost_min=30,
    pause_max_min=60,
    ride_max_min=600,
    ghost_min=10,
)


def a_city(rt: Runtime, folder: Path, auto: AutoSettings = AUTO, **more: Any) -> AbstractAsyncContextManager[City]:
    return small_city(rt, folder, settings=Settings(rides=RideSettings(unlock_wait_s=1), auto=auto), **more)


def at(clock: SettableClock, minute: float) -> None:
    clock.set(START + timedelta(minutes=minute))


async def watch(city: City) -> int:
    """A look at all rides, and what the worker makes of the locks that were ordered, ten seconds later."""
    services = city.api.services
    acted = await watch_rides_of(city.rt, services.cards, services.zones, city.kit.operator)
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select id from device_command where operator_id = %(operator_id)s and finished_at is null",
            {"operator_id": city.kit.operator.id},
        )
    for (command_id,) in rows:
        await await_outcome(city.rt, city.kit.operator.id, command_id, 2.0)
    return acted


async def settle(city: City, clock: SettableClock) -> None:
    clock.set(clock.now() + timedelta(seconds=10))
    await run_due_jobs(city.api.services, city.kit.operator.id, "settle_ride")


async def the_ride(city: City) -> dict[str, Any]:
    return (await city.rides())[-1]


async def told(city: City) -> list[str]:
    """What riders were told so far, by the code of the text."""
    jobs = await queued_jobs(city.rt, city.kit.operator.id, "tell_rider")
    return [job.args["code"] for job in jobs]


async def alerts(city: City) -> list[tuple[str, bool, str]]:
    """Kind, whether it stands, and the task that came with it."""
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            """
            select a.kind, a.cleared_at is null, t.type_ref
              from vehicle_alert a left join staff_task t on t.operator_id = a.operator_id and t.alert_id = a.id
             where a.operator_id = %(operator_id)s order by a.id
            """,
            {"operator_id": city.kit.operator.id},
        )
    return [(row[0], row[1], row[2]) for row in rows]


async def start_and_ride(city: City, clock: SettableClock) -> None:
    """Started, ridden 500 m, and looked at: it stands from minute 2 on."""
    rider = await city.rider()
    assert (await city.start(rider)).status_code == 200
    await watch(city)
    at(clock, 2)
    await city.unit.report(odometer_m=1_500, lat=city.unit.lat + 0.0001)
    assert await watch(city) == 0


async def test_an_idle_ride_is_paused_and_later_ended(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await start_and_ride(city, clock)
        at(clock, 6.9)
        await city.unit.report()
        assert await watch(city) == 0
        at(clock, 7)
        await city.unit.report()
        assert await watch(city) == 1
        await settle(city, clock)
        assert (await the_ride(city))["status"] == "PAUSED"
        assert city.unit.locked
        # An hour of pause is the most; then it ends where it stands, without a word to the locked unit.
        at(clock, 66.9)
        await city.unit.report()
        assert await watch(city) == 0
        at(clock, 67.1)
        await city.unit.report()
        assert await watch(city) == 1
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ENDED", "paused_too_long")
        # A pause costs 0.05 a minute; 61 were begun.
        assert ride["total_minor"] == 100 + 7 * 20 + 61 * 5
        assert await told(city) == ["auto_end_paused_too_long"]
        assert await city.vehicle_status() == ("READY", None)
        assert await watch(city) == 0
        async with rt.db.read() as tx:
            seen = "select count(*) from ride_standstill where operator_id = %(operator_id)s"
            assert await tx.scalar(seen, {"operator_id": city.kit.operator.id}) == 0
            assert await check_ledger(tx, city.kit.operator.id) == []


async def test_an_idle_ride_is_ended_only_where_it_may(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path, AutoSettings(end_idle_min=20)) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_PARKING_ZONE))
        await start_and_ride(city, clock)
        for minute in (22.1, 23, 40):
            at(clock, minute)
            await city.unit.report()
            assert await watch(city) == (1 if minute == 22.1 else 0)
        assert (await the_ride(city))["status"] == "ACTIVE"
        assert not city.unit.locked
        assert await alerts(city) == [("RIDE_IDLE", True, "out_of_parking_zone")]
        assert await told(city) == ["auto_alert_idle"]

        await make_zones(rt, city.kit.operator)
        at(clock, 41)
        await city.unit.report()
        assert await watch(city) == 1
        await settle(city, clock)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ENDED", "idle")
        assert ride["total_minor"] == 100 + 41 * 20
        assert await watch(city) == 0
        assert await alerts(city) == [("RIDE_IDLE", False, "out_of_parking_zone")]


async def test_a_vehicle_that_rolls_is_left_alone(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await start_and_ride(city, clock)
        for minute in range(3, 61, 3):
            at(clock, minute)
            # On a ferry, say: the odometer stands, the position moves.
            await city.unit.report(speed_kmh=18, lat=city.unit.lat + 0.002)
            assert await watch(city) == 0
        at(clock, 601)
        await city.unit.report(speed_kmh=18, battery_pct=1)
        assert await watch(city) == 0
        assert [command.name.value for command in city.unit.commands] == ["unlock"]
        await city.unit.report(speed_kmh=0)
        assert await watch(city) == 1
        await settle(city, clock)
        assert (await the_ride(city))["outcome"] == "ride_too_long"


async def test_an_empty_battery_ends_a_ride(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await start_and_ride(city, clock)
        at(clock, 4)
        await city.unit.report(battery_pct=2)
        assert await watch(city) == 1
        await settle(city, clock)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"]) == ("ENDED", "battery_low")
        assert await city.vehicle_status() == ("DISCHARGED", None)


async def test_a_ghost_ends_free_of_charge(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        # The unit said that it was done, and its lock was closed all the time.
        city.unit.locked = True
        await city.unit.report()
        await watch(city)
        at(clock, 9.9)
        await city.unit.report()
        assert await watch(city) in (0, 1)
        at(clock, 10.1)
        await city.unit.report()
        await settle(city, clock)
        await watch(city)
        ride = await the_ride(city)
        assert (ride["status"], ride["outcome"], ride["total_minor"]) == ("ENDED", "ghost", 0)
        assert (await city.standing(rider)).balance_minor == 10_000
        assert await city.vehicle_status() == ("READY", None)


async def test_a_vehicle_that_is_heard_no_more_calls_staff_once(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        await start_and_ride(city, clock)
        for minute in (31.9, 32.1, 33, 90):
            at(clock, minute)
            assert await watch(city) == (1 if minute == 32.1 else 0)
        assert await alerts(city) == [("CONTACT_LOST", True, "problem_with_iot")]
        assert (await the_ride(city))["status"] == "ACTIVE"
        await city.unit.report(odometer_m=4_000)
        await watch(city)
        assert await alerts(city) == [("CONTACT_LOST", False, "problem_with_iot")]


async def test_a_lock_that_does_not_close_is_tried_three_times(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path, AutoSettings(end_idle_min=20)) as city:
        await start_and_ride(city, clock)
        city.unit.manner = Manner.FAIL
        for nr in range(5):
            at(clock, 23 + nr)
            await city.unit.report()
            await watch(city)
            await settle(city, clock)
        locks = [command for command in city.unit.commands if command.name.value == "lock"]
        assert len(locks) == 3
        assert await alerts(city) == [("LOCK_FAILS", True, "check_up_required")]
        assert (await the_ride(city))["status"] == "ACTIVE"


async def test_two_looks_at_once_act_once(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await start_and_ride(city, clock)
        at(clock, 23)
        await city.unit.report()
        services = city.api.services
        acted = await asyncio.gather(
            *(watch_rides_of(city.rt, services.cards, services.zones, city.kit.operator) for _nr in range(4))
        )
        assert sum(acted) == 1
        await city.unit.until(lambda: city.unit.locked)
        assert len(city.unit.commands) == 2


async def test_staff_see_what_they_are_called_for(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path, AutoSettings(end_idle_min=20), vehicles=3) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_PARKING_ZONE))
        for vehicle, unit in enumerate(city.units):
            assert (await city.start(await city.rider(), vehicle)).status_code == 200
            await unit.report(odometer_m=2_000)
        await watch(city)
        at(clock, 21)
        for unit in city.units:
            await unit.report()
        assert await watch(city) == 3
        token = await make_staff_token(rt, city.kit)

        async def page(**body: Any) -> dict[str, Any]:
            answer = await city.api.post("/api/v2/admin/vehicle-alerts", {"page_length": 2, **body}, token=token)
            assert answer.status_code == 200, answer.text
            return dict(answer.json())

        first = await page()
        second = await page(page_bookmark=first["bookmark_next"])
        seen = first["data"] + second["data"]
        assert (first["has_next_page"], second["has_next_page"], second["bookmark_next"]) == (True, False, None)
        assert {alert["vehicle_id"] for alert in seen} == set(city.fleet.vehicle_ids)
        assert {(alert["alert_type"], alert["task_type"], alert["task_stage"]) for alert in seen} == {
            ("RIDE_IDLE", "out_of_parking_zone", "TODO")
        }
        assert [alert["id"] for alert in seen] == sorted((alert["id"] for alert in seen), reverse=True)
        clock.advance(days=1, minutes=1)
        assert (await page(filter="LAST_1_DAY"))["data"] == []
        assert len((await page(filter="LAST_2_DAYS"))["data"]) == 2

        # A bookmark of another operator's list is none.
        other = await make_operator(rt)
        foreign = await city.api.post(
            "/api/v2/admin/vehicle-alerts",
            {"page_bookmark": first["bookmark_next"]},
            token=await make_staff_token(rt, other),
        )
        assert foreign.status_code == 400

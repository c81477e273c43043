"""Zones act on a ridden vehicle: over the real gateway, a speaking unit and the store."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from isotope.adapters.sms import list_outbox
from isotope.domain.devices import await_outcome
from isotope.domain.devices.model import Capability, CommandName, ValueSpec
from isotope.domain.sharing import act_on_zones, release_from_zones
from isotope.domain.tenants.model import PaymentSettings, RideSettings, Settings, ZoneEffectSettings
from isotope.domain.zones import ZoneDraft, ZoneSpec, ZoneType
from isotope.infra.runtime import Runtime
from isotope.iot.model import Command
from isotope.kernel.geo import Point
from tests.journeys.kit.waiting import come_about
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import HOME, SPEC, make_zones, square, zone_draft
from tests.kit.jobs import run_due_jobs
from tests.kit.riders import RiderKit
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio

SETTINGS = Settings(
    rides=RideSettings(unlock_wait_s=1), zone_effects=ZoneEffectSettings(enter_m=5, leave_m=10, leave_s=20)
)
LIMITED = Capability(command=CommandName.SPEED_LIMIT, value=ValueSpec(type="integer", min=5, max=30), staff_only=True)
THROTTLE = Capability(command=CommandName.ENGINE, staff_only=True)
OBEDIENT = msgspec.structs.replace(SPEC, capabilities=(*SPEC.capabilities, LIMITED, THROTTLE))

HALF_M = 100.0
SLOW = zone_draft(
    ZoneType.SPEED_LIMIT_ZONE,
    ref="slow",
    title="Park",
    area=square(Point(HOME.lat + 0.01, HOME.lon), HALF_M),
    spec=ZoneSpec(speed_limit_kmh=12),
)
NO_GO = zone_draft(ZoneType.NO_GO_ZONE, ref="no", title="Castle", area=square(Point(HOME.lat + 0.01, HOME.lon), HALF_M))
"""Both lie a kilometre north of where the ride starts; their south border is `HALF_M` south of their middle."""


def a_city(rt: Runtime, folder: Path, **more: Any) -> AbstractAsyncContextManager[City]:
    return small_city(rt, folder, **({"settings": SETTINGS, "spec": OBEDIENT} | more))


async def ride_to(city: City, deep_m: float, speed_kmh: float = 18.0) -> None:
    """The unit reports so deep inside the zone (below zero: outside, south of it), one second later."""
    clock = city.rt.clock
    assert isinstance(clock, SettableClock)
    clock.advance(seconds=1)
    lat = HOME.lat + 0.01 + (deep_m - HALF_M) / 111_195.08
    city.unit.locked = False
    await city.unit.report(lat=lat, lon=HOME.lon, speed_kmh=speed_kmh)


def told(city: City) -> list[Any]:
    """The unit's commands after the unlocking: limits by their value, the throttle as on or off, else names."""

    def word(command: Command) -> Any:
        match command.name:
            case CommandName.SPEED_LIMIT:
                return command.params["kmh"]
            case CommandName.ENGINE:
                return "on" if command.params["on"] else "off"
            case name:
                return name.value

    return [word(command) for command in city.unit.commands[1:]]


async def until_told(city: City, *expected: Any) -> None:
    await city.unit.until(lambda: len(told(city)) >= len(expected))
    assert told(city) == list(expected)
    await heard(city)


async def heard(city: City) -> None:
    """Until the store knows what became of every command that the unit answers."""
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select id from device_command where operator_id = %(operator_id)s and finished_at is null", of(city)
        )
    for (command_id,) in rows:
        await await_outcome(city.rt, city.kit.operator.id, command_id, 10.0)


async def looked_at(city: City) -> None:
    """Until the gateway has looked at everything that was reported."""
    watch = city.gateway._zones
    await until(lambda: watch.is_idle)


async def zone_events(city: City) -> list[tuple[str, Any]]:
    async with city.rt.db.read() as tx:
        return [
            (kind, data.get("title"))
            for kind, data in await tx.tuples(
                "select kind, data from ride_event"
                " where operator_id = %(operator_id)s and kind like 'ZONE%%' order by nr",
                of(city),
            )
        ]


async def knows_zones(city: City, version: int) -> bool:
    """Whether the API's process has heard of a change."""
    index = await city.api.services.zones.index(city.kit.operator.id)
    return index.version == version


async def shown(city: City, rider: RiderKit) -> Any:
    answer = await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
    assert answer.status_code == 200, answer.text
    return answer.json()["vehicles"][0].get("zone_effect")


async def effects(city: City) -> list[dict[str, Any]]:
    async with city.rt.db.read() as tx:
        return await tx.dicts("select * from vehicle_zone_effect where operator_id = %(operator_id)s", of(city))


def of(city: City) -> dict[str, Any]:
    return {"operator_id": city.kit.operator.id}


async def starts(city: City, *zones: ZoneDraft) -> RiderKit:
    await make_zones(city.rt, city.kit.operator, *zones)
    rider = await city.rider()
    answer = await city.start(rider)
    assert answer.status_code == 200, answer.text
    return rider


async def test_a_speed_zone_slows_a_vehicle_and_lets_it_go(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await starts(city, SLOW)
        await ride_to(city, -200)
        await ride_to(city, 4)
        await looked_at(city)
        assert told(city) == []
        assert await shown(city, rider) is None
        await ride_to(city, 6)
        await until_told(city, 12)
        zone_id = (await effects(city))[0]["effect"]["zone_id"]
        assert await shown(city, rider) == {
            "reason": "speed_limit_zone",
            "zone_id": zone_id,
            "title": "Park",
            "limit_kmh": 12,
            "throttle_off": False,
        }
        # Its unit said done: it is not told again.
        clock.advance(seconds=30)
        await ride_to(city, 50)
        await looked_at(city)
        assert [row["due_at"] for row in await effects(city)] == [None]
        await ride_to(city, -11)
        await until_told(city, 12, 25)
        assert await shown(city, rider) is None
        assert await zone_events(city) == [("ZONE_SLOWED", "Park"), ("ZONE_RELEASED", "Park")]
        clock.advance(seconds=30)
        await ride_to(city, -200)
        await looked_at(city)
        assert await effects(city) == []
        assert told(city) == [12, 25]


async def test_a_vehicle_on_a_border_is_told_nothing(rt: Runtime, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        for deep_m in (-3, 4, -9, 2, -1, 4):
            await ride_to(city, deep_m)
            await looked_at(city)
        assert told(city) == []
        await ride_to(city, 8)
        await until_told(city, 12)
        for deep_m in (-3, 7, -9, 2, -1, 14, -9):
            await ride_to(city, deep_m)
            await looked_at(city)
        assert told(city) == [12]


async def test_outside_for_long_enough_is_outside(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        await ride_to(city, 50)
        await until_told(city, 12)
        await ride_to(city, -5)
        await looked_at(city)
        clock.advance(seconds=18)
        await ride_to(city, -5)
        await looked_at(city)
        assert told(city) == [12]
        await ride_to(city, -5)
        await until_told(city, 12, 25)


async def test_a_vehicle_that_tells_no_position_has_not_been_outside_for_longer(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        await ride_to(city, 50)
        await until_told(city, 12)
        await ride_to(city, -5)
        await looked_at(city)
        clock.advance(seconds=30)
        await city.unit.send_report(replace(city.unit.current("periodic"), lat=None, lon=None, fix_at=None))
        await looked_at(city)
        assert told(city) == [12]


async def test_a_paused_ride_is_left_alone(rt: Runtime, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await starts(city, NO_GO)
        ride = {"vehicle_id": city.fleet.vehicle_id}
        await ride_to(city, -50, speed_kmh=0)
        assert (await city.ask(rider, "sharing/pause", ride)).status_code == 200
        await ride_to(city, 50, speed_kmh=0)
        await looked_at(city)
        assert told(city) == ["lock"]
        assert (await city.ask(rider, "sharing/unpause", ride)).status_code == 200
        await ride_to(city, 50, speed_kmh=0)
        await city.unit.until(lambda: len(told(city)) == 4)
        assert (told(city)[1], set(told(city)[2:])) == ("unlock", {7, "off"})


async def test_no_go_limits_first_and_stops_the_throttle_only_when_slow(rt: Runtime, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        rider = await starts(city, NO_GO)
        await ride_to(city, 20, speed_kmh=25)
        await until_told(city, 7)
        # At walking speed by the setting, and still moving by the law.
        await ride_to(city, 40, speed_kmh=5.5)
        await looked_at(city)
        assert told(city) == [7]
        await ride_to(city, 45, speed_kmh=4)
        await until_told(city, 7, "off")
        view = await shown(city, rider)
        assert (view["reason"], view["throttle_off"]) == ("no_go_zone", True)
        # Pushed on, faster too: it is not told again, and never locked.
        await ride_to(city, 30, speed_kmh=6.5)
        await looked_at(city)
        await ride_to(city, -20, speed_kmh=4)
        await city.unit.until(lambda: len(told(city)) == 4)
        assert told(city)[:2] == [7, "off"]
        assert sorted(told(city)[2:], key=str) == [25, "on"]
        assert [kind for kind, _title in await zone_events(city)] == ["ZONE_SLOWED", "ZONE_STOPPED", "ZONE_RELEASED"]


async def test_a_unit_that_cannot_be_limited_is_left_alone_until_it_is_slow(rt: Runtime, tmp_path: Path) -> None:
    throttle_only = msgspec.structs.replace(SPEC, capabilities=(*SPEC.capabilities, THROTTLE))
    async with a_city(rt, tmp_path, spec=throttle_only) as city:
        await starts(city, NO_GO)
        await ride_to(city, 20, speed_kmh=25)
        await looked_at(city)
        assert told(city) == []
        await ride_to(city, 30, speed_kmh=2)
        await until_told(city, "off")


async def test_units_that_can_do_neither_cost_nothing(rt: Runtime, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path, spec=SPEC) as city:
        await starts(city, NO_GO, SLOW)
        await ride_to(city, 50, speed_kmh=2)
        await looked_at(city)
        assert (told(city), await effects(city), await zone_events(city)) == ([], [], [])


async def test_a_lost_command_is_given_again(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        city.unit.manner = Manner.HANG_UP
        await ride_to(city, 20)
        await city.unit.ended()
        assert told(city) == [12]
        city.unit.manner = Manner.OBEY
        await city.unit.connect()
        # Not at once: the unit may have done it, and its answer may still come.
        await ride_to(city, 30)
        await looked_at(city)
        assert told(city) == [12]
        clock.advance(seconds=6)
        await ride_to(city, 40)
        await until_told(city, 12, 12)
        assert await zone_events(city) == [("ZONE_SLOWED", "Park")]


async def test_a_unit_that_fails_is_told_ever_later(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        city.unit.manner = Manner.FAIL
        began = clock.now()
        at_s: list[int] = []
        for _ in range(100):
            before = len(told(city))
            await ride_to(city, 50)
            await looked_at(city)
            if await ordered(city) > before:
                await city.unit.until(lambda before=before: len(told(city)) > before)  # type: ignore[misc]
                await heard(city)
                at_s.append(int((clock.now() - began).total_seconds()))
        # A second for the unit to obey, and 5, 10, 20, 40 s.
        assert at_s == [1, 7, 18, 39, 80]


async def ordered(city: City) -> int:
    async with city.rt.db.read() as tx:
        sql = "select count(*) from device_command where operator_id = %(operator_id)s and name = 'speed_limit'"
        return int(await tx.scalar(sql, of(city)))


async def test_another_gateway_goes_on_where_the_first_was(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    """What zones do is in the store: after a restart nothing is told twice, and nothing is forgotten."""
    async with a_city(rt, tmp_path) as city:
        await starts(city, SLOW)
        await ride_to(city, 20)
        await until_told(city, 12)
        key = (city.kit.operator.id, city.fleet.vehicle_id)
        services = city.api.services
        assert await act_on_zones(rt, services.operators, services.zones, [key]) == 0
        # Two that look at once do it once.
        clock.advance(seconds=30)
        async with rt.db.write() as tx:
            await tx.execute(
                "update vehicle_state set lat = %(lat)s where operator_id = %(operator_id)s",
                {"lat": HOME.lat} | of(city),
            )
        both = await asyncio.gather(*(act_on_zones(rt, services.operators, services.zones, [key]) for _ in range(2)))
        assert sorted(both) == [0, 1]
        await until_told(city, 12, 25)


async def test_the_next_rider_gets_the_vehicle_whole(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    """A ride that ends in a zone: its vehicle is let go, again and again until its unit says so."""
    async with a_city(rt, tmp_path) as city:
        rider = await starts(city, NO_GO)

        async def release() -> None:
            services = city.api.services
            await release_from_zones(rt, services.operators, services.zones)
            await heard(city)

        await ride_to(city, 20)
        await until_told(city, 7)
        await ride_to(city, 20, speed_kmh=0)
        await until_told(city, 7, "off")
        await release()
        assert told(city) == [7, "off"]
        # The operator opens the castle just now.
        opened = await make_zones(rt, city.kit.operator)
        await come_about(lambda: knows_zones(city, opened.version), "the API heard of it")
        answer = await city.end(rider, at=Point(city.unit.lat, city.unit.lon))
        assert answer.status_code == 200, answer.text
        assert told(city) == [7, "off", "lock"]
        city.unit.manner = Manner.FAIL
        await release()
        assert (told(city)[:3], set(told(city)[3:])) == ([7, "off", "lock"], {25, "on"})
        await release()
        assert len(told(city)) == 5
        city.unit.manner = Manner.OBEY
        clock.advance(seconds=6)
        await release()
        assert set(told(city)[5:]) == {25, "on"}
        # The next rider is on it before it is known that it obeyed: that is found out in their ride.
        answer = await city.start(await city.rider(), at=Point(city.unit.lat, city.unit.lon))
        assert answer.status_code == 200, answer.text
        clock.advance(seconds=60)
        await release()
        assert len(await effects(city)) == 1
        await ride_to(city, -200)
        await looked_at(city)
        assert await effects(city) == []
        assert told(city)[7:] == ["unlock"]


async def test_zones_and_money_both_limit_it_and_neither_lifts_the_others(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    settings = msgspec.structs.replace(
        SETTINGS, payments=PaymentSettings(auto_stop_minor=100, auto_stop_warn_minor=100, auto_stop_kmh=10)
    )
    async with a_city(rt, tmp_path, settings=settings) as city:
        rider = await city.rider(balance_minor=400)
        await make_zones(rt, city.kit.operator, SLOW)
        assert (await city.start(rider)).status_code == 200

        async def look_at_money() -> None:
            await run_due_jobs(city.api.services, city.kit.operator.id, "watch_funds")

        await ride_to(city, 20)
        await until_told(city, 12)
        clock.advance(seconds=300)
        await ride_to(city, 30)
        await look_at_money()
        clock.advance(seconds=300)
        await ride_to(city, 30)
        await look_at_money()
        await until_told(city, 12, 10)
        # Out of the zone: money still wants 10.
        await ride_to(city, -50)
        await until_told(city, 12, 10, 10)
        await ride_to(city, 50)
        await until_told(city, 12, 10, 10, 10)
        # Money comes while it is in the zone: 12, not full speed.
        await city.give(rider, 5_000)
        clock.advance(seconds=20)
        await ride_to(city, 60)
        await look_at_money()
        await until_told(city, 12, 10, 10, 10, 12)
        await ride_to(city, -50)
        await until_told(city, 12, 10, 10, 10, 12, 25)


@pytest.mark.parametrize("tells", [True, False])
async def test_riders_are_told_once_a_crossing_if_the_operator_wants(
    rt: Runtime, clock: SettableClock, tmp_path: Path, *, tells: bool
) -> None:
    settings = msgspec.structs.replace(SETTINGS, zone_effects=ZoneEffectSettings(tell_riders=tells))
    async with a_city(rt, tmp_path, settings=settings) as city:
        rider = await starts(city, NO_GO)
        await ride_to(city, 20)
        await until_told(city, 7)
        await ride_to(city, 20, speed_kmh=0)
        await until_told(city, 7, "off")
        await run_due_jobs(city.api.services, city.kit.operator.id, "tell_rider")
        found = await list_outbox(rt, rider.rider.phone_prefix + rider.rider.phone, 10)
        assert ["Castle" in message.body for message in found] == ([True, True] if tells else [])


async def test_an_operator_switches_it_off(rt: Runtime, tmp_path: Path) -> None:
    settings = msgspec.structs.replace(SETTINGS, zone_effects=ZoneEffectSettings(act=False))
    async with a_city(rt, tmp_path, settings=settings) as city:
        await starts(city, NO_GO, SLOW)
        await ride_to(city, 20, speed_kmh=0)
        await looked_at(city)
        assert (told(city), await effects(city)) == ([], [])


async def test_vehicles_that_nobody_rides_are_left_alone(rt: Runtime, tmp_path: Path) -> None:
    async with a_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, NO_GO)
        await ride_to(city, 20, speed_kmh=0)
        await looked_at(city)
        assert city.unit.commands == []
        assert city.gateway._zones.looked == 0

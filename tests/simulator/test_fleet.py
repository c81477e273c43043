import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path as FilePath
from random import Random

import pytest

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.errors import FleetFileError
from isotope.simulator.fleet import SimulatedFleet, load_units
from isotope.simulator.manners import PERFECT, Manners
from isotope.simulator.path import Path, offset
from isotope.simulator.unit import Unit
from tests.simulator.gateway import FakeGateway

HERE = Point(60.17, 24.94)
FAR_FUTURE_MS = 4_000_000_000_000


def unit(nr: str = "1", manners: Manners = PERFECT) -> Unit:
    return Unit(nr=nr, identity=f"demo-{nr}", secret="secret", model="kite-s", position=HERE, manners=manners)


@asynccontextmanager
async def connected(gateway: FakeGateway, *units: Unit) -> AsyncIterator[SimulatedFleet]:
    async with SimulatedFleet(units, "127.0.0.1", gateway.port, tick_s=0.02, rng=Random(1)) as fleet:
        assert await fleet.wait_connected(1.0, 5)
        yield fleet


def command(name: str, number: str = "7", exp: int = FAR_FUTURE_MS) -> dict[str, object]:
    return {"t": "cmd", "cmd": number, "name": name, "params": {}, "exp": exp}


async def test_a_unit_says_who_it_is_and_how_it_is() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()):
        await gateway.until(lambda: gateway.reports)
        assert gateway.hellos == [{"t": "hello", "id": "demo-1", "secret": "secret", "fw": "sim-1"}]
        first = gateway.reports[0]
        assert (first["lat"], first["lon"], first["locked"], first["buffered"]) == (60.17, 24.94, True, False)
        assert first["at"] == first["fix_at"] > 1_600_000_000_000


async def test_a_hundred_units_in_one_process() -> None:
    async with FakeGateway() as gateway, connected(gateway, *(unit(str(nr)) for nr in range(100))) as fleet:
        await gateway.until(lambda: len(gateway.reports) >= 100)
        assert fleet.connected == 100


async def test_a_command_is_done_acknowledged_and_reported() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        gateway.send("demo-1", command("unlock"))
        await gateway.until(lambda: any(r["event"] == "unlocked" for r in gateway.reports))
        [ack] = gateway.acks
        assert (ack["cmd"], ack["status"], ack["locked"]) == ("7", "done", False)
        assert not fleet.unit("1").locked


async def test_a_command_that_comes_twice_is_done_once_and_answered_twice() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        gateway.send("demo-1", command("unlock"))
        await gateway.until(lambda: len(gateway.acks) == 1)
        fleet.unit("1").locked = True
        gateway.send("demo-1", command("unlock"))
        await gateway.until(lambda: len(gateway.acks) == 2)
        assert gateway.acks[0] == gateway.acks[1]
        assert fleet.unit("1").locked


async def test_an_expired_command_is_not_done() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        gateway.send("demo-1", command("unlock", exp=1))
        await gateway.until(lambda: gateway.acks)
        assert gateway.acks[0]["status"] == "expired"
        assert fleet.unit("1").locked


async def test_where_a_rider_rides_the_vehicle_goes() -> None:
    path = Path([HERE, offset(HERE, 500, 0), offset(HERE, 500, 500)])
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        await fleet.ride("1", path, seconds=0.2, shown_kmh=15)
        last = gateway.reports[-1]
        assert last["speed_kmh"] == 0
        assert last["odometer_m"] == pytest.approx(1000, abs=2)
        assert distance_m(Point(last["lat"], last["lon"]), path.end) < 1


async def test_a_vehicle_that_is_put_somewhere_is_there_for_the_gateway_too() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        target = offset(HERE, 3000, 0)
        assert await fleet.place("1", target)
        assert gateway.reports[-1]["lon"] == pytest.approx(target.lon, abs=1e-6)
        assert gateway.reports[-1]["odometer_m"] == 0


async def test_placing_is_not_believed_before_the_gateway_confirms() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        await gateway.until(lambda: gateway.reports)
        gateway.confirms = False
        assert not await fleet.settle("1", timeout_s=0.1)


async def test_units_come_back_after_the_gateway_died_and_send_what_they_kept() -> None:
    gateway = FakeGateway()
    await gateway.__aenter__()
    async with connected(gateway, unit("1"), unit("2")) as fleet:
        await gateway.until(lambda: len(gateway.reports) >= 2)
        await gateway.die()
        assert not await fleet.settle("1", timeout_s=0.05)
        gateway.reports.clear()
        async with gateway:
            assert await fleet.wait_connected(1.0, 10)
            await gateway.until(lambda: {r["buffered"] for r in gateway.reports} == {True, False})
            kept = [r for r in gateway.reports if r["buffered"]]
            assert [r["event"] for r in kept] == ["periodic", "periodic"]
            assert len(gateway.hellos) == 4


async def test_a_unit_that_loses_contact_keeps_its_reports() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        assert await fleet.settle("1")
        link = fleet._links["1"]
        link.lose_contact(0.1)
        kept = [link.report("moved") for _ in range(3)]
        await gateway.until(lambda: any(not r["buffered"] and r["seq"] > kept[-1] for r in gateway.reports))
        buffered = [r["seq"] for r in gateway.reports if r["buffered"]]
        assert buffered == kept
        assert await link.confirmed(kept[-1], 2)


async def test_what_is_kept_is_bounded() -> None:
    async with FakeGateway() as gateway, connected(gateway, unit()) as fleet:
        link = fleet._links["1"]
        link.lose_contact(60)
        for _ in range(1000):
            link.report()
        assert len(link._unconfirmed) == 200


async def test_a_unit_that_is_refused_does_not_hammer() -> None:
    async with FakeGateway() as gateway:
        gateway.refuses = True
        async with SimulatedFleet([unit()], "127.0.0.1", gateway.port, tick_s=0.02) as fleet:
            await gateway.until(lambda: gateway.hellos)
            with pytest.raises(TimeoutError):
                await gateway.until(lambda: len(gateway.hellos) > 1, timeout_s=0.5)
            assert fleet.connected == 0


async def test_nothing_is_left_running() -> None:
    before = asyncio.all_tasks()
    gateway = FakeGateway()
    async with gateway, connected(gateway, unit()):
        pass
    await asyncio.sleep(0)
    assert {task for task in asyncio.all_tasks() - before if "unit" in task.get_name()} == set()


def test_vehicles_with_a_box_are_read(tmp_path: FilePath) -> None:
    (tmp_path / "vehicles.csv").write_text(
        "nr,model,lat,lon,battery_pct,device_identity,device_secret\n"
        "1001,kite-s,60.17,24.94,61,demo-1001,s3cret\n"
        "1002,gull,60.18,24.95,,,\n"
        "1003,kite-s,60.19,24.96,,demo-1003,s3cret\n"
    )
    assert [(u.nr, u.battery_pct) for u in load_units(tmp_path)] == [("1001", 61), ("1003", 100)]


@pytest.mark.parametrize(
    "content", [None, "nr,lat\n1,2\n", "nr,model,lat,lon,device_identity,device_secret\n1,m,x,2,i,s\n"]
)
def test_a_file_that_has_no_vehicles(tmp_path: FilePath, content: str | None) -> None:
    if content is not None:
        (tmp_path / "vehicles.csv").write_text(content)
    with pytest.raises(FleetFileError, match=r"vehicles\.csv"):
        load_units(tmp_path)

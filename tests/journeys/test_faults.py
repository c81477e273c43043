"""Processes die and the database goes away, in the middle of a ride's start."""

import asyncio
import os
import signal
from pathlib import Path

import httpx2
import pytest

from isotope.cli._books import check_books
from isotope.infra.embedded import EmbeddedPostgres
from tests.journeys.kit.rider import DemoRider, demo_vehicles
from tests.journeys.kit.store import open_rides, vehicles_held
from tests.journeys.kit.system import System, running_system
from tests.journeys.kit.waiting import come_about
from tests.kit.devices import Manner

pytestmark = [pytest.mark.journey, pytest.mark.asyncio]


def child(system: System, name: str) -> int:
    """The process id of a child of the supervisor by its name, such as `gateway`."""
    for pid in Path(f"/proc/{system.pid}/task/{system.pid}/children").read_text().split():
        environ = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
        if f"ISOTOPE_PROCESS={name}".encode() in environ:
            return int(pid)
    raise AssertionError(f"no process {name}")


async def test_kill_9_in_the_middle_of_a_start_leaves_nothing_held_and_nothing_paid(tmp_path: Path) -> None:
    killed = ("api-1", "gateway", "worker")
    with running_system(tmp_path / "data") as system:
        async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
            riders = [DemoRider(client) for _ in killed]
            for rider in riders:
                await rider.register()
            vehicles = demo_vehicles(len(killed))
            for name, rider, vehicle in zip(killed, riders, vehicles, strict=True):
                await come_about(lambda: ready(client), "the system is ready")
                unit = vehicle.unit(system, Manner.NEVER)
                await come_about(lambda unit=unit: connected(unit), "the unit is connected")  # type: ignore[misc]
                await unit.report()
                start = asyncio.create_task(rider.start(vehicle))
                await unit.command()
                os.kill(child(system, name), signal.SIGKILL)
                outcome = await asyncio.gather(start, return_exceptions=True)
                answer = outcome[0]
                # The API's own death breaks the connection; otherwise the rider is told.
                if isinstance(answer, httpx2.Response):
                    assert answer.status_code == 503, answer.text
                else:
                    assert name == "api-1"
                await unit.hang_up()

            async def settled() -> bool:
                return await open_rides(system.database_url) == 0 and await vehicles_held(system.database_url) == 0

            await come_about(settled, "no ride open and no vehicle held")
            await come_about(lambda: ready(client), "the system is ready again")
            assert [await rider.balance() for rider in riders] == [20.0] * len(riders)
            for rider in riders:
                assert (await rider.post("sharing/get-active-rides", {})).json()["active_ride_ids"] == []
        assert (await check_books(system.database_url)).faults == []


async def connected(unit: object) -> bool:
    """Log in, unless the gateway is just coming back."""
    try:
        await unit.connect()  # type: ignore[attr-defined]
    except OSError:
        return False
    return bool(unit.is_welcome)  # type: ignore[attr-defined]


async def ready(client: httpx2.AsyncClient) -> bool:
    return (await client.get("/health/ready")).status_code == 200


async def test_without_its_database_it_says_come_again_and_goes_on_by_itself(tmp_path: Path) -> None:
    server = EmbeddedPostgres(tmp_path / "server")
    url = server.start()
    try:
        with running_system(tmp_path / "data", settings={"ISOTOPE_DATABASE_URL": url}) as system:
            processes = {name: child(system, name) for name in ("api-1", "gateway", "worker")}
            async with httpx2.AsyncClient(base_url=system.api, timeout=30) as client:
                rider = DemoRider(client)
                await rider.register()
                vehicle = demo_vehicles(1)[0]
                unit = vehicle.unit(system)
                await come_about(lambda: connected(unit), "the unit is connected")
                await unit.report()
                assert server.pid is not None
                os.kill(server.pid, signal.SIGQUIT)

                async def refused() -> bool:
                    return (await rider.post("user/get-user-data", {})).status_code == 503

                await come_about(refused, "503 without a database")
                answer = await rider.start(vehicle)
                assert answer.status_code == 503
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.json()["code"] == "store_unavailable"
                assert (await client.get("/health/live")).status_code == 200
                assert (await client.get("/health/ready")).status_code == 503
                server.restart()

                async def rides() -> bool:
                    return (await rider.start(vehicle)).status_code == 200

                await come_about(rides, "a ride after the database is back")
                assert {name: child(system, name) for name in processes} == processes
                await unit.hang_up()
    finally:
        server.stop()

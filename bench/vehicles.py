"""get-vehicles beside an empty handler of the same server that encodes the same objects."""

import asyncio
import sys
import tempfile
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

from tests.journeys.kit.system import DEMO_CITY, System, free_port, running_system

from bench.figure import Figure
from bench.load import Connection, json_request, rate
from isotope.kernel.geo import Point
from isotope.simulator.api import Api
from isotope.simulator.app import App
from isotope.simulator.fleet import SimulatedFleet, load_units

_CONNECTIONS: Final = 8
_CENTRE: Final = Point(60.17, 24.94)
_WANTED: Final = 250
_START_S: Final = 15.0


async def measure(system: System, folder: Path, seconds: float) -> list[Figure]:
    """Answers a second with about 250 vehicles each."""
    api = Api(system.api, public_key="demo-public", secret_key="demo-secret", rng=Random(1))  # noqa: S106 - the demo's
    try:
        app = App(api, Random(1))
        await app.sign_up()
    finally:
        await api.aclose()
    await _let_units_report(system)
    request = await _request_for(system.api, app.token)
    sample = folder / "vehicles.json"
    connection = await Connection.open(system.api)
    sample.write_bytes(await connection.call(request))
    count = sample.read_bytes().count(b'"nr"')
    await connection.close()
    measured = await _rate(system.api, request, seconds)
    anonymous = request.replace(f"Authorization: Bearer {app.token}\r\n".encode(), b"")
    public = await _rate(system.api, anonymous, seconds)
    port = free_port()
    floor_server = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.empty_handler", str(port), str(sample)
    )
    try:
        url = f"http://127.0.0.1:{port}"
        await _listening(url)
        floor = await _rate(url, request, seconds)
    finally:
        floor_server.terminate()
        await floor_server.wait()
    size = len(sample.read_bytes()) / 1000
    what = f"get-vehicles, {count} vehicles ({size:.0f} kB) an answer, {_CONNECTIONS} connections"
    empty = "the same objects encoded in an empty handler of the same server"
    return [
        Figure(f"{what}, a rider asks (token, rides and wallet are read)", measured, "1/s", empty, floor),
        Figure(f"{what}, with the public key alone (nothing is read)", public, "1/s", empty, floor),
    ]


async def _let_units_report(system: System) -> None:
    """Vehicles are shown when they have been heard of."""
    units = load_units(DEMO_CITY)
    async with SimulatedFleet(units, system.gateway_host, system.gateway_port) as fleet:
        await fleet.wait_connected(1.0, _START_S)
        for unit in units:
            await fleet.settle(unit.nr)


async def _request_for(url: str, token: str) -> bytes:
    """The request whose answer is nearest to 250 vehicles."""
    best, best_count = b"", 0
    connection = await Connection.open(url)
    for radius_km in (1, 2, 3, 4, 5):
        body = {"user_latitude": _CENTRE.lat, "user_longitude": _CENTRE.lon, "radius_in_km": radius_km}
        request = json_request("/openapi/v1.0/sharing/get-vehicles", body, token)
        count = (await connection.call(request)).count(b'"nr"')
        if abs(count - _WANTED) <= abs(best_count - _WANTED):
            best, best_count = request, count
    await connection.close()
    return best


async def _rate(url: str, request: bytes, seconds: float) -> float:
    connections = [await Connection.open(url) for _ in range(_CONNECTIONS)]
    works = [partial(connection.call, request) for connection in connections]
    try:
        return await rate(seconds, works)
    finally:
        for connection in connections:
            await connection.close()


async def _listening(url: str) -> None:
    async with asyncio.timeout(_START_S):
        while True:
            try:
                await (await Connection.open(url)).close()
            except OSError:
                await asyncio.sleep(0.05)
            else:
                return


def main(seconds: float = 5.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        path = Path(folder)
        with running_system(path / "data", simulate=False) as system:
            return asyncio.run(measure(system, path, seconds))

"""get-zones with 671 zones beside a static answer of the same server: the same bytes, made once, sent over and over.

The floor decides nothing, reads nothing and measures nothing: an ASGI application that sends the body that it was given.
"""

import asyncio
import gzip
import json
import math
import os
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from random import Random
from shutil import copytree
from typing import Any, Final

from tests.journeys.kit.system import DEMO_CITY, System, free_port, running_system

from bench.figure import Figure
from bench.load import Connection, json_request, rate

_ZONES: Final = 671
_CORNERS: Final = 33
_CONNECTIONS: Final = 8
_PATH: Final = "/openapi/v1.0/sharing/get-zones"
_START_S: Final = 15.0


def city_with_zones(folder: Path) -> Path:
    """The demo city with as many zones as a large operator has, of about as many corners."""
    copytree(DEMO_CITY, folder)
    dice = Random(7)
    file = folder / "zones.geojson"
    # The city's own stay: its prices name some of them.
    features = json.loads(file.read_text())["features"]
    features += [_zone(number, dice) for number in range(_ZONES - len(features))]
    file.write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    return folder


def _zone(number: int, dice: Random) -> dict[str, Any]:
    lat, lon, radius = 60.17 + dice.uniform(-0.08, 0.08), 24.94 + dice.uniform(-0.15, 0.15), dice.uniform(0.0005, 0.002)
    corners = [
        [round(lon + 2 * radius * math.cos(turn), 6), round(lat + radius * math.sin(turn), 6)]
        for turn in (2 * math.pi * corner / _CORNERS for corner in range(_CORNERS))
    ]
    kind = "NO_PARKING_ZONE" if number % 3 else "PARKING_ZONE"
    vehicle_types = ["SCOOTER"] if number % 2 else []
    return {
        "type": "Feature",
        "geometry": {"type": "Polygon", "coordinates": [[*corners, corners[0]]]},
        "properties": {
            "ref": f"z{number}",
            "zone_type": kind,
            "title": f"Zone {number}",
            "color": "21C378",
            "vehicle_types": vehicle_types,
        },
    }


async def measure(system: System, folder: Path, seconds: float) -> list[Figure]:
    plain = json_request(_PATH, {})
    packed = _with(plain, "Accept-Encoding: gzip")
    filtered = json_request(_PATH, {"vehicle_types": ["BIKE"], "zone_types": ["PARKING_ZONE"]})
    connection = await Connection.open(system.api)
    body, narrowed = await connection.call(plain), await connection.call(filtered)
    tag = (await connection.head(plain))["etag"]
    known = _with(plain, f"If-None-Match: {tag}")
    await connection.close()
    sizes = f"{_ZONES} zones, {len(body) / 1000:.0f} kB"
    asked = (
        (f"get-zones, {sizes}", plain, body),
        (f"the same in gzip, {len(gzip.compress(body, 6)) / 1000:.0f} kB", packed, gzip.compress(body, 6)),
        (f"the same filtered by types, {len(narrowed) / 1000:.0f} kB", filtered, narrowed),
        ("the same, known already (304)", known, b""),
    )
    figures = []
    for what, request, answer in asked:
        async with _static(folder, answer) as url:
            # By turns, so that what else goes on meets both.
            ours, floor = 0.0, 0.0
            for _ in range(2):
                ours += await _rate(system.api, request, seconds / 2) / 2
                floor += await _rate(url, request, seconds / 2) / 2
        figures.append(Figure(what, ours, "1/s", "a static answer of the same size by the same server", floor))
    return figures


def _with(request: bytes, header: str) -> bytes:
    return request.replace(b"Host: bench\r\n", f"Host: bench\r\n{header}\r\n".encode())


async def _rate(url: str, request: bytes, seconds: float) -> float:
    connections = [await Connection.open(url) for _ in range(_CONNECTIONS)]
    works = [partial(connection.call, request) for connection in connections]
    try:
        return await rate(seconds, works)
    finally:
        for connection in connections:
            await connection.close()


@asynccontextmanager
async def _static(folder: Path, body: bytes) -> Any:
    port = free_port()
    file = folder / "static"
    file.write_bytes(body)
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.static_answer", str(port), str(file))
    try:
        url = f"http://127.0.0.1:{port}"
        async with asyncio.timeout(_START_S):
            while True:
                try:
                    await (await Connection.open(url)).close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield url
    finally:
        server.terminate()
        await server.wait()


def _apply(system: System, folder: Path) -> None:
    command: Sequence[str] = [sys.executable, "-m", "isotope", "apply", str(folder), "--yes"]
    subprocess.run(command, env=os.environ | system.environ(), check=True, stdout=subprocess.DEVNULL)


def main(seconds: float = 4.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        path = Path(folder)
        with running_system(path / "data", simulate=False) as system:
            _apply(system, city_with_zones(path / "city"))
            return asyncio.run(measure(system, path, seconds))

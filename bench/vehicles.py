"""get-vehicles at size: 100,000 vehicles, 5,000 positions a second, two API processes.

The floor of an answer is an empty handler of the same server that encodes the same objects, while the same positions
are written. Staleness is seen from outside: one vehicle moves with every batch, each API process is asked for it over
and over, and the time from the batch's commit to the first answer that has it (or a later one) is taken.
"""

import asyncio
import itertools
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import psycopg
from tests.journeys.kit.system import free_port
from tests.kit.fleet import make_fleet
from tests.kit.riders import make_rider
from tests.kit.tenants import OperatorKit, make_operator

from bench.api import Api, keyed, running_api
from bench.figure import Figure
from bench.load import Connection, Timed, json_request, timed
from bench.reports import BATCH, BATCHES_A_SECOND, PROBE, number_of
from isotope.domain.tenants.model import Settings
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.embedded import EmbeddedPostgres
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point

VEHICLES: Final = 100_000
PROCESSES: Final = 2
_PATH: Final = "/openapi/v1.0/sharing/get-vehicles"
_CONNECTIONS: Final = 8
_CENTRE: Final = Point(60.17, 24.94)
# So many vehicles stand on so much ground that a kilometre around a place has some 250 of them.
_SPREAD_LAT, _SPREAD_LON = 0.16, 0.32
_PLACES: Final = 64
_START_S: Final = 60.0
_POLL_S: Final = 0.004
_STALENESS_S: Final = 20.0


async def _fill(url: str) -> tuple[OperatorKit, str]:
    """An operator whose map is open, with the fleet; and a rider's token."""
    db = Database(url, max_size=4)
    await db.open()
    rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
    kit = await make_operator(rt, settings=Settings(public_vehicles=True))
    dice = Random(7)
    await make_fleet(rt, kit.operator, 1, places=[PROBE])
    for _ in range(VEHICLES // 10_000):
        places = [
            Point(
                _CENTRE.lat + dice.uniform(-_SPREAD_LAT, _SPREAD_LAT),
                _CENTRE.lon + dice.uniform(-_SPREAD_LON, _SPREAD_LON),
            )
            for _ in range(10_000)
        ]
        await make_fleet(rt, kit.operator, 10_000, places=places)
    token = (await make_rider(rt, kit.operator)).token
    await db.close()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("vacuum analyze")
    return kit, token


@dataclass(slots=True)
class _Commits:
    """When each batch was committed, by its number."""

    at_s: dict[int, float] = field(default_factory=dict)


@asynccontextmanager
async def _positions(database_url: str, operator_id: int) -> AsyncIterator[_Commits]:
    """Positions are being written; ends when left."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "bench.reports",
        database_url,
        str(operator_id),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    commits = _Commits()
    if process.stdin is None or process.stdout is None:
        raise RuntimeError("no pipes")

    async def listen(lines: asyncio.StreamReader) -> None:
        async for line in lines:
            number, at_s = line.split()
            commits.at_s[int(number)] = float(at_s)

    listening = asyncio.create_task(listen(process.stdout))
    try:
        yield commits
    finally:
        process.stdin.close()
        await process.wait()
        await listening


async def _staleness_s(apis: Sequence[Api], key: str, commits: _Commits, seconds: float) -> list[float]:
    """From each commit to the first answer of each process that shows it, shortest first."""
    request = keyed(json_request(_PATH, _around(PROBE, 5)), key)
    ends = time.monotonic() + seconds

    async def watch(api: Api) -> dict[int, float]:
        """When this process first showed each batch that was seen."""
        seen: dict[int, float] = {}
        connection = await Connection.open(api.url)
        while time.monotonic() < ends:
            vehicles = json.loads(await connection.call(request))["vehicles"]
            at_s = time.monotonic()
            if vehicles:
                seen.setdefault(number_of(vehicles[0]["coordinates"]["latitude"]), at_s)
            await asyncio.sleep(_POLL_S)
        await connection.close()
        return seen

    late_s: list[float] = []
    for seen in await asyncio.gather(*map(watch, apis)):
        first, *_rest = sorted(seen)
        for number in range(first + 1, max(seen) + 1):
            shown_s = min(at_s for later, at_s in seen.items() if later >= number)
            late_s.append(shown_s - commits.at_s[number])
    return sorted(late_s)


def _around(place: Point, radius_km: int) -> dict[str, float]:
    return {"user_latitude": place.lat, "user_longitude": place.lon, "radius_in_km": radius_km}


async def _load(urls: Sequence[str], requests: Sequence[bytes], seconds: float) -> Timed:
    """Connections take the requests by turns, each its own process of the given ones."""
    async with AsyncExitStack() as stack:
        works: list[Callable[[], object]] = []
        for number in range(_CONNECTIONS):
            connection = await Connection.open(urls[number % len(urls)])
            stack.push_async_callback(connection.close)
            turns = itertools.cycle(requests[number:] + requests[:number])  # type: ignore[operator]
            works.append(partial(_next, connection, turns))
        return await timed(seconds, works)  # type: ignore[arg-type]


async def _next(connection: Connection, turns: "itertools.cycle[bytes]") -> bytes:
    return await connection.call(next(turns))


@asynccontextmanager
async def _empty_handler(sample: Path) -> AsyncIterator[str]:
    port = free_port()
    process = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench.empty_handler", str(port), str(sample))
    try:
        async with asyncio.timeout(_START_S):
            while True:
                try:
                    await (await Connection.open(f"http://127.0.0.1:{port}")).close()
                    break
                except OSError:
                    await asyncio.sleep(0.05)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


async def measure(database_url: str, folder: Path, seconds: float) -> list[Figure]:
    kit, token = await _fill(database_url)
    key = kit.public_key
    dice = Random(9)
    places = [
        Point(_CENTRE.lat + dice.uniform(-0.8, 0.8) * _SPREAD_LAT, _CENTRE.lon + dice.uniform(-0.8, 0.8) * _SPREAD_LON)
        for _ in range(_PLACES)
    ]
    public = [keyed(json_request(_PATH, _around(place, 1)), key) for place in places]
    rider = [keyed(json_request(_PATH, _around(place, 1), token), key) for place in places]
    async with AsyncExitStack() as stack:
        apis = [await stack.enter_async_context(running_api(database_url, folder, n)) for n in range(PROCESSES)]
        urls = [api.url for api in apis]
        connection = await Connection.open(urls[0])
        answers = [await connection.call(request) for request in public]
        tags = [(await connection.head(request))["etag"] for request in public]
        await connection.close()
        counts = [answer.count(b'"nr"') for answer in answers]
        middle = min(answers, key=lambda answer: abs(answer.count(b'"nr"') - sum(counts) / len(counts)))
        sample = folder / "sample.json"
        sample.write_bytes(middle)
        floor_url = await stack.enter_async_context(_empty_handler(sample))
        figures = [
            Figure(f"ready with {VEHICLES:,} vehicles, process {number}", api.ready_s, "s", digits=2)
            for number, api in enumerate(apis, 1)
        ]
        what = f"get-vehicles, {sum(counts) / len(counts):.0f} vehicles ({len(middle) / 1000:.0f} kB) an answer"
        empty = "the same objects encoded in an empty handler of the same server"
        known = [
            request.replace(b"Host: bench\r\n", f"Host: bench\r\nIf-None-Match: {tag}\r\n".encode())
            for request, tag in zip(public, tags, strict=True)
        ]
        figures += await _compared(
            f"{what}, nothing moves: the public key", urls[:1], public, floor_url, seconds, empty
        )
        figures += await _compared("the same, known already (304)", urls[:1], known, floor_url, seconds, empty)
        commits = await stack.enter_async_context(_positions(database_url, kit.operator.id))
        await asyncio.sleep(1.0)
        moving = f"{BATCH * BATCHES_A_SECOND:,} positions a second"
        figures += await _compared(f"the public key, {moving}", urls[:1], public, floor_url, seconds, empty)
        figures += await _compared(f"a rider, {moving}", urls[:1], rider, floor_url, seconds, empty)
        both = await _load(urls, public, seconds)
        figures += _times(f"the public key, {PROCESSES} processes, {moving}", both)
        first, began = len(commits.at_s), time.monotonic()
        asked = asyncio.create_task(_half_busy(urls, public, _STALENESS_S))
        late_s = await _staleness_s(apis, key, commits, _STALENESS_S)
        written = (len(commits.at_s) - first) * BATCH / (time.monotonic() - began)
        await asked
        figures += [
            Figure("positions written meanwhile", written, "/s", "what was asked for", BATCH * BATCHES_A_SECOND),
            Figure(f"shown after the commit in {PROCESSES} processes, median of {len(late_s)}", _at(late_s, 0.5), "ms"),
            Figure("the same, 99.9 %", _at(late_s, 0.999), "ms"),
        ]
    return figures


def _at(late_s: Sequence[float], share: float) -> float:
    return late_s[min(len(late_s) - 1, int(len(late_s) * share))] * 1_000


async def _half_busy(urls: Sequence[str], requests: Sequence[bytes], seconds: float) -> None:
    """Some 100 answers a second, so that the processes have something else to do too."""
    connections = [await Connection.open(url) for url in urls]
    ends = time.monotonic() + seconds
    for request in itertools.cycle(requests):
        if time.monotonic() > ends:
            break
        for connection in connections:
            await connection.call(request)
        await asyncio.sleep(0.02)
    for connection in connections:
        await connection.close()


async def _compared(
    what: str, urls: Sequence[str], requests: Sequence[bytes], floor_url: str, seconds: float, empty: str
) -> list[Figure]:
    """Ours and the floor by turns, so that what else goes on meets both."""
    ours, floor = [], []
    for _ in range(2):
        ours.append(await _load(urls, requests, seconds / 2))
        floor.append(await _load([floor_url], requests, seconds / 2))
    rate, floor_rate = (sum(one.rate for one in group) / len(group) for group in (ours, floor))
    return [
        Figure(what, rate, "1/s", empty, floor_rate),
        Figure("  its median", ours[-1].ms(0.5), "ms", "of the floor", floor[-1].ms(0.5), digits=1),
        Figure("  its p99", ours[-1].ms(0.99), "ms", "of the floor", floor[-1].ms(0.99), digits=1),
    ]


def _times(what: str, seen: Timed) -> list[Figure]:
    return [
        Figure(what, seen.rate, "1/s"),
        Figure("  its median", seen.ms(0.5), "ms", digits=1),
        Figure("  its p99", seen.ms(0.99), "ms", digits=1),
    ]


def main(seconds: float = 6.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        data = Path(folder) / "data"
        with EmbeddedPostgres(data) as server:
            migrate(server.url)
            return asyncio.run(measure(server.url, data, seconds))

"""get-vehicle-models at size: 5,000 vehicles at 20 stations, 500,000 bookings in their calendars, 25 models.

The floor is its SQL bare: what a request of the same run asks the store is recorded from the server's own log, for
several stations and times, and run by pgbench on the same store with as many clients.
"""

import asyncio
import itertools
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Final

import psycopg
from tests.kit.large_rentals import LargeRentals, make_large_rentals

from bench.api import keyed, running_api
from bench.capture import Recorder, script
from bench.figure import Figure
from bench.load import Connection, Timed, json_request, timed
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.embedded import DATABASE, EmbeddedPostgres, binaries
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime

STATIONS: Final = 20
MODELS: Final = 25
VEHICLES: Final = 5_000
BOOKINGS_EACH: Final = 100
CLIENTS: Final = 8
_PATH: Final = "/openapi/v1.0/rental/get-vehicle-models"
# So many different requests are asked by turns, and so many of them are recorded for the floor.
_REQUESTS: Final = 200
_RECORDED: Final = 16


@dataclass(frozen=True, slots=True)
class _Bare:
    rate: float
    took_ms: Sequence[float]
    statements: int

    def ms(self, share: float) -> float:
        return self.took_ms[min(len(self.took_ms) - 1, int(len(self.took_ms) * share))]


async def _fill(url: str) -> LargeRentals:
    db = Database(url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
        large = await make_large_rentals(
            rt, stations=STATIONS, models=MODELS, vehicles=VEHICLES, bookings_each=BOOKINGS_EACH
        )
    finally:
        await db.close()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("vacuum analyze")
        await connection.execute("checkpoint")
    return large


def _requests(large: LargeRentals, *, hours: int, is_exact: bool, dice: Random) -> list[bytes]:
    """Stations and times by chance, each as long."""
    found = []
    for _ in range(_REQUESTS):
        station_id = dice.choice(large.station_ids)
        start = large.now + timedelta(minutes=dice.randint(1, 60 * 24 * 60))
        body = {
            "pick_up_zone_id": station_id,
            "return_zone_id": station_id,
            "pick_up_date": start.isoformat(),
            "return_date": (start + timedelta(hours=hours)).isoformat(),
            "show_exact_match": is_exact,
        }
        found.append(keyed(json_request(_PATH, body), large.kit.public_key))
    return found


async def _load(url: str, requests: Sequence[bytes], seconds: float) -> Timed:
    connections = [await Connection.open(url) for _ in range(CLIENTS)]
    turns = itertools.cycle(requests)

    async def ask(connection: Connection) -> None:
        await connection.call(next(turns))

    try:
        return await timed(seconds, [partial(ask, connection) for connection in connections])
    finally:
        for connection in connections:
            await connection.close()


async def _record(recorder: Recorder, url: str, requests: Sequence[bytes], folder: Path) -> tuple[list[Path], int]:
    """A script for pgbench of each request, and how many statements one has."""
    connection = await Connection.open(url)
    files, statements = [], 0
    try:
        for number, request in enumerate(requests):
            since = await asyncio.to_thread(recorder.on)
            await connection.call(request)
            ours = [one for one in recorder.off(since) if any("rental_zone" in each.shape for each in one)]
            if len(ours) != 1:
                raise RuntimeError(f"{len(ours)} transactions of one request")
            statements = len(ours[0])
            file = folder / f"rentals-{number}.sql"
            file.write_text(script(ours, {}, (), ""))
            files.append(file)
    finally:
        await connection.close()
    return files, statements


def _bare(url: str, files: Sequence[Path], statements: int, seconds: float, folder: Path) -> _Bare:
    prefix = folder / f"pgbench-{time.monotonic_ns()}"
    command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"]
    command += ["-T", str(max(1, round(seconds))), "-l", f"--log-prefix={prefix}"]
    command += [part for file in files for part in ("-f", str(file))]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench: {done.stderr[:2000]}")
    lines = [line for file in folder.glob(f"{prefix.name}.*") for line in file.read_text().splitlines()]
    return _Bare(float(found[1]), sorted(int(line.split()[2]) / 1_000 for line in lines), statements)


def _compared(what: str, ours: Timed, floor: _Bare) -> list[Figure]:
    same = f"its SQL bare in pgbench ({floor.statements} statements)"
    return [
        Figure(what, ours.rate, "1/s", same, floor.rate),
        Figure("  its median", ours.ms(0.5), "ms", "of the floor", floor.ms(0.5), digits=1),
        Figure("  its p99", ours.ms(0.99), "ms", "of the floor", floor.ms(0.99), digits=1),
    ]


async def measure(database_url: str, log: Path, folder: Path, seconds: float) -> list[Figure]:
    large = await _fill(database_url)
    dice = Random(7)
    exact = _requests(large, hours=6, is_exact=True, dice=dice)
    near = _requests(large, hours=48, is_exact=False, dice=dice)
    recorder = Recorder(database_url, log)
    async with running_api(database_url, folder, 1) as api:
        connection = await Connection.open(api.url)
        began = time.monotonic()
        answer = await connection.call(exact[0])
        first_ms = (time.monotonic() - began) * 1_000
        await connection.close()
        files, statements = await _record(recorder, api.url, exact[:_RECORDED], folder)
        models = answer.count(b'"vehicle_type"')
        figures = [Figure(f"get-vehicle-models, {models} models, the first of a process", first_ms, "ms", digits=1)]
        for what, asked, scripts in (
            ("stations and times by turns", exact, files),
            ("one station and time again and again", exact[:1], files[:1]),
        ):
            ours = await _load(api.url, asked, seconds)
            floor = await asyncio.to_thread(_bare, database_url, scripts, statements, seconds, folder)
            figures += _compared(what, ours, floor)
        wide = await _load(api.url, near, seconds)
        figures += [
            Figure("two days, with times near to it", wide.rate, "1/s"),
            Figure("  its median", wide.ms(0.5), "ms", digits=1),
            Figure("  its p99", wide.ms(0.99), "ms", digits=1),
        ]
    return figures


def main(seconds: float = 6.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        data = Path(folder) / "data"
        with EmbeddedPostgres(data) as server:
            migrate(server.url)
            with psycopg.connect(server.url, autocommit=True) as connection:
                Recorder.prepare(connection, DATABASE)
            return asyncio.run(measure(server.url, data / "logs" / "postgres.log", data, seconds))

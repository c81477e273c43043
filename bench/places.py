"""get-suggestions on 13,000 places: the centre of Helsinki, six times beside itself under names that differ.

The floor is its SQL bare: what requests of the same run ask the store, recorded from the server's log and run by pgbench
on the same store with as many clients.
"""

import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from functools import partial
from itertools import cycle
from pathlib import Path
from random import Random
from typing import Final

import psycopg
from msgspec.structs import replace
from tests.kit import maps
from tests.kit.tenants import OperatorKit, make_operator

from bench.api import keyed, running_api
from bench.capture import Recorder, script
from bench.figure import Figure
from bench.load import Connection, Timed, json_request, timed
from isotope.adapters.maps.osm import read_extract
from isotope.domain.maps import ImportPlaces, import_places
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.embedded import DATABASE, EmbeddedPostgres, binaries
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime

COPIES: Final = 6
CLIENTS: Final = 8
_PATH: Final = "/openapi/v1.0/taxi/get-suggestions"
_RECORDED: Final = 16
_REQUESTS: Final = 200
_STEP: Final = 0.03


def _town() -> list[KnownPlace]:
    places = read_extract(maps.helsinki(), ("en",)).places
    return [_moved(place, nr) for nr in range(COPIES) for place in places]


def _moved(place: KnownPlace, nr: int) -> KnownPlace:
    """Its copy some kilometres off; every name has a syllable of the copy's own."""
    if not nr:
        return place
    more = ("", "ka", "lo", "mi", "ru", "te")[nr]
    return replace(
        place,
        ref=f"{place.ref}:{nr}",
        lon=place.lon + nr * _STEP,
        titles={language: f"{title}{more}" for language, title in place.titles.items()},
        folded=place.folded.replace("|", f"{more}|")[len(more) :] if place.folded else "",
        street_ref=f"{place.street_ref}:{nr}" if place.street_ref else None,
    )


async def _fill(url: str, places: Sequence[KnownPlace]) -> tuple[OperatorKit, float]:
    db = Database(url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
        kit = await make_operator(rt)
        began = time.monotonic()
        await import_places(rt, ImportPlaces(operator=kit.operator, source="town", attribution="x", places=places))
        took_s = time.monotonic() - began
    finally:
        await db.close()
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute("vacuum analyze")
    return kit, took_s


def _typed(places: Sequence[KnownPlace], dice: Random) -> list[str]:
    """Half of an address or a name, or all of one, some with a wrong letter."""
    found = []
    for place in dice.sample([place for place in places if place.kind is not PlaceKind.STREET], _REQUESTS):
        text = place.titles[""]
        if dice.random() < 0.5 and len(text) > 6:
            text = text[: len(text) // 2 + 1]
        if dice.random() < 0.3 and len(text) > 6:
            at = dice.randrange(1, len(text) - 1)
            text = text[:at] + text[at + 1 :]
        found.append(text)
    return found


async def _load(url: str, requests: Sequence[bytes], seconds: float) -> Timed:
    connections = [await Connection.open(url) for _ in range(CLIENTS)]
    turns = cycle(requests)

    async def ask(connection: Connection) -> None:
        await connection.call(next(turns))

    try:
        return await timed(seconds, [partial(ask, connection) for connection in connections])
    finally:
        for connection in connections:
            await connection.close()


async def _record(recorder: Recorder, url: str, requests: Sequence[bytes], folder: Path) -> tuple[list[Path], int]:
    connection = await Connection.open(url)
    files, statements = [], 0
    try:
        for number, request in enumerate(requests):
            since = await asyncio.to_thread(recorder.on)
            await connection.call(request)
            ours = [one for one in recorder.off(since) if any("from place" in each.shape for each in one)]
            if len(ours) != 1:
                raise RuntimeError(f"{len(ours)} transactions of one request")
            statements = len(ours[0])
            file = folder / f"places-{number}.sql"
            file.write_text(script(ours, {}, (), ""))
            files.append(file)
    finally:
        await connection.close()
    return files, statements


def _bare(url: str, files: Sequence[Path], seconds: float) -> float:
    command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"]
    command += ["-T", str(max(1, round(seconds))), *(part for file in files for part in ("-f", str(file)))]
    done = subprocess.run([*command, url], capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench: {done.stderr[:2000]}")
    return float(found[1])


async def measure(database_url: str, log: Path, folder: Path, seconds: float) -> list[Figure]:
    places = await asyncio.to_thread(_town)
    kit, took_s = await _fill(database_url, places)
    dice = Random(7)
    requests = [keyed(json_request(_PATH, {"address": text}), kit.public_key) for text in _typed(places, dice)]
    recorder = Recorder(database_url, log)
    async with running_api(database_url, folder, 1) as api:
        files, statements = await _record(recorder, api.url, requests[:_RECORDED], folder)
        ours = await _load(api.url, requests, seconds)
        same = await _load(api.url, requests[:_RECORDED], seconds)
        floor = await asyncio.to_thread(_bare, database_url, files, seconds)
    return [
        Figure(f"{len(places):,} places imported", len(places) / took_s, "1/s"),
        Figure("get-suggestions, 200 texts by turns", ours.rate, "1/s"),
        Figure("  its median", ours.ms(0.5), "ms", digits=1),
        Figure("  its p99", ours.ms(0.99), "ms", digits=1),
        Figure(
            f"get-suggestions, {_RECORDED} texts by turns",
            same.rate,
            "1/s",
            f"its SQL bare in pgbench ({statements} statements)",
            floor,
        ),
    ]


def main(seconds: float = 6.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        data = Path(folder) / "data"
        with EmbeddedPostgres(data) as server:
            migrate(server.url)
            with psycopg.connect(server.url, autocommit=True) as connection:
                Recorder.prepare(connection, DATABASE)
            return asyncio.run(measure(server.url, data / "logs" / "postgres.log", data, seconds))

"""Rides started and ended through HTTP beside the same SQL run bare by pgbench.

The stand-ins are units on the real gateway that acknowledge at once. The SQL is recorded from one ride of the same
run (every transaction of every process that a start and an end cause), then run by pgbench on the same store with the
same number of clients, each with a rider and a vehicle of its own. What also goes on without rides is not in the floor
(reports in batches, the live map's reading, leases), nor is the worker's later look at a finished ride.
"""

import asyncio
import re
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql
from tests.journeys.kit.system import DEMO_CITY, System, running_system

from bench.capture import Recorder, Statement, Transaction, script, without
from bench.figure import Figure
from bench.load import Connection, form_request, json_request, rate
from bench.processes import cpu_ms
from isotope.infra.embedded import DATABASE, EmbeddedPostgres, binaries
from isotope.infra.migrate import migrate
from isotope.kernel.geo import Point
from isotope.simulator.api import Api, ApiRefused
from isotope.simulator.app import App, nearest_legal
from isotope.simulator.fleet import SimulatedFleet, load_units
from isotope.simulator.manners import PROMPT

CLIENTS: Final = 8
_MONEY: Final = "100000.00"
_ALONE: Final = 50
_WORTH_TELLING_MS: Final = 0.1
_IDLE_S: Final = 4.0
_WORKER_S: Final = 90.0
_CONNECT_S: Final = 15.0
# Every kind of id begins at its own place, so that a recorded number says what it is.
_BASES: Final = {
    "rider": 310_000_001,
    "ride": 320_000_001,
    "device_command": 330_000_001,
    "ledger_transaction": 340_000_001,
    "ledger_account": 350_000_001,
    "vehicle": 360_000_001,
    "device": 370_000_001,
}
_SPREAD_ID: Final = re.compile(r"(?<!\d)3[1-7]0\d{6}(?!\d)")


@dataclass(frozen=True, slots=True)
class Pair:
    """A rider with a vehicle, at a place where rides may end."""

    app: App
    vehicle_id: int
    nr: str
    at: Point


@dataclass(frozen=True, slots=True)
class Measured:
    """What was seen of the running system.

    Attributes:
        rate: rides a second, all riders together.
        alone_ms: one ride's start and end while nobody else rides.
        cpu_ms: processor time of one ride, by process.
        recorded: the SQL of one ride.
    """

    rate: float
    alone_ms: float
    cpu_ms: dict[str, float]
    recorded: list[Transaction]
    pairs: list[Pair]


async def measure(system: System, seconds: float) -> Measured:
    rng = Random(1)
    units = [unit for unit in load_units(DEMO_CITY) if unit.model == "kite-s"][: CLIENTS + 4]
    for unit in units:
        unit.manners, unit.battery_pct = PROMPT, 100.0
    api = Api(system.api, public_key="demo-public", secret_key="demo-secret", rng=rng)  # noqa: S106 - the demo's
    fleet = SimulatedFleet(units, system.gateway_host, system.gateway_port, rng=rng)
    try:
        async with fleet:
            await fleet.wait_connected(1.0, _CONNECT_S)
            pairs = [await _pair(api, fleet, unit.nr, rng) for unit in units[:CLIENTS]]
            connections = [await Connection.open(system.api) for _ in pairs]
            works = [partial(_cycle, connection, pair) for connection, pair in zip(connections, pairs, strict=True)]
            measured = await rate(seconds, works)
            before, began = cpu_ms(system.pid), time.perf_counter()
            for _ in range(_ALONE):
                await works[0]()
            alone_ms = (time.perf_counter() - began) * 1000 / _ALONE
            used = {name: (ms - before.get(name, 0.0)) / _ALONE for name, ms in cpu_ms(system.pid).items()}
            recorded = await _record(system, works[0])
            _keep_sessions(system.database_url)
            for connection in connections:
                await connection.close()
            return Measured(measured, alone_ms, used, recorded, pairs)
    finally:
        await api.aclose()


async def _pair(api: Api, fleet: SimulatedFleet, nr: str, rng: Random) -> Pair:
    """A rider with much money beside a vehicle that stands where a ride may end."""
    app = App(api, rng)
    await app.sign_up()
    await app.add_money(_MONEY)
    at = fleet.unit(nr).position
    for _ in range(5):
        await fleet.place(nr, at)
        seen = await _seen(app, nr, at)
        riding = await app.start(seen, at)
        try:
            await app.end(riding, at)
        except ApiRefused as no:
            legal = nearest_legal(no)
            if legal is None:
                raise
            await fleet.place(nr, legal)
            await app.end(riding, legal)
            at = legal
        else:
            return Pair(app, seen.id, nr, at)
    raise RuntimeError(f"no legal place for vehicle {nr}")


async def _seen(app: App, nr: str, at: Point) -> Any:
    async with asyncio.timeout(_CONNECT_S):
        while True:
            for seen in await app.vehicles(at, 1):
                if seen.nr == nr:
                    return seen
            await asyncio.sleep(0.05)


async def _cycle(connection: Connection, pair: Pair) -> None:
    token = pair.app.token
    body = {"vehicle_id": pair.vehicle_id, "user_latitude": pair.at.lat, "user_longitude": pair.at.lon}
    await connection.call(json_request("/openapi/v1.0/sharing/start-ride", body, token))
    form = {**body, "user_location_timestamp": int(time.time())}
    await connection.call(form_request("/openapi/v1.0/sharing/end-ride", form, token))


async def _record(system: System, cycle: Any) -> list[Transaction]:
    """The SQL of one cycle, without what goes on anyhow."""
    recorder = Recorder(system.database_url, system.data / "logs" / "postgres.log")
    await _worker_is_done(system.database_url)
    since = recorder.on()
    await asyncio.sleep(_IDLE_S)
    background = recorder.off(since)
    since = recorder.on()
    await cycle()
    # The units' reports of lock and unlock are written a moment later.
    await asyncio.sleep(0.6)
    recorded = without(recorder.off(since), background)
    # Receipts are numbered many at once, by the clock and not by the ride; a number is given only once.
    return [one for one in recorded if not any("receipt_counter" in statement.shape for statement in one)]


async def _worker_is_done(url: str) -> None:
    """Wait until the worker has nothing to do for a while.

    Later looks at a ride (its rider's money, its vehicle's late reports) are minutes away.
    """
    waiting = """
        select count(*) from procrastinate_jobs
         where status in ('todo', 'doing') and task_name <> 'watch_funds'
           and (scheduled_at is null or scheduled_at < now() + interval '1 minute')
    """
    async with asyncio.timeout(_WORKER_S), await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        while True:
            [(left,)] = await (await connection.execute(waiting)).fetchall()
            if not left:
                return
            await asyncio.sleep(0.5)


def run_bare(
    data: Path, recorded: list[Transaction], pairs: list[Pair], seconds: float
) -> tuple[float, list[Transaction]]:
    """The SQL of one ride on the bare store: rides a second, and that SQL."""
    with EmbeddedPostgres(data) as server:
        url = server.url
        names = _prepare(url, pairs)
        file = data / "cycle.sql"
        ours = of_one_ride(recorded, names)
        file.write_text(script(ours, names, _RETURNED, _HEADER))
        command = [str(binaries() / "pgbench"), "-n", "-M", "prepared", "-c", str(CLIENTS), "-j", "1"]
        command += ["-T", str(round(seconds)), "-f", str(file), url]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    if done.returncode != 0 or found is None:
        raise RuntimeError(f"pgbench: {done.stderr[:2000]}")
    return float(found[1]), ours


def of_one_ride(recorded: list[Transaction], names: Mapping[str, str]) -> list[Transaction]:
    """Without what the worker did meanwhile: jobs of earlier rides."""
    return [transaction for transaction in recorded if not any(_is_of_others(s, names) for s in transaction)]


def _is_of_others(statement: Statement, names: Mapping[str, str]) -> bool:
    if "procrastinate_" in statement.shape and "defer" not in statement.shape:
        return True
    # Operators and their keys are read every few seconds, however many rides there are.
    if " from operator where " in statement.shape or " from operator_key " in statement.shape:
        return True
    texts = " ".join(statement.parameters.values())
    return any(number not in names for number in _SPREAD_ID.findall(texts))


# Which insert gives which variable: `\gset` puts the prefix before the column's name.
_RETURNED: Final = (("ride", "ride_"), ("device_command", "first_"), ("device_command", "second_"))
_HEADER: Final = """
select rider as rider_id, vehicle as vehicle_id, device as device_id, balance as balance_id, bonus as bonus_id,
       debt as debt_id from bench_pair where client = :client_id \\gset
"""


def _prepare(url: str, pairs: list[Pair]) -> dict[str, str]:
    """What each client uses; which recorded number is which variable."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("insert into device_gateway select * from bench_gateway on conflict do nothing")
        connection.execute("update device_gateway set lease_until = lease_until + interval '1 day'")
        connection.execute("update device d set session_id = k.session_id from bench_device k where k.id = d.id")
        connection.execute(
            """create table bench_pair (client int, rider bigint, vehicle bigint, device bigint,
                                        balance bigint, bonus bigint, debt bigint)"""
        )
        for client, pair in enumerate(pairs):
            connection.execute(
                """
                insert into bench_pair
                select %(client)s, %(rider)s, v.id, v.device_id,
                       max(a.id) filter (where a.kind = 'RIDER_BALANCE'), max(a.id) filter (where a.kind = 'RIDER_BONUS'),
                       max(a.id) filter (where a.kind = 'RIDER_DEBT')
                  from vehicle v join ledger_account a on a.rider_id = %(rider)s
                 where v.id = %(vehicle)s group by v.id, v.device_id
                """,
                {"client": client, "rider": pair.app.user_id, "vehicle": pair.vehicle_id},
            )
        [pair_row] = connection.execute("select * from bench_pair where client = 0").fetchall()
        [newest] = connection.execute(
            """
            select (select max(id) from ride), (select max(id) from device_command),
                   (select max(id) from device_command) - 1
            """
        ).fetchall()
    variables = ("rider_id", "vehicle_id", "device_id", "balance_id", "bonus_id", "debt_id")
    names = {str(number): name for number, name in zip(pair_row[1:], variables, strict=True) if number is not None}
    generated = ("ride_id", "second_id", "first_id")
    return names | {str(number): name for number, name in zip(newest, generated, strict=True)}


def spread_ids(data: Path) -> None:
    """Make the store, before the system does, with every kind of id beginning at its own place."""
    with EmbeddedPostgres(data) as server:
        migrate(server.url)
        with psycopg.connect(server.url, autocommit=True) as connection:
            Recorder.prepare(connection, DATABASE)
            for table, base in _BASES.items():
                statement: LiteralString = "alter table {} alter column id restart with {}"
                connection.execute(sql.SQL(statement).format(sql.Identifier(table), sql.Literal(base)))


def _keep_sessions(url: str) -> None:
    """Which gateway holds each unit now: the recorded SQL orders something only of a unit that is there."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table bench_gateway as select * from device_gateway")
        connection.execute(
            "create table bench_device as select id, session_id from device where session_id is not null"
        )


def main(seconds: float = 10.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder:
        data = Path(folder) / "data"
        spread_ids(data)
        with running_system(data) as system:
            seen = asyncio.run(measure(system, seconds))
        floor, transactions = run_bare(data, seen.recorded, seen.pairs, seconds)
    statements = sum(len(transaction) for transaction in transactions)
    same = f"its SQL bare in pgbench ({statements} statements in {len(transactions)} transactions)"
    return [
        Figure(f"rides started and ended, {CLIENTS} riders at once", seen.rate, "1/s", same, floor, digits=1),
        Figure("one ride alone, start and end", seen.alone_ms, "ms", digits=1),
        *(
            Figure(f"processor time of it in {name}", ms, "ms", digits=1)
            for name, ms in sorted(seen.cpu_ms.items(), key=lambda item: -item[1])
            if ms >= _WORTH_TELLING_MS
        ),
    ]

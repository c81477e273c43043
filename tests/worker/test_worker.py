"""The worker on a real queue: jobs, repetitions, failures, deaths."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from isotope.adapters.blobs import FolderBlobs
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.adapters.maps.no_places import NoPlaces
from isotope.domain.evidence import Blobs
from isotope.domain.identity.ports import DeletionHold, SmsSender
from isotope.domain.maps import Maps
from isotope.domain.payments import NO_CARDS, Cards
from isotope.domain.sharing.usecases import settle_ride
from isotope.domain.tenants import Operators
from isotope.domain.zones import Zones
from isotope.infra.clock import SystemClock
from isotope.infra.config import Config
from isotope.infra.db import Database
from isotope.infra.embedded import EmbeddedPostgres
from isotope.infra.hub import Hub
from isotope.infra.jobs import QUEUE, Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.worker import main
from isotope.worker.tasks import JOBS, PERIODIC, Job, Periodic
from tests.kit.sms import RecordingSms
from tests.kit.waiting import until

LIMIT_S = 20.0


@dataclass
class FewServices:
    rt: Runtime
    operators: Operators
    zones: Zones
    sms: SmsSender = field(default_factory=RecordingSms)
    cards: Cards = NO_CARDS
    blobs: Blobs = field(default_factory=lambda: FolderBlobs(Path("nowhere")))
    holds: Sequence[DeletionHold] = ()
    maps: Maps = field(default_factory=lambda: Maps(roads=GreatCircleRoads(), finder=NoPlaces()))


@pytest_asyncio.fixture
async def services(fresh_database_url: str) -> AsyncIterator[FewServices]:
    """On a database of its own: a worker takes whatever is queued. The clock is real, as the queue's is."""
    async with _services(fresh_database_url) as made:
        yield made


@asynccontextmanager
async def _services(url: str) -> AsyncIterator[FewServices]:
    db = Database(url, wait_s=1.0)
    await db.open()
    rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
    yield FewServices(rt=rt, operators=Operators(rt), zones=Zones(rt))
    await db.close()


@asynccontextmanager
async def working(
    services: FewServices, jobs: Mapping[str, Job] | None = None, periodic: Mapping[str, Periodic] | None = None
) -> AsyncIterator[None]:
    """A worker for the block; stopped as SIGTERM stops it."""
    config = Config(database_url=services.rt.db.url)
    task = asyncio.create_task(main.run(config, services, jobs=jobs or {}, periodic=periodic or {}))
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


async def defer(services: FewServices, name: str, **args: Any) -> None:
    async with services.rt.db.write() as tx:
        await services.rt.jobs.defer(tx, name, **args)


async def queued(services: FewServices) -> list[tuple[Any, ...]]:
    async with services.rt.db.read() as tx:
        return await tx.tuples("select task_name, status::text, attempts from procrastinate_jobs order by id")


def counting(calls: list[Any], then: Callable[[], Awaitable[None]] | None = None) -> Job:
    async def job(_services: Any, **args: Any) -> None:
        calls.append(args)
        if then is not None:
            await then()

    return job


async def test_jobs_run_with_their_arguments_and_are_forgotten(services: FewServices) -> None:
    calls: list[Any] = []
    await defer(services, "before_the_worker", number=1)
    jobs = {"before_the_worker": counting(calls), "while_it_runs": counting(calls)}
    async with working(services, jobs):
        await until(lambda: len(calls) == 1, "the first job ran")
        await defer(services, "while_it_runs", number=2, operator_id=7)
        await until(lambda: len(calls) == 2, "the second job ran")
    assert calls == [{"number": 1}, {"number": 2, "operator_id": 7}]
    assert await queued(services) == []


async def _boom() -> None:
    raise RuntimeError("boom")


async def test_a_failing_job_is_tried_again_later(services: FewServices) -> None:
    calls: list[Any] = []
    await defer(services, "boom")
    async with working(services, {"boom": counting(calls, _boom)}):
        await until(lambda: len(calls) >= 2, "the second try", LIMIT_S)
    [(name, status, attempts)] = await queued(services)
    assert (name, status) == ("boom", "todo")
    assert attempts >= 2


async def test_a_job_that_always_fails_is_given_up_and_kept(services: FewServices) -> None:
    calls: list[Any] = []
    await defer(services, "boom")
    async with services.rt.db.write() as tx:
        await tx.execute("update procrastinate_jobs set attempts = %s", (main.RETRY.max_attempts,))
    async with working(services, {"boom": counting(calls, _boom)}):
        await until(lambda: calls, "the last try")
    assert [job[:2] for job in await queued(services)] == [("boom", "failed")]


async def test_a_stop_lets_running_jobs_end(services: FewServices) -> None:
    started, may_end, ended = asyncio.Event(), asyncio.Event(), []

    async def slow(_services: Any) -> None:
        started.set()
        await may_end.wait()
        ended.append(True)

    await defer(services, "slow")
    async with working(services, {"slow": slow}):
        await asyncio.wait_for(started.wait(), LIMIT_S)
        asyncio.get_running_loop().call_later(0.2, may_end.set)
    assert ended == [True]
    assert await queued(services) == []


async def test_periodic_tasks_run_once_for_all_workers(services: FewServices) -> None:
    runs: list[float] = []

    async def tick(_services: Any) -> None:
        runs.append(asyncio.get_running_loop().time())

    periodic = {"tick": Periodic("* * * * * */1", tick)}
    async with working(services, periodic=periodic), working(services, periodic=periodic):
        await until(lambda: len(runs) >= 4, "four seconds' ticks", LIMIT_S)
    # Two workers, and still about one run a second.
    assert runs[3] - runs[0] > 1.5


async def test_the_job_of_a_dead_worker_is_done_by_another(services: FewServices) -> None:
    calls: list[Any] = []
    await defer(services, "left", number=3)
    async with services.rt.db.write() as tx:
        # As a kill -9 leaves it: begun by a worker that has not been heard of for a minute.
        await tx.execute(
            "with dead as (insert into procrastinate_workers (last_heartbeat)"
            " values (clock_timestamp() - interval '1 minute') returning id)"
            " update procrastinate_jobs set status = 'doing', worker_id = (select id from dead)"
        )
    async with working(services, {"left": counting(calls)}):
        await until(lambda: calls, "the job was rescued")
    assert calls == [{"number": 3}]
    assert await queued(services) == []


async def test_it_works_on_when_its_connections_are_cut(services: FewServices) -> None:
    # The first job may run twice, if the cut came before its end was written down.
    calls: list[Any] = []
    async with working(services, {"job": counting(calls)}):
        await defer(services, "job", nr=1)
        await until(lambda: {"nr": 1} in calls, "the job before")
        with psycopg.connect(services.rt.db.url, autocommit=True) as cutter:
            cutter.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity"
                " where datname = current_database() and pid <> pg_backend_pid()"
            )
        await _defer_soon(services, "job", nr=2)
        await until(lambda: {"nr": 2} in calls, "the job after", LIMIT_S)


async def test_it_works_on_after_the_database_was_gone(tmp_path_factory: pytest.TempPathFactory) -> None:
    calls: list[Any] = []
    with EmbeddedPostgres(tmp_path_factory.mktemp("gone")) as server:
        migrate(server.url)
        async with _services(server.url) as services, working(services, {"job": counting(calls)}):
            await defer(services, "job", nr=1)
            await until(lambda: {"nr": 1} in calls, "the job before")
            _kill(server)
            with pytest.raises(Refusal):
                await _read_until_refused(services)
            server.restart()
            await _defer_soon(services, "job", nr=2)
            await until(lambda: {"nr": 2} in calls, "the job after", 2 * LIMIT_S)


def _kill(server: EmbeddedPostgres) -> None:
    assert server.pid is not None
    os.kill(server.pid, signal.SIGKILL)


async def _read_until_refused(services: FewServices) -> None:
    # The backends of a killed server live on for a moment.
    for _attempt in range(1_000):
        await queued(services)


async def _defer_soon(services: FewServices, name: str, **args: Any) -> None:
    """As a caller does that is told to come again."""
    for _attempt in range(100):
        try:
            await defer(services, name, **args)
        except Refusal:
            await asyncio.sleep(0.1)
        else:
            return
    raise AssertionError("the store did not come back")


def test_the_page_has_every_job_that_is_deferred() -> None:
    assert settle_ride.JOB in JOBS
    assert QUEUE == "isotope"


@pytest.mark.parametrize("name", sorted(PERIODIC))
async def test_every_periodic_task_runs_on_an_empty_store(services: FewServices, name: str) -> None:
    await PERIODIC[name].run(services)
    await PERIODIC[name].run(services)

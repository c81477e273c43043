"""Runs the tasks of `isotope.worker.tasks` until cancelled, through any absence of the database."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Any, Final

import procrastinate
import psycopg
import structlog
from procrastinate import PsycopgConnector, RetryStrategy
from psycopg import AsyncConnection
from psycopg_pool import PoolTimeout

from isotope.infra.config import Config
from isotope.infra.db import SESSION_SETTINGS
from isotope.infra.jobs import QUEUE
from isotope.infra.log import bind
from isotope.infra.metrics import JOB_SECONDS, JOBS
from isotope.infra.tasks import end_task
from isotope.kernel.errors import Refusal
from isotope.worker.tasks import JOBS as ALL_JOBS
from isotope.worker.tasks import PERIODIC as ALL_PERIODIC
from isotope.worker.tasks import Job, Periodic, Services
from isotope.worker.upkeep import HEARTBEAT_S, STALLED_S, look_after

_log = structlog.get_logger(__name__)

CONCURRENCY: Final = 8
# Jobs due at a time are found by asking; new ones are told at once.
POLL_S: Final = 1.0
GRACE_S: Final = 15.0
# After the first run: 2, 4, 8, ... 128 s, four minutes in all; then the job is given up and kept as failed.
RETRY: Final = RetryStrategy(max_attempts=7, exponential_wait=2)

_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0)
_STEADY_S: Final = 10.0


def build(
    config: Config, services: Services, jobs: Mapping[str, Job], periodic: Mapping[str, Periodic]
) -> procrastinate.App:
    """The queue's application: every job and periodic task under its name."""
    options = " ".join(f"-c {key}={value}" for key, value in SESSION_SETTINGS.items())
    app = procrastinate.App(
        connector=PsycopgConnector(
            conninfo=config.database_url,
            min_size=1,
            max_size=4,
            # Short: when the database goes, every step of the way out waits for this.
            timeout=2.0,
            reconnect_timeout=2.0,
            kwargs={"options": options, "connect_timeout": 5},
        )
    )
    for name, job in jobs.items():
        app.task(name=name, queue=QUEUE, retry=RETRY)(_job(name, job, services))
    for name, task in periodic.items():
        # One in the queue and one running at most: what does not keep up is skipped, not piled up.
        registered = app.task(name=name, queue=QUEUE, queueing_lock=name, lock=name)(_periodic(name, task, services))
        app.periodic(cron=task.cron, periodic_id=name)(registered)
    return app


async def run(
    config: Config,
    services: Services,
    *,
    jobs: Mapping[str, Job] = ALL_JOBS,
    periodic: Mapping[str, Periodic] = ALL_PERIODIC,
) -> None:
    """Work until cancelled; then running jobs get `GRACE_S` to end, what is left is queued again."""
    failures = 0
    while True:
        began = time.monotonic()
        try:
            # The pool comes back from a long absence slowly, waiting ever longer: it is opened on a store that answers.
            async with await AsyncConnection.connect(config.database_url, connect_timeout=5):
                pass
            await _work(build(config, services, jobs, periodic), services)
        except (procrastinate.exceptions.ProcrastinateException, psycopg.Error, PoolTimeout, OSError) as error:
            _log.warning("worker.lost", error=type(error).__name__)
        except Refusal as error:
            _log.warning("worker.lost", error=error.code)
        failures = 0 if time.monotonic() - began > _STEADY_S else failures + 1
        await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])


async def _work(app: procrastinate.App, services: Services) -> None:
    """Until cancelled or the database is lost."""
    async with app.open_async():
        # The queue's own tasks have dots and colons in their names.
        _log.info("worker.started", tasks=sorted(name for name in app.tasks if name.isidentifier()))
        worker = asyncio.create_task(
            app.run_worker_async(
                queues=[QUEUE],
                concurrency=CONCURRENCY,
                fetch_job_polling_interval=POLL_S,
                update_heartbeat_interval=HEARTBEAT_S,
                stalled_worker_timeout=STALLED_S,
                shutdown_graceful_timeout=GRACE_S,
                delete_jobs="successful",
                install_signal_handlers=False,
            ),
            name="worker",
        )
        upkeep = asyncio.create_task(look_after(app, services.rt), name="upkeep")
        try:
            await asyncio.wait({worker, upkeep}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await end_task(upkeep)
            worker.cancel()
            ended = await asyncio.gather(worker, upkeep, return_exceptions=True)
        for end in ended:
            if isinstance(end, Exception):
                raise end


def _job(name: str, job: Job, services: Services) -> Callable[..., Awaitable[None]]:
    async def run_job(**args: Any) -> None:
        with bind(job=name, operator_id=args.get("operator_id")), _measured(name):
            await job(services, **args)

    return run_job


def _periodic(name: str, task: Periodic, services: Services) -> Callable[[int], Awaitable[None]]:
    async def run_task(timestamp: int) -> None:  # noqa: ARG001 - when it was due; the queue passes it
        with bind(job=name), _measured(name):
            await task.run(services)

    return run_task


@contextlib.contextmanager
def _measured(name: str) -> Iterator[None]:
    began = time.monotonic()
    result = "failed"
    try:
        yield
        result = "done"
    except Exception:
        _log.exception("job.failed")
        raise
    finally:
        JOBS.labels(name, result).inc()
        JOB_SECONDS.labels(name).observe(time.monotonic() - began)

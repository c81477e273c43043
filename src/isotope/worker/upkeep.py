"""The worker's care for the queue itself.

Not jobs of the queue: what frees a stalled queue must not stall with it.
"""

import asyncio
from typing import Final

import procrastinate
import structlog

from isotope.infra.jobs import QUEUE
from isotope.infra.metrics import JOBS_FAILED, JOBS_WAITING, observe_store
from isotope.infra.runtime import Runtime

# A worker says every `HEARTBEAT_S` that it lives; silent for `STALLED_S`, its jobs are given to others.
HEARTBEAT_S: Final = 5.0
STALLED_S: Final = 20.0

_EVERY_S: Final = 5.0
_PRUNE_EVERY: Final = 720  # rounds: an hour
_KEEP_FAILED_H: Final = 7 * 24

_log = structlog.get_logger(__name__)


async def look_after(app: procrastinate.App, rt: Runtime) -> None:
    """Until cancelled: rescue stalled jobs, forget old ones, measure. Fails when the database is away."""
    rounds = 0
    while True:
        await rescue_stalled_jobs(app)
        await measure_queue(rt)
        if rounds % _PRUNE_EVERY == 0:
            await prune_jobs(app)
        rounds += 1
        await asyncio.sleep(_EVERY_S)


async def rescue_stalled_jobs(app: procrastinate.App) -> int:
    """Queue again what a dead worker had begun; how many jobs. Jobs are safe to run twice."""
    stalled = list(await app.job_manager.get_stalled_jobs(queue=QUEUE, seconds_since_heartbeat=STALLED_S))
    for job in stalled:
        await app.job_manager.retry_job(job)
    if stalled:
        _log.warning("jobs.rescued", count=len(stalled))
    return len(stalled)


async def prune_jobs(app: procrastinate.App) -> None:
    """Forget jobs that were given up or cancelled a week ago; those that succeed are deleted at once."""
    await app.job_manager.delete_old_jobs(
        nb_hours=_KEEP_FAILED_H, queue=QUEUE, include_failed=True, include_cancelled=True, include_aborted=True
    )


async def measure_queue(rt: Runtime) -> None:
    """Figures for `/metrics`."""
    async with rt.db.read() as tx:
        [(waiting, failed)] = await tx.tuples(
            """
            select count(*) filter (where status = 'todo' and (scheduled_at is null or scheduled_at <= %(now)s)),
                   count(*) filter (where status = 'failed')
              from procrastinate_jobs
             where queue_name = %(queue)s and status in ('todo', 'failed')
            """,
            {"now": rt.clock.now(), "queue": QUEUE},
        )
    JOBS_WAITING.set(waiting)
    JOBS_FAILED.set(failed)
    observe_store(rt.db.stats())

"""Jobs of the queue, run by the test instead of a worker: at the time of the test's clock, once or twice."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from isotope.adapters.blobs import FolderBlobs
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.adapters.maps.no_places import NoPlaces
from isotope.domain.evidence import Blobs
from isotope.domain.identity.ports import DeletionHold, SmsSender
from isotope.domain.maps import Maps
from isotope.domain.payments import NO_CARDS, Cards
from isotope.domain.sharing.queries import list_waiting
from isotope.domain.sharing.usecases.settle_waiting_rides import GRACE
from isotope.domain.tenants import Operators
from isotope.domain.zones import Zones
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId
from isotope.worker.tasks import JOBS, Services
from tests.kit.sms import RecordingSms

WHENEVER = datetime(9999, 1, 1, tzinfo=UTC)


@dataclass
class JobServices:
    """What jobs need, without an API."""

    rt: Runtime
    operators: Operators
    zones: Zones
    cards: Cards = NO_CARDS
    maps: Maps = field(default_factory=lambda: Maps(roads=GreatCircleRoads(), finder=NoPlaces()))
    blobs: Blobs = field(default_factory=lambda: FolderBlobs(Path("nowhere")))
    sms: SmsSender = field(default_factory=RecordingSms)
    holds: Sequence[DeletionHold] = ()


@dataclass(frozen=True, slots=True)
class QueuedJob:
    """A job that waits."""

    id: int
    name: str
    args: dict[str, Any]
    at: datetime | None


async def queued_jobs(rt: Runtime, operator_id: OperatorId, *names: str) -> list[QueuedJob]:
    """An operator's jobs that wait, by when they are due; of some names, if any are given.

    A ride that waits for its vehicle counts as the job `settle_ride`, which the worker's look at such rides does.
    """
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            """
            select id, task_name, args, scheduled_at from procrastinate_jobs
             where status = 'todo' and (args ->> 'operator_id')::bigint = %(operator_id)s
             order by scheduled_at nulls first, id
            """,
            {"operator_id": operator_id},
        )
        waiting = await list_waiting(tx, WHENEVER, (OperatorId(0), RideId(0)), 1_000)
        due = dict(
            await tx.tuples(
                "select id, expires_at from device_command where operator_id = %(operator_id)s",
                {"operator_id": operator_id},
            )
        )
    settling = [
        QueuedJob(0, "settle_ride", ride._asdict(), due[ride.command_id] + GRACE)
        for ride in waiting
        if ride.operator_id == operator_id
    ]
    return [job for job in (*(QueuedJob(*row) for row in rows), *settling) if not names or job.name in names]


async def run_due_jobs(services: Services, operator_id: OperatorId, *names: str, times: int = 1) -> list[str]:
    """Run what is due now, and what that makes due, each `times` times; the names in order."""
    ran: list[str] = []
    for _round in range(100):
        now = services.rt.clock.now()
        jobs = await queued_jobs(services.rt, operator_id, *names)
        due = next((job for job in jobs if job.at is None or job.at <= now), None)
        if due is None:
            return ran
        async with services.rt.db.write() as tx:
            await tx.execute("delete from procrastinate_jobs where id = %(id)s", {"id": due.id})
        for _time in range(times):
            await JOBS[due.name](services, **due.args)
        ran.append(due.name)
    raise AssertionError(f"jobs never end: {ran}")

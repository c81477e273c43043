"""The history of reports: partitions ahead, and nothing older than its operator keeps."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest_asyncio

from isotope.domain.fleet.usecases.keep_report_history import keep_report_history
from isotope.domain.tenants.model import Settings
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.partitions import list_days
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId
from tests.kit.clock import START, SettableClock
from tests.kit.tenants import make_operator


@pytest_asyncio.fixture
async def alone(fresh_database_url: str, clock: SettableClock) -> AsyncIterator[Runtime]:
    """A runtime on a database of its own: dropping a day concerns everybody."""
    db = Database(fresh_database_url)
    await db.open()
    yield Runtime(db=db, clock=clock, hub=Hub(fresh_database_url), jobs=Jobs())
    await db.close()


async def _report(rt: Runtime, operator_id: OperatorId, received_at: datetime) -> None:
    async with rt.db.write() as tx:
        await tx.execute(
            "insert into vehicle_report (operator_id, vehicle_id, received_at, device_at, event, buffered, flags)"
            " values (%s, 1, %s, %s, 'periodic', false, '{}')",
            (operator_id, received_at, received_at),
        )


async def _days(rt: Runtime) -> list[str]:
    async with rt.db.read() as tx:
        return [f"{day}" for day in await list_days(tx, "vehicle_report")]


async def _kept(rt: Runtime) -> list[tuple[object, ...]]:
    async with rt.db.read() as tx:
        return await tx.tuples("select operator_id, received_at from vehicle_report order by 1, 2")


async def test_days_are_made_ahead_though_today_has_reports_already(alone: Runtime) -> None:
    await _report(alone, OperatorId(1), START)
    await keep_report_history(alone)
    await keep_report_history(alone)
    assert await _days(alone) == ["2026-06-02", "2026-06-03", "2026-06-04"]


async def test_days_that_nobody_keeps_are_dropped(alone: Runtime, clock: SettableClock) -> None:
    await keep_report_history(alone)
    await _report(alone, OperatorId(1), datetime(2026, 6, 2, 0, 0, tzinfo=UTC))
    clock.set(datetime(2026, 8, 2, 12, 0, tzinfo=UTC))
    await keep_report_history(alone)
    # 60 days back is 3 June.
    assert await _days(alone) == ["2026-06-03", "2026-06-04", "2026-08-03", "2026-08-04", "2026-08-05"]
    assert await _kept(alone) == []


async def test_an_operator_may_keep_reports_longer_or_shorter(alone: Runtime, clock: SettableClock) -> None:
    long = (await make_operator(alone, settings=Settings(report_days=90))).operator.id
    short = (await make_operator(alone, settings=Settings(report_days=7))).operator.id
    await keep_report_history(alone)
    old, recent = datetime(2026, 6, 2, 1, tzinfo=UTC), START + timedelta(days=65)
    for operator_id in (long, short):
        for at in (START, old, recent):
            await _report(alone, operator_id, at)
    clock.set(START + timedelta(days=70))
    await keep_report_history(alone)
    assert await _kept(alone) == [(long, START), (long, old), (long, recent), (short, recent)]

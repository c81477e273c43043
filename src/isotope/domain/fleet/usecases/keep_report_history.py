"""Periodic: the history of reports has partitions for the days to come, and no longer has what is too old.

Each operator says how long its reports are kept (`settings.report_days`). A day that nobody keeps is dropped as a
partition; what single operators keep for a shorter time is deleted in batches.
"""

from datetime import timedelta
from typing import Final

from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator, Settings
from isotope.infra.partitions import drop_days_before, make_days_ahead
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

TABLE: Final = "vehicle_report"
DAYS_AHEAD: Final = 3

_PAGE: Final = 1_000
_BATCH: Final = 20_000
_MAX_BATCHES: Final = 20


async def keep_report_history(rt: Runtime) -> None:
    """Safe to run twice; bounded: what is left over is done at the next run."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        await make_days_ahead(tx, TABLE, now, DAYS_AHEAD)
    longest_days = Settings().report_days
    for operator in await _all_operators(rt):
        longest_days = max(longest_days, operator.settings.report_days)
        await _delete_old(rt, operator)
    async with rt.db.write() as tx:
        await drop_days_before(tx, TABLE, now - timedelta(days=longest_days))


async def _all_operators(rt: Runtime) -> list[Operator]:
    found: list[Operator] = []
    while True:
        async with rt.db.read() as tx:
            page = await list_operators(tx, after=found[-1].id if found else OperatorId(0), limit=_PAGE)
        found += page
        if len(page) < _PAGE:
            return found


async def _delete_old(rt: Runtime, operator: Operator) -> None:
    before = rt.clock.now() - timedelta(days=operator.settings.report_days)
    for _batch in range(_MAX_BATCHES):
        async with rt.db.write() as tx:
            deleted = await tx.execute(
                """
                delete from vehicle_report
                 where (tableoid, ctid) in (
                    select tableoid, ctid from vehicle_report
                     where operator_id = %(operator_id)s and received_at < %(before)s
                     limit %(limit)s)
                   and operator_id = %(operator_id)s and received_at < %(before)s
                """,
                {"operator_id": operator.id, "before": before, "limit": _BATCH},
            )
        if deleted < _BATCH:
            return

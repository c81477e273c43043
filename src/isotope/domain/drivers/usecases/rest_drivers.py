"""Periodic: who may not work any more, or was not heard of for long, is offline; old documents are forgotten."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import structlog

from isotope.domain.drivers import queries, rules, store
from isotope.domain.evidence import PictureOf, retire_pictures_of
from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, OperatorId

_log = structlog.get_logger(__name__)
_PAGE: Final = 1_000
_BATCH: Final = 200
_MOST_BATCHES: Final = 25
# No document has more.
_MOST_PAGES: Final = 8


async def rest_drivers(rt: Runtime) -> int:
    """Drivers who are online without a trip, and may not be, go offline; how many. Safe to run at once with everything.

    A trip is driven to its end first.
    """
    now, done = rt.clock.now(), 0
    async for operator in _operators(rt):
        after = DriverId(0)
        while True:
            async with rt.db.glance() as tx:
                online = await queries.list_online_drivers(tx, operator.id, after, _BATCH)
            for driver_id in online:
                done += await _rest(rt, operator, driver_id, now)
            if len(online) < _BATCH:
                break
            after = online[-1]
    if done:
        _log.info("drivers.rested", count=done)
    return done


async def _rest(rt: Runtime, operator: Operator, driver_id: DriverId, now: datetime) -> bool:
    today = now.astimezone(ZoneInfo(operator.time_zone)).date()
    async with rt.db.write() as tx:
        state = await store.lock_state(tx, operator.id, driver_id)
        if not state.is_online or rules.is_busy(state):
            return False
        facts = rules.WhetherStays(
            driver=await queries.get_driver(tx, operator.id, driver_id),
            state=state,
            vehicle_ids=[one.id for one in await queries.list_vehicles_of(tx, operator.id, driver_id)],
            needed=operator.settings.taxi.documents,
            held=await queries.list_held_kinds(tx, operator.id, driver_id, today),
            now=now,
        )
        if rules.may_stay_online(facts):
            return False
        await store.save_offline(tx, operator.id, driver_id)
    return True


async def forget_documents(rt: Runtime) -> int:
    """Pictures of documents that have counted no more for the days that pictures are kept (`privacy.photo_days`).

    Their links end at once, and the blobs go with the next sweep. How many documents; bounded: the rest at the next run.
    """
    now, done = rt.clock.now(), 0
    async for operator in _operators(rt):
        before = now - timedelta(days=operator.settings.privacy.photo_days)
        for _batch in range(_MOST_BATCHES):
            async with rt.db.write() as tx:
                settled = await queries.list_settled_documents(tx, operator.id, before, _BATCH)
                await retire_pictures_of(tx, PictureOf.DOCUMENT, operator.id, settled, _BATCH * _MOST_PAGES)
            done += len(settled)
            if len(settled) < _BATCH:
                break
    return done


async def _operators(rt: Runtime) -> AsyncIterator[Operator]:
    after = OperatorId(0)
    while True:
        async with rt.db.read() as tx:
            operators = await list_operators(tx, after=after, limit=_PAGE)
        for operator in operators:
            yield operator
        if len(operators) < _PAGE:
            return
        after = operators[-1].id

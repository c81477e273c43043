"""Settle rides whose request is gone: the process died, or nobody waited for the vehicle.

A periodic look instead of a job for each order: nearly every order is settled by its own request, and a job would cost
more than the order itself only to find that out.
"""

import asyncio
from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.payments import Cards
from isotope.domain.sharing import queries
from isotope.domain.sharing.usecases.settle_ride import SettleRide, settle_ride
from isotope.domain.tenants import Operators
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId

# A little after the order's end, so that the request's work is found done.
GRACE: Final = timedelta(seconds=2)
BATCH: Final = 100
AT_ONCE: Final = 8

_log = structlog.get_logger(__name__)


async def settle_waiting_rides(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """Make of each ride what its vehicle said, or did not say, in time; how many. Safe to run anywhere, twice.

    A ride that fails is left for the next look, and keeps none of the others waiting.
    """
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(found: queries.WaitingRide) -> None:
        async with slots:
            try:
                operator = await operators.get(found.operator_id)
                await settle_ride(rt, cards, SettleRide(operator, found.ride_id, found.command_id))
            except Exception:  # noqa: BLE001 - a bug about one ride must not keep the others waiting
                _log.exception("ride.settling_failed", operator=found.operator_id, ride=found.ride_id)

    before = rt.clock.now() - GRACE
    after = (OperatorId(0), RideId(0))
    settled = 0
    while True:
        async with rt.db.glance() as tx:
            due = await queries.list_waiting(tx, before, after, BATCH)
        await asyncio.gather(*map(one, due))
        settled += len(due)
        if len(due) < BATCH:
            return settled
        after = (due[-1].operator_id, due[-1].ride_id)

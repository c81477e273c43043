"""Periodic: erase the riders whose time to change their mind is over."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.identity import queries, store
from isotope.domain.identity.model import Phone, RiderStatus
from isotope.domain.identity.ports import DeletionHold
from isotope.domain.identity.usecases.tell_of_erasure import tell_of_erasure
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Kind, Refusal

_log = structlog.get_logger(__name__)

_BATCH: Final = 200
PUT_OFF: Final = timedelta(days=1)


async def erase_due_riders(rt: Runtime, holds: Sequence[DeletionHold]) -> int:
    """One bounded batch, each rider in a transaction of their own; how many were erased. Safe to run twice.

    Who owes money or still rides is put off by a day, so that they do not keep the others waiting.
    """
    now = rt.clock.now()
    async with rt.db.read() as tx:
        due = await queries.list_due_riders(tx, now, _BATCH)
    erased = 0
    for one in due:
        try:
            async with rt.db.write() as tx:
                seen = await queries.get_rider(tx, one.operator_id, one.id)
                await store.lock_phone(tx, one.operator_id, Phone(prefix=seen.phone_prefix, number=seen.phone))
                rider = await store.lock_rider(tx, one.operator_id, one.id)
                if (
                    rider.status is not RiderStatus.DELETION_REQUESTED
                    or rider.deletion_due_at is None
                    or rider.deletion_due_at > now
                ):
                    continue  # they came back
                held = [hold for hold in holds if await hold.reason(tx, rider.operator_id, rider.id)]
                if held:
                    await store.put_deletion_off(tx, rider, now + PUT_OFF)
                    continue
                await store.erase_rider(tx, rider, SYSTEM, now)
                await tell_of_erasure(rt, tx, rider)
            erased += 1
        except Refusal as refusal:
            if refusal.kind is not Kind.NOT_FOUND:  # erased by somebody else meanwhile
                raise
    if due:
        _log.info("riders.erased", due=len(due), erased=erased)
    return erased

"""Periodic: pictures that are too old, and what was stored and never used.

Each operator says how long pictures are kept (`privacy.photo_days`). In one transaction a picture's row goes and its key
becomes pending; whatever is pending and old is forgotten by the blob store first and struck out afterwards. So whatever
dies in between is done again, and nothing is left in the store that nobody knows of.
"""

from datetime import timedelta
from typing import Final

import structlog

from isotope.domain.evidence import pictures
from isotope.domain.evidence.model import OF_RIDERS
from isotope.domain.evidence.ports import Blobs
from isotope.domain.tenants import list_operators
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

_log = structlog.get_logger(__name__)

# No request takes so long; what is still pending then was left by a process that died.
FORGOTTEN_AFTER: Final = timedelta(hours=1)
BATCH: Final = 200
MOST_BATCHES: Final = 25
_PAGE: Final = 1_000


async def sweep_pictures(rt: Runtime, blobs: Blobs) -> int:
    """Safe to run twice; bounded: what is left over is done at the next run. How many pictures were forgotten."""
    after = OperatorId(0)
    while True:
        async with rt.db.read() as tx:
            operators = await list_operators(tx, after=after, limit=_PAGE)
        for operator in operators:
            await _retire_old(rt, operator)
        if len(operators) < _PAGE:
            break
        after = operators[-1].id
    try:
        return await _forget_pending(rt, blobs)
    except OSError as error:
        _log.warning("blobs.unavailable", error=type(error).__name__)
        return 0


async def _retire_old(rt: Runtime, operator: Operator) -> None:
    before = rt.clock.now() - timedelta(days=operator.settings.privacy.photo_days)
    for of in OF_RIDERS:
        for _batch in range(MOST_BATCHES):
            async with rt.db.glance() as tx:
                retired = await pictures.retire_old_pictures(tx, of, operator.id, before, BATCH)
            if retired < BATCH:
                break


async def _forget_pending(rt: Runtime, blobs: Blobs) -> int:
    done = 0
    for _batch in range(MOST_BATCHES):
        async with rt.db.glance() as tx:
            found = await pictures.list_forgotten_pending(tx, rt.clock.now() - FORGOTTEN_AFTER, BATCH)
        for operator_id in dict.fromkeys(operator for operator, _key in found):
            keys = [key for operator, key in found if operator == operator_id]
            async with rt.db.glance() as tx:
                used = await pictures.list_used_keys(tx, operator_id, keys)
            for key in keys:
                if key not in used:
                    await blobs.delete(key)
                    done += 1
            async with rt.db.glance() as tx:
                await pictures.delete_pending(tx, operator_id, keys)
        if len(found) < BATCH:
            break
    if done:
        _log.info("pictures.forgotten", count=done)
    return done

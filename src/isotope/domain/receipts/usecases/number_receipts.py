"""Periodic, and before a receipt is shown: give the receipts that wait their numbers.

A number is given in the transaction that raises the counter, whose row is locked: what dies before its commit gave no
number, so there is no gap; who comes second waits for the row and sees what the first did, so there is no double.
"""

from typing import Final

from isotope.domain.receipts import queries, store
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId

# Rows that one transaction numbers: short, because others wait for the counter meanwhile.
BATCH: Final = 500
_MAX_BATCHES: Final = 100


async def number_receipts(rt: Runtime, operator_id: OperatorId | None = None, *, batch: int = BATCH) -> int:
    """How many got a number: of one operator, or of all. Safe to run anywhere, any number of times at once.

    Numbers follow the order of issue among those that are in the store. Bounded: what is left over is done next time.
    """
    async with rt.db.read() as tx:
        waiting = await queries.list_waiting(tx, operator_id)
    numbered = 0
    for one in waiting:
        for _ in range(_MAX_BATCHES):
            async with rt.db.write() as tx:
                done = await store.number_waiting(tx, one.operator_id, one.year, limit=batch, now=rt.clock.now())
            numbered += done
            if done < batch:
                break
    return numbered

"""Numbers under real concurrency: several workers, riders who ask, processes that die in between."""

import asyncio
import contextvars
import os
import signal
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest

from isotope.domain.receipts import check_receipts, issue_later, number_receipts, read_receipts
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId
from tests.kit.clock import START
from tests.kit.receipts import ride_draft
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator

# Two workers and two API processes share this rider's operator.
WORKERS = 4


async def shop(rt: Runtime) -> tuple[Operator, RiderId]:
    kit = await make_operator(rt)
    return kit.operator, (await make_rider(rt, kit.operator)).id


async def issue(rt: Runtime, operator: Operator, rider: RiderId, first: int, last: int) -> None:
    for nr in range(first, last):
        async with rt.db.write() as tx:
            await issue_later(tx, ride_draft(operator, rider, f"ride:{nr}", at=START + timedelta(seconds=nr)))


async def numbers(rt: Runtime, operator: Operator) -> list[int | None]:
    async with rt.db.read() as tx:
        assert await check_receipts(tx, operator.id) == []
        rows = await tx.tuples("select number from receipt where operator_id = %s order by 1", [operator.id])
    return [number for (number,) in rows]


async def test_many_number_at_once_while_others_issue_and_ask(rt: Runtime) -> None:
    operator, rider = await shop(rt)
    each, issuers = 25, 4

    async def keep_numbering() -> None:
        for _ in range(12):
            await number_receipts(rt, operator.id, batch=3)

    async def keep_asking() -> None:
        for _ in range(12):
            assert all(receipt.number for receipt in await read_receipts(rt, operator.id, rider))

    await asyncio.gather(
        *(issue(rt, operator, rider, nr * each, (nr + 1) * each) for nr in range(issuers)),
        *(keep_numbering() for _ in range(WORKERS)),
        keep_asking(),
    )
    await number_receipts(rt, operator.id)
    assert await numbers(rt, operator) == list(range(1, each * issuers + 1))


async def test_a_transaction_that_is_rolled_back_leaves_no_gap(rt: Runtime) -> None:
    """A ride that could not be closed has no receipt, and nobody sees that it nearly had."""
    operator, rider = await shop(rt)
    await issue(rt, operator, rider, 0, 1)

    async def fails() -> None:
        async with rt.db.write() as tx:
            await issue_later(tx, ride_draft(operator, rider, "ride:lost"))
            # A worker comes by meanwhile.
            await asyncio.create_task(number_receipts(rt, operator.id), context=contextvars.Context())
            raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await fails()
    await issue(rt, operator, rider, 1, 2)
    await number_receipts(rt, operator.id)
    assert await numbers(rt, operator) == [1, 2]


async def test_issuing_waits_for_nobody_who_numbers(rt: Runtime, database_url: str) -> None:
    operator, rider = await shop(rt)
    await issue(rt, operator, rider, 0, 3)
    await number_receipts(rt, operator.id)
    async with await psycopg.AsyncConnection.connect(database_url) as other:
        await other.execute("select 1 from receipt_counter where operator_id = %s for update", [operator.id])
        await asyncio.wait_for(issue(rt, operator, rider, 3, 6), timeout=5)
        # And who reads what has its number.
        assert len(await asyncio.wait_for(read_receipts(rt, operator.id, rider, limit=0), timeout=5)) == 0
        await other.rollback()
    await number_receipts(rt, operator.id)
    assert await numbers(rt, operator) == [1, 2, 3, 4, 5, 6]


_DIES_BEFORE_COMMIT = """
import asyncio, os, signal, sys
from isotope.domain.receipts import store
from isotope.infra.db import Database
from tests.kit.clock import START

async def main():
    db = Database(sys.argv[1], min_size=1, max_size=1)
    await db.open()
    async with db.write() as tx:
        assert await store.number_waiting(tx, int(sys.argv[2]), 2026, limit=500, now=START) == 3
        os.kill(os.getpid(), signal.SIGKILL)

asyncio.run(main())
"""


async def test_a_process_that_is_killed_before_its_commit_gave_no_number(rt: Runtime, database_url: str) -> None:
    operator, rider = await shop(rt)
    await issue(rt, operator, rider, 0, 2)
    await number_receipts(rt, operator.id)
    await issue(rt, operator, rider, 2, 5)
    died = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", _DIES_BEFORE_COMMIT, database_url, str(operator.id)],
        check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        timeout=60,
    )
    assert died.returncode == -signal.SIGKILL
    assert await numbers(rt, operator) == [1, 2, None, None, None]
    # The server lets go of what the dead one held; whoever comes next gives the same numbers.
    await asyncio.gather(*(number_receipts(rt, operator.id) for _ in range(WORKERS)))
    assert await numbers(rt, operator) == [1, 2, 3, 4, 5]

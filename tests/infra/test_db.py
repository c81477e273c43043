"""Transactions: what is kept, what is not, and what is said when the store does not answer."""

import asyncio
import contextlib

import pytest
from psycopg.pq import TransactionStatus

from isotope.infra import db as store
from isotope.infra import outbound
from isotope.infra.db import Database, transaction_is_open
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from tests.kit.proxy import line_to_store
from tests.kit.tenants import make_operator

pytestmark = pytest.mark.asyncio


async def outbox(db: Database, phone: str) -> int:
    async with db.read() as tx:
        return int(await tx.scalar("select count(*) from dev_outbox where phone = %s", (phone,)))


INSERT = "insert into dev_outbox (phone, body, sent_at) values (%(phone)s, 'x', '2026-01-01Z')"


async def test_a_block_that_ends_is_kept_and_one_that_raises_is_not(db: Database) -> None:
    async with db.write() as tx:
        await tx.execute(INSERT, {"phone": "kept"})

    async def fail() -> None:
        async with db.write() as tx:
            await tx.execute(INSERT, {"phone": "lost"})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert (await outbox(db, "kept"), await outbox(db, "lost")) == (1, 0)


async def test_a_cancelled_block_is_not_kept(db: Database) -> None:
    inside = asyncio.Event()

    async def linger() -> None:
        async with db.write() as tx:
            await tx.execute(INSERT, {"phone": "cancelled"})
            inside.set()
            await asyncio.Event().wait()

    task = asyncio.create_task(linger())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await outbox(db, "cancelled") == 0


async def test_a_cancellation_that_the_driver_swallows_is_told_at_the_end(db: Database) -> None:
    inside, after = asyncio.Event(), []

    async def go_on() -> None:
        async with db.write() as tx:
            inside.set()
            # As `asyncio.wait_for` of Python 3.11 does when it is cancelled in the moment of its success.
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.Event().wait()
            await tx.execute(INSERT, {"phone": "swallowed"})
        after.append("went on")

    task = asyncio.create_task(go_on())
    await inside.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert after == []
    assert await outbox(db, "swallowed") == 1


async def test_what_follows_a_commit_follows_no_rollback(db: Database) -> None:
    told: list[str] = []
    async with db.write() as tx:
        tx.after_commit(lambda: told.append("committed"))
        assert told == []

    async def fail() -> None:
        async with db.write() as tx:
            tx.after_commit(lambda: told.append("rolled back"))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await fail()
    assert told == ["committed"]


async def test_reading_cannot_write_and_sees_one_moment(db: Database) -> None:
    with pytest.raises(Exception, match="read-only"):
        async with db.read() as tx:
            await tx.execute(INSERT, {"phone": "never"})
    async with db.read() as tx:
        before = await tx.scalar("select count(*) from dev_outbox where phone = 'moment'")
        await asyncio.create_task(_write(db, "moment"))
        assert await tx.scalar("select count(*) from dev_outbox where phone = 'moment'") == before
    assert await outbox(db, "moment") == before + 1


async def _write(db: Database, phone: str) -> None:
    # A new task: it has a context of its own, and in it no transaction is open.
    store._open_transaction.set(False)
    async with db.write() as tx:
        await tx.execute(INSERT, {"phone": phone})


async def test_a_glance_is_no_transaction_of_its_own_and_closes_the_network_all_the_same(db: Database) -> None:
    async with db.glance() as tx:
        assert await tx.scalar("select 1") == 1
        assert tx.connection.info.transaction_status is TransactionStatus.IDLE
        with pytest.raises(outbound.NetworkInTransactionError):
            outbound.guard()
    with pytest.raises(Exception, match="division by zero"):
        async with db.glance() as tx:
            await tx.scalar("select 1 / 0")
    async with db.read() as tx:
        assert tx.connection.info.transaction_status is TransactionStatus.INTRANS


async def test_the_network_is_closed_while_a_transaction_is_open(db: Database) -> None:
    outbound.guard()
    async with db.read():
        assert transaction_is_open()
        with pytest.raises(outbound.NetworkInTransactionError):
            outbound.guard()
        with pytest.raises(RuntimeError, match="already open"):
            async with db.read():
                pass
    outbound.guard()


async def test_a_row_that_somebody_holds_is_not_waited_for_long(rt: Runtime, db: Database) -> None:
    operator = (await make_operator(rt)).operator
    async with db.write() as tx:
        await tx.execute("select from operator where id = %s for update", (operator.id,))

        async def other() -> None:
            store._open_transaction.set(False)
            async with db.write() as second:
                await second.execute("set local lock_timeout = '20ms'")
                await second.execute("select from operator where id = %s for update", (operator.id,))

        with pytest.raises(Refusal) as refused:
            await asyncio.create_task(other())
    assert refused.value.code == "store_busy"
    assert refused.value.retry_after_s is not None


async def test_a_store_that_is_away_is_said_to_be_and_comes_back(database_url: str) -> None:
    async with line_to_store(database_url) as line:
        database = Database(line.url, min_size=1, max_size=2, wait_s=0.5)
        await database.open()
        try:
            assert await outbox(database, "nobody") == 0
            line.cut()
            with pytest.raises(Refusal) as refused:
                await outbox(database, "nobody")
            assert refused.value.code == "store_unavailable"
            line.mend()

            async def is_back() -> bool:
                try:
                    return await outbox(database, "nobody") == 0
                except Refusal:
                    return False

            async with asyncio.timeout(20):
                while not await is_back():
                    pass
        finally:
            await database.close()

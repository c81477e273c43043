"""Notifications: in order, to everybody who listens, and told to be lost when they may be."""

import asyncio

import pytest

from isotope.infra.db import Database
from isotope.infra.hub import Hub
from tests.kit.proxy import line_to_store
from tests.kit.waiting import until

pytestmark = pytest.mark.asyncio

CHANNEL = "test_hub"


async def say(db: Database, *payloads: str, keep: bool = True) -> None:
    async with db.write() as tx:
        for payload in payloads:
            await tx.notify(CHANNEL, payload)
        if not keep:
            await tx.execute("rollback; begin")


async def test_payloads_come_in_order_once_committed(db: Database, database_url: str) -> None:
    heard: list[str] = []
    hub = Hub(database_url)
    hub.subscribe(CHANNEL, heard.append)
    await hub.start()
    try:
        await say(db, "never", keep=False)
        await say(db, "1", "2")
        await say(db, "3")
        await until(lambda: len(heard) >= 3, "three payloads")
        assert heard == ["1", "2", "3"]
        with pytest.raises(RuntimeError, match="before start"):
            hub.subscribe(CHANNEL, heard.append)
    finally:
        await hub.stop()


async def test_one_payload_can_be_waited_for(db: Database, database_url: str) -> None:
    hub = Hub(database_url)
    hub.listen(CHANNEL)
    await hub.start()
    try:
        async with hub.expect(CHANNEL, "mine") as wait, hub.expect(CHANNEL, "mine") as other:
            await say(db, "another's", "mine")
            assert await wait(10.0)
            assert await other(10.0)
        async with hub.expect(CHANNEL, "mine") as wait:
            assert not await wait(0.01)
    finally:
        await hub.stop()


async def test_what_was_said_a_moment_ago_is_remembered_where_that_is_asked_for(
    db: Database, database_url: str
) -> None:
    hub = Hub(database_url)
    hub.listen(CHANNEL, remembers=True)
    await hub.start()
    try:
        async with hub.expect(CHANNEL, "last") as wait:
            await say(db, "first", "last")
            assert await wait(10.0)
        async with hub.expect(CHANNEL, "first") as wait:
            assert await wait(0.0)
        async with hub.expect(CHANNEL, "never") as wait:
            assert not await wait(0.0)
    finally:
        await hub.stop()


async def test_after_a_lost_connection_everybody_is_told_to_read_again(database_url: str) -> None:
    async with line_to_store(database_url) as line:
        resets: list[int] = []
        hub = Hub(line.url)
        hub.subscribe(CHANNEL, lambda _payload: None, lambda: resets.append(1))
        await hub.start()
        try:
            assert (hub.is_listening, len(resets)) == (True, 1)
            async with hub.expect(CHANNEL, "lost with the line") as wait:
                waiting = asyncio.create_task(wait(20.0))
                line.cut()
                await until(lambda: not hub.is_listening, "the loss is noticed")
                line.mend()
                # It may have been said while nobody listened: whoever waits shall look, long before the time is over.
                async with asyncio.timeout(10.0):
                    assert not await waiting
            await until(lambda: len(resets) == 2, "subscribers read again")
            assert hub.is_listening
        finally:
            await hub.stop()

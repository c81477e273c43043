"""Answers that go on: what is told, and each way in which it ends."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest

from isotope.api.endpoint import encode
from isotope.api.streams import EventStream, Streams, follow, streams_full, too_many_streams
from isotope.infra.hub import Hub
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Kind, Refusal
from tests.kit.refusals import refused

_WAIT_S = 20.0


class Client:
    """What a server is to a stream: it is sent to, and it says when the client has gone."""

    def __init__(self) -> None:
        self.sent = b""
        self.has_gone = asyncio.Event()
        self.came = asyncio.Event()

    async def receive(self) -> dict[str, Any]:
        await self.has_gone.wait()
        return {"type": "http.disconnect"}

    async def write(self, data: bytes) -> None:
        self.sent += data
        self.came.set()

    async def until(self, text: bytes) -> None:
        async with asyncio.timeout(_WAIT_S):
            while text not in self.sent:
                self.came.clear()
                await self.came.wait()


async def listed(states: Sequence[Any], then: Exception | None = None) -> AsyncIterator[Any]:
    for state in states:
        yield state
    if then is not None:
        raise then


async def endless(ended: asyncio.Event) -> AsyncIterator[Any]:
    try:
        yield {"nr": 1}
        await asyncio.Event().wait()
    finally:
        ended.set()


async def run(streams: Streams, states: AsyncIterator[Any], client: Client) -> None:
    stream = EventStream(states, "thing", "rider:1")
    async with asyncio.timeout(_WAIT_S):
        await streams.run(stream, client.receive, client.write, encode, lambda refusal: refusal.code.encode())


async def test_each_state_is_an_event_and_the_end_is_the_end() -> None:
    client = Client()
    await run(Streams(), listed([{"nr": 1}, {"nr": 2}]), client)
    assert client.sent == b'retry: 2000\n\nevent: thing\ndata: {"nr":1}\n\nevent: thing\ndata: {"nr":2}\n\n'


async def test_a_no_on_the_way_is_an_event() -> None:
    client = Client()
    await run(Streams(), listed([{"nr": 1}], Refusal(Kind.NOT_FOUND, "trip_not_found")), client)
    assert client.sent.endswith(b"event: refusal\ndata: trip_not_found\n\n")


async def test_a_bug_on_the_way_is_raised() -> None:
    with pytest.raises(LookupError):
        await run(Streams(), listed([1], LookupError()), Client())


async def test_where_nothing_comes_a_comment_does() -> None:
    client, ended = Client(), asyncio.Event()
    streams = Streams(beat_s=0.01)
    task = asyncio.create_task(run(streams, endless(ended), client))
    await client.until(b"\n\n: still here\n\n: still here\n\n")
    client.has_gone.set()
    await task
    assert ended.is_set()


@pytest.mark.parametrize("why", ["gone", "stopped", "long"])
async def test_it_ends(why: str) -> None:
    client, ended = Client(), asyncio.Event()
    streams = Streams(longest_s=0.05 if why == "long" else 300.0)
    task = asyncio.create_task(run(streams, endless(ended), client))
    await client.until(b'{"nr":1}')
    if why == "gone":
        client.has_gone.set()
    elif why == "stopped":
        streams.end()
    await task
    assert ended.is_set(), "what was read for it is closed"


async def test_one_that_is_cut_short_tells_its_first_state() -> None:
    client = Client()
    await run(Streams(longest_s=0), endless(asyncio.Event()), client)
    assert client.sent == b'retry: 2000\n\nevent: thing\ndata: {"nr":1}\n\n'


def test_a_process_holds_only_so_many() -> None:
    streams = Streams(most=3, most_of_one=2)
    with streams.hold("rider:1"), streams.hold("rider:1"):
        with refused(too_many_streams(2).code), streams.hold("rider:1"):
            pass
        with streams.hold("rider:2"), refused(streams_full().code), streams.hold("rider:3"):
            pass
        assert streams.held == 2
    assert streams.held == 0


async def test_a_change_is_told_when_it_is_said_and_not_twice(rt: Runtime) -> None:
    hub: Hub = rt.hub
    hub.listen("stream_test")
    await hub.start()
    states = [(1, False), (1, False), (2, False), (3, True)]
    read: list[int] = []

    async def look() -> tuple[int, bool]:
        read.append(1)
        return states.pop(0)

    found = follow(hub, "stream_test", "7", look, look_s=0.01)
    assert [state async for state in found] == [1, 2, 3]
    states[:] = [(1, False), (2, True)]
    told = follow(hub, "stream_test", "7", look, look_s=_WAIT_S)
    assert await anext(told) == 1
    later = asyncio.ensure_future(anext(told))
    await asyncio.sleep(0)
    async with rt.db.write() as tx:
        await tx.notify("stream_test", "7")
    async with asyncio.timeout(_WAIT_S / 2):
        assert await later == 2

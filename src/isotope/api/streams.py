"""Answers that go on: server-sent events, as browsers' `EventSource` reads them (HTML standard, 9.2).

An operation whose `response` is `EventStream[T]` returns one. What it tells is what a first event and every later one has
in `data`: a whole `T` each time, so that whoever missed some has missed nothing. In between a comment every 15 s keeps
proxies from closing the connection. A stream ends when there is nothing more to tell, when the client has gone, when the
process stops, and after `longest_s` at the latest: `EventSource` opens the next one by itself, with its credentials judged
anew. A process holds `most` of them, a caller `most_of_one`.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Iterator
from contextlib import aclosing, contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final, Generic, Literal, TypeVar, get_args, get_origin

from isotope.infra.hub import Hub
from isotope.infra.metrics import HTTP_STREAMS
from isotope.infra.tasks import end_task
from isotope.kernel.errors import Kind, Refusal

T = TypeVar("T")

Receive = Callable[[], Awaitable[Any]]
Write = Callable[[bytes], Awaitable[None]]

_COMMENT: Final = b": still here\n\n"
# What the client waits before it opens the next one.
_RETRY: Final = b"retry: 2000\n\n"
_BEAT_S: Final = 15.0


def too_many_streams(most: int) -> Refusal:
    """The caller holds as many as one may."""
    return Refusal(Kind.TOO_MANY, "too_many_streams", {"most": most}, {"most": most}, retry_after_s=10)


def streams_full() -> Refusal:
    """This process holds as many as it may."""
    return Refusal(Kind.UNAVAILABLE, "streams_full", retry_after_s=5)


@dataclass(frozen=True, slots=True)
class EventStream(Generic[T]):
    """What a handler returns: the states to be told, first the one that is now.

    Attributes:
        states: ends when there is nothing more to tell. A `Refusal` that it raises is told as the event `refusal`.
        event: the name of each event.
        caller: whose it is; of one caller there are only so many.
    """

    MEDIA: ClassVar[str] = "text/event-stream"

    states: AsyncIterator[T]
    event: str
    caller: str

    def headers(self) -> list[tuple[bytes, bytes]]:
        # Proxies of the nginx kind hold back what they could send on, unless told not to.
        return [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]


def told_in(response: Any) -> Any | None:
    """The `T` of `EventStream[T]`, where an operation is declared to answer with one; else None."""
    return get_args(response)[0] if get_origin(response) is EventStream else None


@dataclass(slots=True)
class Streams:
    """The streams that a process holds, and how it ends them all."""

    # 0: each tells its first state only.
    longest_s: float = 300.0
    most: int = 2_000
    most_of_one: int = 10
    beat_s: float = _BEAT_S
    _held: Counter[str] = field(default_factory=Counter)
    _ending: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def held(self) -> int:
        """How many there are now."""
        return self._held.total()

    def end(self) -> None:
        """End all, and begin none that goes on: the process stops."""
        self._ending.set()

    @contextmanager
    def hold(self, caller: str) -> Iterator[None]:
        """A place for one.

        Raises:
            Refusal: `too_many_streams`, `streams_full`.
        """
        if self._held[caller] >= self.most_of_one:
            raise too_many_streams(self.most_of_one)
        if self.held >= self.most:
            raise streams_full()
        self._held[caller] += 1
        HTTP_STREAMS.inc()
        try:
            yield
        finally:
            HTTP_STREAMS.dec()
            self._held[caller] -= 1
            if not self._held[caller]:
                del self._held[caller]

    async def run(
        self,
        stream: EventStream[Any],
        receive: Receive,
        write: Write,
        encode: Callable[[Any], bytes],
        refuse: Callable[[Refusal], bytes],
    ) -> None:
        """Tell all states. Returns when it is over, for whatever reason."""
        telling = asyncio.create_task(self._tell(stream, write, encode, refuse), name="stream")
        ends = [
            telling,
            asyncio.create_task(_gone(receive), name="stream-gone"),
            asyncio.create_task(self._ending.wait(), name="stream-ending"),
        ]
        try:
            await asyncio.wait(ends, timeout=self.longest_s or None, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in ends[1:]:
                await end_task(task)
            if not telling.done():
                await end_task(telling)
        if not telling.cancelled():
            telling.result()

    async def _tell(
        self,
        stream: EventStream[Any],
        write: Write,
        encode: Callable[[Any], bytes],
        refuse: Callable[[Refusal], bytes],
    ) -> None:
        await write(_RETRY)
        async with aclosing(_beating(stream.states, self.beat_s)) as states:
            try:
                async for state in states:
                    await write(_COMMENT if state is _BEAT else _event(stream.event, encode(state)))
                    if state is not _BEAT and not self.longest_s:
                        return
            except Refusal as refusal:
                await write(_event("refusal", refuse(refusal)))


async def follow(
    hub: Hub, channel: str, payload: str, read: Callable[[], Awaitable[tuple[T, bool]]], *, look_s: float
) -> AsyncIterator[T]:
    """A state each time that it has changed, the first at once; for `EventStream`.

    Args:
        hub: listens to `channel` (`Hub.listen`), on which `payload` is said when something may have changed.
        channel: see there.
        payload: see there.
        read: the state as it is now, and whether it is the last one. It is compared with the one before.
        look_s: it is read so often also when nobody says anything.
    """
    told: Any = _NOTHING
    while True:
        async with hub.expect(channel, payload) as wait:
            state, is_last = await read()
            if told is _NOTHING or state != told:
                told = state
                yield state
            if is_last:
                return
            await wait(look_s)


_Mark = Literal["beat", "nothing"]


@dataclass(frozen=True, slots=True)
class _Sign:
    name: _Mark


_BEAT: Final = _Sign("beat")
_NOTHING: Final = _Sign("nothing")


async def _beating(states: AsyncIterator[Any], beat_s: float) -> AsyncGenerator[Any, None]:
    """The states, and `_BEAT` wherever none came for so long."""
    coming: asyncio.Task[Any] | None = None
    try:
        while True:
            if coming is None:
                coming = asyncio.create_task(_next(states), name="stream-next")
            done, _waiting = await asyncio.wait({coming}, timeout=beat_s)
            if not done:
                yield _BEAT
                continue
            state, coming = coming.result(), None
            if state is _NOTHING:
                return
            yield state
    finally:
        if coming is not None:
            await end_task(coming)
        close = getattr(states, "aclose", None)
        if close is not None:
            await close()


async def _next(states: AsyncIterator[Any]) -> Any:
    return await anext(states, _NOTHING)


async def _gone(receive: Receive) -> None:
    with suppress(asyncio.CancelledError):
        while (await receive())["type"] != "http.disconnect":
            pass


def _event(name: str, data: bytes) -> bytes:
    # JSON has no raw newlines, so it is one line of data.
    return b"event: " + name.encode() + b"\ndata: " + data + b"\n\n"

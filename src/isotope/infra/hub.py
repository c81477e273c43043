"""What other processes tell: PostgreSQL NOTIFY, one listening connection a process.

A subscriber gets payloads in commit order. Notifications are hints, never the truth: after a
lost connection they are gone, so every subscriber is told `on_reset` and reads the store again.
"""

import asyncio
import contextlib
from collections import defaultdict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any, Final

import psycopg
import structlog
from psycopg import AsyncConnection, sql

from isotope.infra.tasks import end_task

_log = structlog.get_logger(__name__)

OnPayload = Callable[[str], None]
OnReset = Callable[[], None]

# A listener sends nothing, so a half-open connection would never be noticed without these (TCP only).
_KEEPALIVES: Final[dict[str, Any]] = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
}
_BACKOFF_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)
# How many payloads of channels that are waited on are remembered: a few seconds' worth.
_REMEMBERED: Final = 2_000


class Hub:
    """One LISTEN connection shared by the whole process; reconnects for ever with back-off."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscribers: dict[str, list[tuple[OnPayload, OnReset | None]]] = defaultdict(list)
        self._waiting: dict[tuple[str, str], list[asyncio.Future[bool]]] = defaultdict(list)
        # What was said last on channels that are listened to, oldest first.
        self._remembers: set[str] = set()
        self._said: dict[tuple[str, str], None] = {}
        self._task: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    def subscribe(self, channel: str, on_payload: OnPayload, on_reset: OnReset | None = None) -> None:
        """Call before `start`. Callbacks are quick and synchronous; they must not fail."""
        if self._task is not None:
            raise RuntimeError("subscribe before start")
        self._subscribers[channel].append((on_payload, on_reset))

    def listen(self, channel: str, *, remembers: bool = False) -> None:
        """Make `channel` known so that `expect` can wait on it. Call before `start`.

        With `remembers` what was said a moment ago counts too: for payloads of something that happens once.
        """
        self.subscribe(channel, lambda _payload: None)
        if remembers:
            self._remembers.add(channel)

    async def start(self) -> None:
        """Begin to listen; returns when listening (or keeps trying behind if the store is away)."""
        self._task = asyncio.create_task(self._run(), name="hub")
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(5.0):
                await self._ready.wait()

    async def stop(self) -> None:
        if self._task is not None:
            await end_task(self._task)
            self._task = None

    @property
    def is_listening(self) -> bool:
        return self._ready.is_set()

    @asynccontextmanager
    async def expect(self, channel: str, payload: str) -> AsyncIterator[Callable[[float], Any]]:
        """Wait for one exact payload: enter before causing it, then `await wait(seconds)` (True if it came).

        On a channel that is remembered it may have been caused before. False comes at once when the hub was deaf: what was
        waited for may have been said meanwhile. The notification is only a hint, so the caller reads the store.
        """
        future: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        key = (channel, payload)
        self._waiting[key].append(future)
        if key in self._said:
            future.set_result(True)

        async def wait(seconds: float) -> bool:
            done, _pending = await asyncio.wait({future}, timeout=seconds)
            return bool(done) and future.result()

        try:
            yield wait
        finally:
            self._waiting[key].remove(future)
            if not self._waiting[key]:
                del self._waiting[key]
            future.cancel()

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                connection = await AsyncConnection.connect(self._url, autocommit=True, **_KEEPALIVES)
            except psycopg.Error as error:
                _log.warning("hub.unreachable", error=type(error).__name__)
            else:
                try:
                    async with connection:
                        for channel in self._subscribers:
                            await connection.execute(sql.SQL("listen {}").format(sql.Identifier(channel)))
                        failures = 0
                        self._ready.set()
                        self._reset()
                        async for notice in connection.notifies():
                            self._deliver(notice.channel, notice.payload)
                except psycopg.Error as error:
                    _log.warning("hub.lost", error=type(error).__name__)
            self._ready.clear()
            await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)])
            failures += 1

    def _reset(self) -> None:
        for subscribers in self._subscribers.values():
            for _on_payload, on_reset in subscribers:
                if on_reset is not None:
                    on_reset()
        # Whatever was waited for may have been said while nobody listened.
        for futures in self._waiting.values():
            for future in futures:
                if not future.done():
                    future.set_result(False)

    def _deliver(self, channel: str, payload: str) -> None:
        key = (channel, payload)
        for future in self._waiting.get(key, ()):
            if not future.done():
                future.set_result(True)
        if channel in self._remembers:
            self._said[key] = None
            if len(self._said) > _REMEMBERED:
                del self._said[next(iter(self._said))]
        for on_payload, _on_reset in self._subscribers.get(channel, ()):
            on_payload(payload)

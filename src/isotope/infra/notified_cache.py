"""Values kept in the memory of this process until a notification says that they changed."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import datetime, timedelta
from typing import Generic, TypeVar

from isotope.infra.clock import Clock
from isotope.infra.hub import Hub
from isotope.kernel.ids import OperatorId

T = TypeVar("T")


class NotifiedCache(Generic[T]):
    """One value an operator, loaded when first asked for and forgotten when a channel names the operator.

    Make it before the hub is started. Notifications are hints, so a value is loaded anew after `life` in any case, and
    all are forgotten when the hub was deaf. Whoever asks for the same operator at once waits for one load and fails
    with it; what is loaded while a change is told is given to those who wait, but not kept.
    """

    def __init__(
        self,
        hub: Hub,
        clock: Clock,
        channels: Iterable[str],
        load: Callable[[OperatorId], Awaitable[T]],
        *,
        life: timedelta,
    ) -> None:
        """Payloads of the channels are operator ids."""
        self._clock = clock
        self._load = load
        self._life = life
        self._values: dict[OperatorId, tuple[T, datetime]] = {}
        self._loading: dict[OperatorId, asyncio.Task[T]] = {}
        for channel in channels:
            hub.subscribe(channel, self._on_changed, self._on_reset)

    async def get(self, operator_id: OperatorId) -> T:
        """The value. Not to be called inside a transaction: loading opens its own."""
        now = self._clock.now()
        kept = self._values.get(operator_id)
        if kept is not None and now - kept[1] < self._life:
            return kept[0]
        loading = self._loading.get(operator_id)
        if loading is None:
            loading = asyncio.ensure_future(self._load(operator_id))
            self._loading[operator_id] = loading
            loading.add_done_callback(lambda done: self._loaded(operator_id, done, now))
        return await asyncio.shield(loading)

    def _loaded(self, operator_id: OperatorId, done: asyncio.Task[T], now: datetime) -> None:
        is_current = self._loading.get(operator_id) is done
        if is_current:
            del self._loading[operator_id]
        if done.cancelled() or done.exception() is not None:
            return
        if is_current:
            self._values[operator_id] = (done.result(), now)

    def _on_changed(self, payload: str) -> None:
        if payload.isdecimal():
            operator_id = OperatorId(int(payload))
            self._values.pop(operator_id, None)
            self._loading.pop(operator_id, None)

    def _on_reset(self) -> None:
        self._values.clear()
        self._loading.clear()

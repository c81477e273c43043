"""Operators in this process's memory: every request asks for one."""

import asyncio
import hmac
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Final

from isotope.domain.tenants import queries
from isotope.domain.tenants.errors import operator_not_found
from isotope.domain.tenants.model import KeyKind, Operator, OperatorKey
from isotope.domain.tenants.rules import is_live
from isotope.domain.tenants.store import OPERATOR_CHANGED
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token
from isotope.kernel.ids import OperatorId

LIFE: Final = timedelta(seconds=5)


@dataclass(frozen=True, slots=True)
class _Known:
    operator: Operator
    keys: tuple[OperatorKey, ...]
    read_at: datetime
    token_key: bytes = field(repr=False)

    def has(self, kind: KeyKind, key_hash: bytes, now: datetime) -> bool:
        """Compares with every key and each time to its end, so that the time it takes tells nothing."""
        found = False
        for key in self.keys:
            same = hmac.compare_digest(key.key_hash, key_hash)
            found |= same and key.kind is kind and is_live(key.expires_at, now)
        return found


class Operators:
    """Operators and their keys, at most 5 s old and dropped at once when one changes.

    Make it before the hub is started. Not to be called inside a transaction: it opens its own.
    A key that nobody has is looked up every time; that is one probe of a unique index.
    """

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt
        self._known: dict[OperatorId, _Known] = {}
        # Only keys that exist are remembered, so strangers cannot make it grow.
        self._by_public_key: dict[bytes, OperatorId] = {}
        self._loading: dict[OperatorId, asyncio.Task[_Known | None]] = {}
        rt.hub.subscribe(OPERATOR_CHANGED, self._on_changed, self._on_reset)

    async def find_by_public_key(self, key: str) -> Operator | None:
        """The operator whose app sends this `App-Public-Key`."""
        key_hash = hash_token(key)
        now = self._rt.clock.now()
        operator_id = self._by_public_key.get(key_hash)
        if operator_id is None:
            async with self._rt.db.read() as tx:
                operator_id = await queries.find_operator_id_by_public_key(tx, key_hash, now)
            if operator_id is None:
                return None
            self._by_public_key[key_hash] = operator_id
        known = await self._get_known(operator_id, now)
        if known is None or not known.has(KeyKind.PUBLIC, key_hash, now):
            self._by_public_key.pop(key_hash, None)
            return None
        return known.operator

    async def get(self, operator_id: OperatorId) -> Operator:
        """Raises `operator_not_found`."""
        known = await self._get_known(operator_id, self._rt.clock.now())
        if known is None:
            raise operator_not_found(str(operator_id))
        return known.operator

    async def get_token_key(self, operator: Operator) -> bytes:
        """What tokens of the operator's are signed with (`infra.signed`)."""
        known = await self._get_known(operator.id, self._rt.clock.now())
        if known is None:
            raise operator_not_found(str(operator.id))
        return known.token_key

    async def is_secret_key(self, operator: Operator, key: str) -> bool:
        """Whether `key` is one of the operator's secret keys that work now."""
        now = self._rt.clock.now()
        known = await self._get_known(operator.id, now)
        return known is not None and known.has(KeyKind.SECRET, hash_token(key), now)

    async def _get_known(self, operator_id: OperatorId, now: datetime) -> _Known | None:
        known = self._known.get(operator_id)
        if known is not None and now - known.read_at < LIFE:
            return known
        # Everybody who waits for the same operator waits for one look, and fails with it.
        loading = self._loading.get(operator_id)
        if loading is None:
            loading = asyncio.create_task(self._load(operator_id, now), name=f"load operator {operator_id}")
            self._loading[operator_id] = loading
            loading.add_done_callback(lambda done: self._loaded(operator_id, done))
        return await asyncio.shield(loading)

    async def _load(self, operator_id: OperatorId, now: datetime) -> _Known | None:
        async with self._rt.db.read() as tx:
            operator = await queries.find_operator(tx, operator_id)
            keys = await queries.list_keys(tx, operator_id, now)
            token_key = await queries.find_token_key(tx, operator_id)
        return None if operator is None or token_key is None else _Known(operator, tuple(keys), now, token_key)

    def _loaded(self, operator_id: OperatorId, done: asyncio.Task[_Known | None]) -> None:
        # A change that was told meanwhile took the task out: what it read may be from before, so it is not kept.
        if self._loading.get(operator_id) is done:
            del self._loading[operator_id]
            if not done.cancelled() and done.exception() is None and (known := done.result()) is not None:
                self._known[operator_id] = known
        elif not done.cancelled():
            done.exception()  # seen; whoever waits gets it too

    def _on_changed(self, payload: str) -> None:
        if payload.isdecimal():
            operator_id = OperatorId(int(payload))
            self._known.pop(operator_id, None)
            self._loading.pop(operator_id, None)

    def _on_reset(self) -> None:
        self._known.clear()
        self._by_public_key.clear()
        self._loading.clear()

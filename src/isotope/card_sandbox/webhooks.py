"""Webhooks: signed, sent until they are taken or a bounded number of times, never in the way of an answer."""

import asyncio
import contextlib
import hashlib
import hmac
import sqlite3
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import httpx2
import structlog

from isotope.card_sandbox import disputes
from isotope.card_sandbox.desk import Desk
from isotope.card_sandbox.store import Store
from isotope.infra.clock import Clock

_log = structlog.get_logger(__name__)

HEADER: Final = "Sandbox-Signature"
# Before each further try: about four minutes in all.
BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 20.0, 30.0, 60.0, 120.0)
_TIMEOUT_S: Final = 3.0
_AT_ONCE: Final = 100


@dataclass(frozen=True, slots=True)
class SentWebhook:
    """One try: what was posted, and the status that came back, None for no answer."""

    body: bytes
    signature: str
    status: int | None


def sign(secret: str, at: datetime, body: bytes) -> str:
    """The header's value: `t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""
    seconds = int(at.timestamp())
    digest = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    return f"t={seconds},v1={digest}"


@dataclass(slots=True)
class _Due:
    at: float
    order: int


class Webhooks:
    """Sends what is queued, one after the other, in the order of what happened.

    Where no `url` is set, they are written to `sent` alone.

    Events of a card that says `twice` are held until the payment's next event or `hold_s`; then they go newest first,
    and each goes twice.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        url: str,
        secret: str,
        backoff_s: Sequence[float] = BACKOFF_S,
        hold_s: float = 1.0,
        tick_s: float = 1.0,
    ) -> None:
        self._store = store
        self._clock = clock
        self.url = url
        self.sent: list[SentWebhook] = []
        self._secret = secret
        self._backoff_s = backoff_s
        self._hold_s = hold_s
        self._tick_s = tick_s
        self._wake = asyncio.Event()
        self._due: dict[int, _Due] = {}

    def wake(self) -> None:
        """Something was queued."""
        self._wake.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        async with httpx2.AsyncClient(timeout=_TIMEOUT_S, trust_env=False) as client:
            while True:
                self._wake.clear()
                try:
                    await self._round(client)
                except Exception:  # noqa: BLE001 - one round that fails must not be the last
                    _log.exception("card_sandbox.webhooks_failed")
                    await asyncio.sleep(self._tick_s)
                # Not wait_for: it may lose a cancellation.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(self._wait_s()):
                        await self._wake.wait()

    async def _round(self, client: httpx2.AsyncClient) -> None:
        """Open what disputes fell due, send what is due."""
        now = self._clock.now()
        await self._store.run(lambda db: disputes.open_due(Desk(db, "", now)))
        rows = await self._store.run(_waiting)
        self._plan(rows)
        for row in sorted(rows, key=lambda row: self._due[row["seq"]].order):
            if self._due[row["seq"]].at <= time.monotonic():
                await self._deliver(client, row)

    def _plan(self, rows: Sequence[sqlite3.Row]) -> None:
        """When each is due: known ones keep their time."""
        now = time.monotonic()
        for row in rows:
            if row["seq"] in self._due:
                continue
            held = bool(row["twice"])
            followed = False
            for other in rows:
                # The next event of a payment frees those that waited for it.
                if held and other["twice"] and other["payment"] == row["payment"] and other["seq"] < row["seq"]:
                    followed = True
                    if other["seq"] in self._due and other["attempts"] == 0:
                        self._due[other["seq"]].at = now
            order = -row["seq"] if held else row["seq"]
            self._due[row["seq"]] = _Due(now + self._hold_s if held and not followed else now, order)

    def _wait_s(self) -> float:
        """Until the next is due; a tick at the longest, because disputes fall due by the clock."""
        soonest = min((due.at for due in self._due.values()), default=float("inf"))
        return max(0.0, min(self._tick_s, soonest - time.monotonic()))

    async def _deliver(self, client: httpx2.AsyncClient, row: sqlite3.Row) -> None:
        taken = False
        for _ in range(2 if row["twice"] else 1):
            taken = await self._post(client, row["body"].encode()) or taken
        attempts = row["attempts"] + 1
        ended = taken or attempts > len(self._backoff_s)
        seq = row["seq"]
        await self._store.run(lambda db: _note(db, seq, None if ended else attempts))
        if not ended:
            self._due[seq].at = time.monotonic() + self._backoff_s[attempts - 1]
            return
        del self._due[seq]
        if not taken:
            _log.warning("card_sandbox.webhook_given_up", event_id=row["id"], attempts=attempts)

    async def _post(self, client: httpx2.AsyncClient, body: bytes) -> bool:
        signature = sign(self._secret, self._clock.now(), body)
        status: int | None = None
        headers = {HEADER: signature, "Content-Type": "application/json"}
        with contextlib.suppress(httpx2.HTTPError):
            status = (await client.post(self.url, content=body, headers=headers)).status_code if self.url else 200
        self.sent.append(SentWebhook(body, signature, status))
        del self.sent[:-1_000]
        return status is not None and 200 <= status < 300  # noqa: PLR2004 - taken


def _waiting(db: sqlite3.Connection) -> list[sqlite3.Row]:
    return db.execute("select * from event order by seq limit ?", (_AT_ONCE,)).fetchall()


def _note(db: sqlite3.Connection, seq: int, attempts: int | None) -> None:
    """So many tries were made; None: it is over, and nobody asks for it again."""
    if attempts is None:
        db.execute("delete from event where seq = ?", (seq,))
    else:
        db.execute("update event set attempts = ? where seq = ?", (attempts, seq))

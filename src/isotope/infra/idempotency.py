"""What was asked for under an idempotency key, and what was answered. It knows requests and answers, no domain.

A key belongs to one caller of one operator for `KEEP`. Of all requests under it one holds the claim at a time:

| the key's row | the request | becomes |
|---|---|---|
| none, or expired | any | `Claimed` |
| of another operation or body | any | `Reused` |
| running, claimed less than `LEASE` ago | the same | `Running` |
| running, claimed longer ago | the same | `Claimed`: whoever had it died |
| done | the same | `Answer`, or `NotKept` if it was too large |

A claim that is taken over is carried out again. What the dead process had done by then is not known here; it is the
operation that must be safe to repeat, by what stands in the store (a vehicle that is held, a cause that is in the
ledger), not by this table.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID, uuid4

import msgspec
import structlog

from isotope.infra.db import Tx, store_busy
from isotope.infra.runtime import Runtime

_log = structlog.get_logger(__name__)

KEEP: Final = timedelta(hours=24)
# Longer than any request may take.
LEASE: Final = timedelta(seconds=60)
MOST_ANSWER_BYTES: Final = 256 * 1024
_BATCH: Final = 5_000
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Request:
    """Who asks for what under which key. `body_hash` is 32 bytes."""

    operator_id: int
    caller: str
    key: str
    operation: str
    body_hash: bytes


@dataclass(frozen=True, slots=True)
class Claimed:
    """It is this one's turn."""

    request: Request
    token: UUID


@dataclass(frozen=True, slots=True)
class Answer:
    """What the first one was answered. `status` is that of HTTP; headers are pairs in lower case."""

    status: int
    body: bytes
    headers: Sequence[tuple[bytes, bytes]]


class NotKept:
    """It was done, and its answer was too large to be kept."""


class Running:
    """The first one is at it."""


class Reused:
    """The key stands for something else."""


Outcome = Claimed | Answer | NotKept | Running | Reused


async def claim(rt: Runtime, request: Request) -> Outcome:
    """Take the key, or learn what became of it.

    Raises:
        Refusal: `store_busy` when others take and give it back again and again.
    """
    for _attempt in range(_TRIES):
        async with rt.db.glance() as tx:
            found = await _claim(tx, request, rt)
        if found is not None:
            return found
    raise store_busy()


async def finish(rt: Runtime, claimed: Claimed, answer: Answer) -> bool:
    """Keep the answer; False if somebody has taken over."""
    is_small = len(answer.body) <= MOST_ANSWER_BYTES
    if not is_small:
        _log.error("idempotency.answer_too_large", operation=claimed.request.operation, bytes=len(answer.body))
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
    async with rt.db.glance() as tx:
        touched = await tx.execute(
            "update idempotent_request set status = 'DONE', http_status = %(http_status)s,"
            " headers = %(headers)s::jsonb, answer = %(answer)s"
            " where operator_id = %(operator_id)s and caller = %(caller)s and key = %(key)s"
            " and claim = %(claim)s and status = 'RUNNING'",
            _params(claimed.request)
            | {
                "claim": claimed.token,
                "http_status": answer.status,
                "headers": msgspec.json.encode(headers).decode(),
                "answer": answer.body if is_small else None,
            },
        )
    return touched == 1


async def free(rt: Runtime, claimed: Claimed) -> None:
    """Give the key back as if it had never been sent; nothing if somebody has taken over."""
    async with rt.db.glance() as tx:
        await tx.execute(
            "delete from idempotent_request"
            " where operator_id = %(operator_id)s and caller = %(caller)s and key = %(key)s"
            " and claim = %(claim)s and status = 'RUNNING'",
            _params(claimed.request) | {"claim": claimed.token},
        )


async def forget_idempotent_requests(rt: Runtime) -> int:
    """Periodic: drop what has expired, in bounded batches; how many rows went. Safe to run twice and at once."""
    gone = 0
    while True:
        async with rt.db.glance() as tx:
            batch = await tx.execute(
                "delete from idempotent_request where ctid = any(array("
                " select ctid from idempotent_request where expires_at <= %(now)s"
                " order by expires_at limit %(limit)s for update skip locked))",
                {"now": rt.clock.now(), "limit": _BATCH},
            )
        gone += batch
        if batch < _BATCH:
            return gone


@dataclass(frozen=True, slots=True)
class _Row:
    operation: str
    body_hash: bytes
    status: str
    http_status: int | None
    headers: list[list[str]] | None
    answer: bytes | None


async def _claim(tx: Tx, request: Request, rt: Runtime) -> Outcome | None:
    """None: the row that was in the way is gone by now."""
    token = uuid4()
    now = rt.clock.now()
    took = await tx.execute(
        "insert into idempotent_request as held (operator_id, caller, key, operation, body_hash, status, claim,"
        " claimed_at, expires_at) values (%(operator_id)s, %(caller)s, %(key)s, %(operation)s, %(body_hash)s,"
        " 'RUNNING', %(claim)s, %(now)s, %(expires_at)s)"
        " on conflict (operator_id, caller, key) do update set operation = excluded.operation,"
        " body_hash = excluded.body_hash, status = 'RUNNING', claim = excluded.claim,"
        " claimed_at = excluded.claimed_at, expires_at = excluded.expires_at,"
        " http_status = null, headers = null, answer = null"
        " where held.expires_at <= %(now)s"
        " or (held.status = 'RUNNING' and held.claimed_at <= %(dead_before)s"
        " and held.operation = excluded.operation and held.body_hash = excluded.body_hash)",
        _params(request)
        | {
            "operation": request.operation,
            "body_hash": request.body_hash,
            "claim": token,
            "now": now,
            "expires_at": now + KEEP,
            "dead_before": now - LEASE,
        },
    )
    if took:
        return Claimed(request, token)
    row = await tx.find(
        _Row,
        "select operation, body_hash, status, http_status, headers, answer from idempotent_request"
        " where operator_id = %(operator_id)s and caller = %(caller)s and key = %(key)s",
        _params(request),
    )
    return None if row is None else _outcome(row, request)


def _outcome(row: _Row, request: Request) -> Outcome:
    if (row.operation, row.body_hash) != (request.operation, request.body_hash):
        return Reused()
    if row.http_status is None:
        return Running()
    if row.answer is None:
        return NotKept()
    headers = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in row.headers or ()]
    return Answer(row.http_status, row.answer, headers)


def _params(request: Request) -> dict[str, Any]:
    return {"operator_id": request.operator_id, "caller": request.caller, "key": request.key}

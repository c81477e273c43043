"""`Idempotency-Key`: a call that is sent again is answered again and not done again.

| what came of the first call | the same key and body again |
|---|---|
| done (2xx) | the same answer, with `Idempotent-Replayed: true` |
| the business refused (402, 403, 404, 409, 422 of the operation) | the same refusal, with the same header |
| the body or the caller was at fault (400, 401, 413, 415), too many (429) | tried anew |
| 503, 500 | tried anew: clients repeat these to get through |
| it is not finished | 409 `request_in_progress`, `Retry-After: 1` |
| its process died | after 60 s tried anew |

With another body, or for another operation: 422 `idempotency_key_reused`. Keys are the caller's own and are kept for
24 hours: a rider's or a driver's whatever token they show, the operator's secret key's whomever it is for, a member of staff's. An app
that shows nothing but the public key is known by its address.

"Tried anew" is safe by the operations themselves. They decide, do and record (adr/0002), so what was done before a
crash stands in the store: a ride that runs is not started again (its vehicle is held), money is not given twice (its
cause is in the ledger). The second attempt may then answer what a second call would be answered, such as 409.

Not for operations that answer with a token or a code: the answer would have to be stored as it is, and nothing
that opens an account is ever stored readable. They are safe by their single-use `phone_token`; a client that lost the
answer begins the flow again.
"""

from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Final, assert_never

import structlog

from isotope.api.caller import Anonymous, Caller, DriverCaller, RiderCaller, SecretCaller, StaffCaller
from isotope.api.fingerprint import fingerprint
from isotope.api.operation import Operation
from isotope.domain.tenants.model import Operator
from isotope.infra import idempotency
from isotope.infra.idempotency import Answer, Claimed, NotKept, Request, Reused, Running
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY, driver_actor, rider_actor, staff_actor
from isotope.kernel.card_numbers import has_card_number
from isotope.kernel.errors import Fault, Kind, Refusal, invalid

_log = structlog.get_logger("isotope.api")

MOST_KEY: Final = 255
HEADER: Final = "Idempotency-Key"
REPLAYED: Final = (b"idempotent-replayed", b"true")

RawAnswer = tuple[int, bytes, list[tuple[bytes, bytes]]]

# Noes that a repetition may turn into a yes, or that say that nothing was even looked at.
_NOT_FINAL: Final = frozenset(
    {Kind.INVALID, Kind.UNAUTHORIZED, Kind.TOO_LARGE, Kind.UNSUPPORTED_MEDIA, Kind.TOO_MANY, Kind.UNAVAILABLE}
)


def request_in_progress() -> Refusal:
    """The first call under the key is not finished."""
    return Refusal(Kind.CONFLICT, "request_in_progress", retry_after_s=1)


def idempotency_key_reused() -> Refusal:
    """The key stands for another operation or body."""
    return Refusal(Kind.UNPROCESSABLE, "idempotency_key_reused")


def answer_not_kept() -> Refusal:
    """It was done; its answer was too large to be kept."""
    return Refusal(Kind.CONFLICT, "answer_not_kept")


def is_final(refusal: Refusal) -> bool:
    """Whether the same call would be refused again for what it is, so that the refusal is its answer."""
    return refusal.kind not in _NOT_FINAL


def read_key(operation: Operation, headers: Mapping[str, str]) -> str | None:
    """The key of a call; None if it has none, or if the operation takes none.

    Raises:
        Refusal: `validation_failed`.
    """
    key = headers.get("idempotency-key") if operation.idempotent else None
    if key is None:
        return None
    if not (0 < len(key) <= MOST_KEY and key.isascii() and key.isprintable()):
        raise invalid(Fault(HEADER, f"a header of 1 to {MOST_KEY} printable ASCII characters is expected"))
    # It is stored.
    if has_card_number(key):
        raise invalid(Fault(HEADER, "must not contain a card number"))
    return key


def request_of(
    operation: Operation, operator: Operator, caller: Caller, address: str | None, key: str, body: Any
) -> Request:
    """What is asked for, and whose the key is."""
    return Request(
        operator_id=operator.id,
        caller=_name(caller, address),
        key=key,
        operation=operation.id,
        body_hash=fingerprint(operation.id, body),
    )


def _name(caller: Caller, address: str | None) -> str:
    match caller:
        case RiderCaller(rider=rider):
            return rider_actor(rider.id)
        case DriverCaller(driver=driver):
            return driver_actor(driver.id)
        case SecretCaller():
            return SECRET_KEY
        case StaffCaller(staff=staff):
            return staff_actor(staff.id)
        case Anonymous():
            return f"anonymous:{address or ''}"
        case _:
            assert_never(caller)


async def once(rt: Runtime, request: Request, run: Callable[[], Awaitable[RawAnswer]]) -> tuple[RawAnswer, bool]:
    """Run, or answer what running answered before; and whether that was so.

    What `run` returns is kept. When it raises, the key is free again. When this task is cancelled the claim stays
    until its lease ends, for nobody knows how far it came.

    Raises:
        Refusal: `request_in_progress`, `idempotency_key_reused`, `answer_not_kept`, and what `run` raises.
    """
    found = await idempotency.claim(rt, request)
    match found:
        case Claimed():
            return await _run(rt, found, run), False
        case Answer(status=status, body=body, headers=headers):
            return (status, body, [*headers, REPLAYED]), True
        case NotKept():
            raise answer_not_kept()
        case Running():
            raise request_in_progress()
        case Reused():
            raise idempotency_key_reused()
        case _:
            assert_never(found)


async def _run(rt: Runtime, claimed: Claimed, run: Callable[[], Awaitable[RawAnswer]]) -> RawAnswer:
    try:
        status, body, headers = await run()
    except Exception:
        # If the store is gone, the lease ends by itself.
        with suppress(Refusal):
            await idempotency.free(rt, claimed)
        raise
    try:
        is_kept = await idempotency.finish(rt, claimed, Answer(status, body, headers))
    except Refusal:
        # It is done, and whoever gets this answer does not ask again.
        is_kept = False
    if not is_kept:
        _log.warning("idempotency.not_kept", operation=claimed.request.operation)
    return status, body, headers

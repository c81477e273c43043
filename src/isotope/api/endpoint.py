"""From an ASGI request to an answer, the same way for every operation.

The operator's key, the caller, the body, what the caller may say, the handler, encoding.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from isotope.api.address import Networks, address_of
from isotope.api.auth import find_caller, find_operator, settle
from isotope.api.body import Receive, read_form, read_json, read_query
from isotope.api.caller import RiderCaller, StaffCaller
from isotope.api.context import Services
from isotope.api.errors import encode_refusal
from isotope.api.operation import Call, Operation
from isotope.domain.tenants.model import Operator
from isotope.kernel.errors import Fault, Refusal, invalid
from isotope.kernel.texts import FALLBACK_LANGUAGE, accepted_languages

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[str, str]
RawHeaders = list[tuple[bytes, bytes]]

MOST_KEY: Final = 255
JSON_TYPE: Final = (b"content-type", b"application/json")

# Amounts are Decimals and leave as exact JSON numbers.
encode: Final = msgspec.json.Encoder(decimal_format="number").encode


@dataclass(slots=True)
class Trace:
    """What the log line of a request says; filled on the way, never with personal data."""

    request_id: str
    operation: str = ""
    operator_id: int | None = None
    caller: str = ""
    code: str = ""


def headers_of(scope: Mapping[str, Any]) -> dict[str, str]:
    """Header names come in lower case from the server; of repeated ones the last counts."""
    return {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}


async def answer(
    operation: Operation,
    services: Services,
    trusted: Networks,
    scope: Mapping[str, Any],
    receive: Receive,
    trace: Trace,
) -> tuple[int, bytes, RawHeaders]:
    """Run one operation: status, body and headers."""
    headers = headers_of(scope)
    trace.operation = operation.id
    operator: Operator | None = None
    languages: tuple[str, ...] = (FALLBACK_LANGUAGE,)
    try:
        operator = await find_operator(services, operation, headers)
        caller = await find_caller(services, operation, operator, headers)
        trace.caller = type(caller).__name__
        if isinstance(caller, StaffCaller):
            operator = caller.operator
        if operator is not None:
            trace.operator_id = operator.id
            languages = _languages(headers, operator, caller.rider.language if isinstance(caller, RiderCaller) else "")
        body = await _read_body(operation, scope, receive, headers)
        caller = await settle(services, operation, operator, caller, body)
        call = Call(
            services=services,
            caller=caller,
            body=body,
            address=address_of(scope, headers, trusted),
            request_id=trace.request_id,
            languages=languages,
            idempotency_key=_idempotency_key(headers),
            tenant=operator,
        )
        response = await operation.handler(call)
    except Refusal as refusal:
        trace.code = refusal.code
        overrides = {} if operator is None else operator.settings.texts
        return encode_refusal(refusal, services.texts, languages, overrides)
    return 200, encode(response), []


async def _read_body(operation: Operation, scope: Mapping[str, Any], receive: Receive, headers: Headers) -> Any:
    if operation.method == "GET":
        return read_query(scope["query_string"], operation.decoder)
    if operation.content == "multipart":
        return await read_form(receive, headers, operation.decoder)
    return await read_json(receive, headers, operation.decoder)


def _languages(headers: Headers, operator: Operator, own: str) -> tuple[str, ...]:
    """What the request asks for, then the rider's own language, then the operator's in their order."""
    spoken = operator.languages if own not in operator.languages else (own, *operator.languages)
    return accepted_languages(headers.get("accept-language", ""), spoken)


def _idempotency_key(headers: Headers) -> str | None:
    key = headers.get("idempotency-key")
    if key is None:
        return None
    if not (0 < len(key) <= MOST_KEY and key.isascii() and key.isprintable()):
        raise invalid(Fault("Idempotency-Key", f"a header of 1 to {MOST_KEY} printable ASCII characters is expected"))
    return key


async def send_answer(
    send: Send,
    status: int,
    body: bytes,
    headers: RawHeaders,
    content_type: bytes | None = None,
    *,
    is_head: bool = False,
) -> None:
    """Send a whole answer; of a HEAD only what would stand above it."""
    kind = JSON_TYPE if content_type is None else (b"content-type", content_type)
    length = (b"content-length", str(len(body)).encode())
    await send({"type": "http.response.start", "status": status, "headers": [kind, length, *headers]})
    await send({"type": "http.response.body", "body": b"" if is_head else body})

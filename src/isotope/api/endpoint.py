"""From an ASGI request to an answer, the same way for every operation.

The operator's key, the caller, the body, what was answered to it before, what the caller may say, the handler,
encoding.
"""

from collections.abc import Awaitable, Callable, Mapping, MutableMapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import msgspec

from isotope.api.address import Networks, address_of
from isotope.api.auth import find_caller, find_operator, judge_staff, settle
from isotope.api.body import Receive, Room, read_form, read_json, read_query
from isotope.api.caller import Caller, DriverCaller, RiderCaller, StaffCaller
from isotope.api.context import Services
from isotope.api.errors import encode_refusal
from isotope.api.exports import csv_headers, csv_of, wants_csv
from isotope.api.idempotency import is_final, once, read_key, request_of
from isotope.api.operation import Call, Operation
from isotope.api.pdf import Pdf
from isotope.api.streams import EventStream, Streams
from isotope.api.tagged import Tagged
from isotope.domain.tenants.model import Operator
from isotope.kernel.errors import Refusal
from isotope.kernel.texts import FALLBACK_LANGUAGE, accepted_languages

Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Headers = Mapping[str, str]
RawHeaders = list[tuple[bytes, bytes]]

JSON_TYPE: Final = (b"content-type", b"application/json")
_NOT_MODIFIED: Final = 304

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
    # Answered from what an earlier call under the same Idempotency-Key was answered.
    replayed: bool = False
    # The answer went on for as long as the client listened.
    is_stream: bool = False


Whole = tuple[int, bytes, RawHeaders]


@dataclass(frozen=True, slots=True)
class Going:
    """An answer that goes on, and how it says no."""

    stream: EventStream[Any]
    refuse: Callable[[Refusal], Whole]


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
) -> Whole | Going:
    """Run one operation: status, body and headers, or what is to be sent on and on."""
    with Room() as room:
        return await _answer(operation, services, trusted, scope, receive, trace, room)


async def _answer(
    operation: Operation,
    services: Services,
    trusted: Networks,
    scope: Mapping[str, Any],
    receive: Receive,
    trace: Trace,
    room: Room,
) -> Whole | Going:
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
            judge_staff(operation, caller.staff)
        if operator is not None:
            trace.operator_id = operator.id
            languages = _languages(headers, operator, _own_language(caller))
        body = await _read_body(operation, scope, receive, headers, room)
        key = read_key(operation, headers)
        call = Call(
            services=services,
            caller=caller,
            body=body,
            address=address_of(scope, headers, trusted),
            request_id=trace.request_id,
            languages=languages,
            idempotency_key=key,
            tenant=operator,
            if_none_match=headers.get("if-none-match", ""),
            accept_encoding=headers.get("accept-encoding", ""),
            accept=headers.get("accept", ""),
        )
        if key is None or operator is None:
            done = await _carry_out(operation, call, trace)
            return _going(done, call, trace) if isinstance(done, EventStream) else done
        # Before anything that the first call may have changed is looked at: a rider who is deleted by now is still
        # deleted for whoever asks again.
        request = request_of(operation, operator, caller, call.address, key, body)
        reply, trace.replayed = await once(services.rt, request, lambda: _whole(operation, call, trace))
    except Refusal as refusal:
        return _refuse(refusal, services, operator, languages, trace)
    return reply


def _going(stream: EventStream[Any], call: Call[Any], trace: Trace) -> Going:
    trace.is_stream = True
    return Going(stream, lambda refusal: _refuse(refusal, call.services, call.tenant, call.languages, trace))


async def _whole(operation: Operation, call: Call[Any], trace: Trace) -> Whole:
    done = await _carry_out(operation, call, trace)
    if isinstance(done, EventStream):
        raise TypeError(f"{operation.id}: what goes on cannot be kept under a key")
    return done


async def _carry_out(operation: Operation, call: Call[Any], trace: Trace) -> Whole | EventStream[Any]:
    """Judge what the caller may say, and do it. What is returned is the call's answer for as long as its key is kept.

    Raises:
        Refusal: what another try may turn into a yes.
    """
    caller = await settle(call.services, operation, call.tenant, call.caller, call.body)
    try:
        response = await operation.handler(call if caller is call.caller else replace(call, caller=caller))
    except Refusal as refusal:
        if call.idempotency_key is None or not is_final(refusal):
            raise
        return _refuse(refusal, call.services, call.tenant, call.languages, trace)
    if isinstance(response, Tagged):
        return response.answer(call.if_none_match, call.accept_encoding)
    if isinstance(response, EventStream):
        return response
    if operation.export is not None and isinstance(response, operation.export) and wants_csv(call.accept):
        return 200, csv_of(response), csv_headers(operation.id, response)
    if isinstance(response, Pdf):
        return 200, response.content, response.headers()
    return 200, encode(response), []


def _refuse(
    refusal: Refusal, services: Services, operator: Operator | None, languages: Sequence[str], trace: Trace
) -> tuple[int, bytes, RawHeaders]:
    trace.code = refusal.code
    overrides = {} if operator is None else operator.settings.texts
    return encode_refusal(refusal, services.texts, languages, overrides)


async def _read_body(
    operation: Operation, scope: Mapping[str, Any], receive: Receive, headers: Headers, room: Room
) -> Any:
    if operation.method == "GET":
        return read_query(scope["query_string"], operation.decoder)
    if operation.content == "multipart":
        return await read_form(receive, headers, operation.decoder, room)
    return await read_json(receive, headers, operation.decoder)


def _own_language(caller: Caller) -> str:
    match caller:
        case RiderCaller(rider=rider):
            return rider.language
        case DriverCaller(driver=driver):
            return driver.language
        case _:
            return ""


def _languages(headers: Headers, operator: Operator, own: str) -> tuple[str, ...]:
    """What the request asks for, then the rider's or driver's own language, then the operator's in their order."""
    spoken = operator.languages if own not in operator.languages else (own, *operator.languages)
    return accepted_languages(headers.get("accept-language", ""), spoken)


async def send_stream(send: Send, receive: Receive, streams: Streams, going: Going, *, is_head: bool = False) -> None:
    """Send what goes on until it ends; of a HEAD only what would stand above it."""
    start = {"type": "http.response.start", "status": 200, "headers": going.stream.headers()}
    if is_head:
        await send(start)
        await send({"type": "http.response.body", "body": b""})
        return

    async def write(data: bytes) -> None:
        await send({"type": "http.response.body", "body": data, "more_body": True})

    try:
        with streams.hold(going.stream.caller):
            await send(start)
            await streams.run(going.stream, receive, write, encode, lambda refusal: going.refuse(refusal)[1])
    except Refusal as refusal:
        await send_answer(send, *going.refuse(refusal))
        return
    await send({"type": "http.response.body", "body": b""})


async def send_answer(
    send: Send,
    status: int,
    body: bytes,
    headers: RawHeaders,
    content_type: bytes | None = None,
    *,
    is_head: bool = False,
) -> None:
    """Send a whole answer; of a HEAD only what would stand above it. It is JSON unless something says otherwise."""
    kinds = [JSON_TYPE] if content_type is None else [(b"content-type", content_type)]
    if any(name == b"content-type" for name, _value in headers):
        kinds = []
    if status == _NOT_MODIFIED:
        # What stands above it would have to be that of the content that is not sent.
        await send({"type": "http.response.start", "status": status, "headers": headers})
    else:
        length = (b"content-length", str(len(body)).encode())
        await send({"type": "http.response.start", "status": status, "headers": [*kinds, length, *headers]})
    await send({"type": "http.response.body", "body": b"" if is_head else body})

"""The outermost layer: request ids, one log line and the metrics of a request, headers, and the last net.

Nothing that comes in here leaves as a trace: whatever is not a refusal is a 500 with a log id.
"""

import re
from collections.abc import Mapping, MutableMapping
from functools import cache
from secrets import token_hex
from time import perf_counter
from typing import Any, Final

import structlog
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.types import ASGIApp
from prometheus_client import Counter, Histogram

from isotope.api.body import ClientGoneError
from isotope.api.endpoint import RawHeaders, Trace, encode, send_answer
from isotope.api.errors import INTERNAL_ERROR, NOT_FOUND
from isotope.infra import metrics
from isotope.kernel.card_numbers import has_card_number
from isotope.kernel.texts import Texts

_log = structlog.get_logger("isotope.api")

_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
_REQUEST_ID: Final = re.compile(r"^[A-Za-z0-9_.-]{8,64}$")

SECURITY_HEADERS: Final[RawHeaders] = [
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
]
# Answers are about persons, money and vehicles of this moment: no cache may keep them unless the page says so.
NO_STORE: Final = (b"cache-control", b"no-store")


class Edge:
    """Wraps the whole application."""

    def __init__(self, app: ASGIApp, texts: Texts) -> None:
        self._app = app
        self._texts = texts

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        began = perf_counter()
        trace = Trace(_request_id(scope))
        scope["isotope.trace"] = trace
        reply = _Reply(send, trace.request_id)
        try:
            await self._app(scope, receive, reply)  # type: ignore[arg-type]  # messages are plain dicts to us
        except ClientGoneError:
            trace.code = "client_gone"
        except NotFoundException:
            await self._refuse(reply, NOT_FOUND, "not_found", trace)
        except HTTPException as error:
            code = "method_not_allowed" if isinstance(error, MethodNotAllowedException) else "bad_request"
            await self._refuse(reply, error.status_code, code, trace)
        except Exception:
            _log.exception("request.failed", request_id=trace.request_id, operation=trace.operation)
            if reply.began:
                raise
            trace.code = "internal_error"
            await self._refuse(reply, INTERNAL_ERROR, "internal_error", trace, log_id=trace.request_id)
        elapsed_s = perf_counter() - began
        # An id of the registry, never a path: paths are endless.
        name = trace.operation or "other"
        count, seconds = _measures(name, reply.status)
        count.inc()
        if not trace.is_stream:
            seconds.observe(elapsed_s)
        if trace.code:
            metrics.REFUSALS.labels(trace.code).inc()
        _log.info(
            "request",
            request_id=trace.request_id,
            method=scope["method"] if scope["method"] in _METHODS else "other",
            operation=name,
            status=reply.status,
            refusal=trace.code or None,
            operator_id=trace.operator_id,
            caller=trace.caller or None,
            replayed=trace.replayed or None,
            elapsed_ms=round(elapsed_s * 1000, 2),
            received_bytes=_declared_bytes(scope),
        )

    async def _refuse(self, reply: "_Reply", status: int, code: str, trace: Trace, **params: str) -> None:
        trace.code = code
        body: dict[str, Any] = {"message": self._texts.render(code, params), "code": code}
        if params:
            body["details"] = params
        await send_answer(reply, status, encode(body), [])


@cache
def _measures(operation: str, status: int) -> tuple[Counter, Histogram]:
    """Looked up once: as many as there are operations and statuses."""
    return metrics.HTTP_REQUESTS.labels(operation, str(status)), metrics.HTTP_SECONDS.labels(operation)


class _Reply:
    """Adds what every answer carries, and remembers its status."""

    __slots__ = ("_request_id", "_send", "began", "status")

    def __init__(self, send: Any, request_id: str) -> None:
        self._send = send
        self._request_id = request_id
        self.began = False
        self.status = 0

    async def __call__(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.start":
            self.began = True
            self.status = message["status"]
            headers = [*message["headers"], *SECURITY_HEADERS, (b"x-request-id", self._request_id.encode())]
            if not any(name == b"cache-control" for name, _value in headers):
                headers.append(NO_STORE)
            message["headers"] = headers
        await self._send(message)


def _request_id(scope: Mapping[str, Any]) -> str:
    """The caller's own id if it is a decent one, so that their log and ours tell of the same call."""
    for name, value in scope["headers"]:
        if name == b"x-request-id":
            claimed = value.decode("latin-1")
            is_decent = _REQUEST_ID.match(claimed) is not None and not has_card_number(claimed)
            return claimed if is_decent else token_hex(8)
    return token_hex(8)


def _declared_bytes(scope: Mapping[str, Any]) -> int:
    for name, declared in scope["headers"]:
        if name == b"content-length":
            return int(declared) if declared.isdigit() and len(declared) <= 15 else 0  # noqa: PLR2004 - more is nonsense
    return 0

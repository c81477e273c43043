"""As much HTTP as the sandbox needs, over ASGI."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from urllib.parse import parse_qs

import msgspec

from isotope.card_sandbox.desk import Wrong

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]

_MAX_BODY: Final = 64_000
_HOST: Final = re.compile(r"[A-Za-z0-9.:_\[\]-]{1,255}")
_PAGE_HEADERS: Final = (
    # No form-action: browsers hold it against every further redirect of an answer, and those are the operator's.
    (
        b"content-security-policy",
        b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (b"referrer-policy", b"no-referrer"),
    (b"x-content-type-options", b"nosniff"),
)


@dataclass(frozen=True, slots=True)
class Request:
    """A request with its body. `receive` tells when the client is gone."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes
    query: Mapping[str, str]
    receive: Receive

    def form(self) -> dict[str, str]:
        """A form's fields; the last one of a name."""
        fields = parse_qs(self.body.decode("latin-1"), keep_blank_values=True)
        return {name: values[-1] for name, values in fields.items()}

    def base(self) -> str:
        """The address that it was sent to."""
        host = self.headers.get("host", "")
        if not _HOST.fullmatch(host):
            raise Wrong(400, "host_invalid")
        return f"http://{host}"


@dataclass(frozen=True, slots=True)
class Response:
    """`half`: the connection ends in the middle of it. `never`: nothing is sent until the client gives up."""

    status: int
    body: bytes = b""
    headers: tuple[tuple[bytes, bytes], ...] = field(default=())
    half: bool = False
    never: bool = False


def as_json(status: int, body: Any) -> Response:
    headers: tuple[tuple[bytes, bytes], ...] = ((b"content-type", b"application/json"),)
    if status == 409:  # noqa: PLR2004 - conflict: it still runs
        headers += ((b"retry-after", b"1"),)
    return Response(status, msgspec.json.encode(body), headers)


def as_page(status: int, html: str) -> Response:
    return Response(status, html.encode(), ((b"content-type", b"text/html; charset=utf-8"), *_PAGE_HEADERS))


def redirect(url: str) -> Response:
    """After a form: the browser goes on with GET."""
    # Percent signs and the like stand as they were given; what no header may carry was refused when it was stored.
    return Response(303, b"", ((b"location", url.encode("utf-8")), *_PAGE_HEADERS))


async def read_request(scope: Scope, receive: Receive) -> Request:
    """Raises `Wrong` for bodies that are too long or end early."""
    body = bytearray()
    more = True
    while more:
        message = await receive()
        if message["type"] != "http.request":
            raise Wrong(400, "body_incomplete")
        body += message.get("body", b"")
        if len(body) > _MAX_BODY:
            raise Wrong(413, "body_too_long")
        more = message.get("more_body", False)
    query = parse_qs(scope["query_string"].decode("latin-1"), keep_blank_values=True)
    return Request(
        method=scope["method"],
        path=scope["path"],
        headers={name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]},
        body=bytes(body),
        query={name: values[-1] for name, values in query.items()},
        receive=receive,
    )


async def send_response(response: Response, send: Send) -> None:
    headers = [
        *response.headers,
        (b"content-length", str(len(response.body)).encode()),
        (b"cache-control", b"no-store"),
    ]
    await send({"type": "http.response.start", "status": response.status, "headers": headers})
    body = response.body[: len(response.body) // 2] if response.half else response.body
    await send({"type": "http.response.body", "body": body, "more_body": response.half})

"""The HTTP application: routes made of the registry, and the few pages beside it.

Litestar routes and speaks ASGI; decoding, errors and documentation are ours, because the contract's are.
"""

from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final

from litestar import Litestar
from litestar.config.cors import CORSConfig
from litestar.datastructures import State
from litestar.handlers import ASGIRouteHandler, asgi

from isotope.api.address import Networks, trusted_networks
from isotope.api.context import Services
from isotope.api.edge import Edge
from isotope.api.endpoint import Going, RawHeaders, Trace, answer, encode, send_answer, send_stream
from isotope.api.errors import METHOD_NOT_ALLOWED
from isotope.api.operation import Operation
from isotope.api.pages import pages
from isotope.api.sections import operations
from isotope.api.shown import Page
from isotope.api.webhooks import PATH as WEBHOOK_PATH
from isotope.api.webhooks import take_card_webhook
from isotope.kernel.texts import Texts

# What a browser may ask of another site's page; everything the contract reads from headers.
_CORS_HEADERS: Final = [
    "Accept-Language",
    "App-Public-Key",
    "Authorization",
    "Content-Type",
    "Idempotency-Key",
    "If-None-Match",
    "X-Request-Id",
]
_CORS_METHODS: Final[Any] = ["GET", "POST", "PUT", "DELETE"]
_CORS_SHOWN: Final = ["ETag", "Idempotent-Replayed", "Retry-After", "X-Request-Id"]
_CORS_AGE_S: Final = 600


def create_app(services: Services) -> Litestar:
    """The application over `services`; whoever starts it also starts and stops what they hold.

    Raises:
        ValueError: `trusted_proxies` names something that is no network.
    """
    trusted = trusted_networks(services.config.trusted_proxies)
    by_path: dict[str, dict[str, _Answerer]] = defaultdict(dict)
    for operation in operations():
        by_path[operation.path][operation.method] = _operation_answerer(operation, services, trusted)
    for page in pages(services):
        by_path[page.path]["GET"] = _page_answerer(page, services)
    by_path[WEBHOOK_PATH]["POST"] = _webhook_answerer(services)
    takes_rest = {WEBHOOK_PATH, *(page.path for page in pages(services) if page.takes_rest)}
    app = Litestar(
        route_handlers=[
            _route(path, methods, services, takes_rest=path in takes_rest) for path, methods in by_path.items()
        ],
        openapi_config=None,
        logging_config=None,
        # Routing's own noes go to the edge like everything else that is raised.
        exception_handlers={Exception: _raise},
        cors_config=_cors(services.config.cors_origins),
        state=State({"services": services}),
    )
    app.asgi_handler = Edge(_cors_for_browsers(app), services.texts)
    return app


def _cors_for_browsers(app: Litestar) -> Any:
    """The application; what is for other sites' pages is looked at only where one asks: apps send no `Origin`."""
    with_cors: Any = app.asgi_handler
    if app.cors_config is None:
        return with_cors
    without = with_cors.app

    async def handle(scope: Any, receive: Any, send: Any) -> None:
        asks = any(name == b"origin" for name, _value in scope["headers"])
        await (with_cors if asks else without)(scope, receive, send)

    return handle


def _raise(_request: Any, error: Exception) -> Any:
    raise error


_Answer = tuple[int, bytes, RawHeaders, bytes | None]
_Answerer = Callable[[Mapping[str, Any], Any, Trace], Awaitable[_Answer | Going]]


def _operation_answerer(operation: Operation, services: Services, trusted: Networks) -> _Answerer:
    async def run(scope: Mapping[str, Any], receive: Any, trace: Trace) -> _Answer | Going:
        found = await answer(operation, services, trusted, scope, receive, trace)
        return found if isinstance(found, Going) else (*found, None)

    return run


def _page_answerer(page: Page, services: Services) -> _Answerer:
    async def run(scope: Mapping[str, Any], _receive: Any, trace: Trace) -> _Answer:
        trace.operation = page.name
        shown = await page.show(services, scope)
        return shown.status, shown.body, shown.headers, shown.content_type

    return run


def _webhook_answerer(services: Services) -> _Answerer:
    async def run(scope: Mapping[str, Any], receive: Any, trace: Trace) -> _Answer:
        shown = await take_card_webhook(services, scope, receive, trace)
        return shown.status, shown.body, shown.headers, shown.content_type

    return run


def _route(path: str, methods: Mapping[str, _Answerer], services: Services, *, takes_rest: bool) -> ASGIRouteHandler:
    """One path: its methods, HEAD for GET, OPTIONS, and a 405 that says what there is.

    Paths that go on are mounts: the framework has path parameters for other handlers than ours only.
    """
    allowed = _allowed(methods)

    @asgi(path, copy_scope=False, name=path, is_mount=takes_rest)
    async def handle(scope: Any, receive: Any, send: Any) -> None:
        trace: Trace = scope["isotope.trace"]
        method = scope["method"]
        run = methods.get("GET" if method == "HEAD" else method)
        if run is None:
            trace.operation = "other"
            await _without_operation(method, allowed, services.texts, trace, send)
            return
        found = await run(scope, receive, trace)
        if isinstance(found, Going):
            await send_stream(send, receive, services.streams, found, is_head=method == "HEAD")
            return
        status, body, headers, content_type = found
        await send_answer(send, status, body, headers, content_type, is_head=method == "HEAD")

    return handle


def _allowed(methods: Mapping[str, Any]) -> Sequence[str]:
    extra = ("HEAD", "OPTIONS") if "GET" in methods else ("OPTIONS",)
    return (*methods, *extra)


async def _without_operation(method: str, allowed: Sequence[str], texts: Texts, trace: Trace, send: Any) -> None:
    allow = (b"allow", ", ".join(allowed).encode())
    if method == "OPTIONS":
        await send({"type": "http.response.start", "status": 204, "headers": [allow]})
        await send({"type": "http.response.body", "body": b""})
        return
    trace.code = "method_not_allowed"
    params = {"method": method[:16], "allowed": ", ".join(allowed)}
    body = {
        "message": texts.render("method_not_allowed", params),
        "code": "method_not_allowed",
        "details": {"allowed": list(allowed)},
    }
    await send_answer(send, METHOD_NOT_ALLOWED, encode(body), [allow])


def _cors(setting: str) -> CORSConfig | None:
    origins = [origin.strip() for origin in setting.split(",") if origin.strip()]
    if not origins:
        return None
    return CORSConfig(
        allow_origins=origins,
        allow_methods=_CORS_METHODS,
        allow_headers=_CORS_HEADERS,
        expose_headers=_CORS_SHOWN,
        max_age=_CORS_AGE_S,
    )

"""What is served beside the contract: health, metrics, the outboxes of the demo, documentation, pages for cards, pictures."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final
from urllib.parse import parse_qs

from isotope.adapters.push import list_push_outbox
from isotope.adapters.sms import list_outbox
from isotope.api.card_pages import card_pages
from isotope.api.context import Services
from isotope.api.docs.curl import BASE
from isotope.api.docs.money import render_money
from isotope.api.docs.page import render
from isotope.api.endpoint import encode
from isotope.api.files import files_page
from isotope.api.health import unready_reasons
from isotope.api.openapi.document import openapi_document
from isotope.api.sections import operations
from isotope.api.shown import Page, Shown
from isotope.infra import metrics
from isotope.kernel.texts import FALLBACK_LANGUAGE

_HTML: Final = b"text/html; charset=utf-8"
# The documentation loads nothing from anywhere: its style stands in the page, and there is no script.
_DOCS_POLICY: Final = b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
_HOST: Final = re.compile(rb"[A-Za-z0-9.:_\[\]-]{1,255}")
_OUTBOX_LIMIT: Final = 20
_RETRY_AFTER: Final = (b"retry-after", b"2")


def pages(services: Services) -> Sequence[Page]:
    """Every page; the outboxes only where they may exist."""
    found = [
        Page("live", "/health/live", _live),
        Page("ready", "/health/ready", _ready),
        Page("metrics", "/metrics", _metrics),
        Page("docs", "/api/docs", _docs()),
        Page("docs_money", "/api/docs/money", _docs_money()),
        Page("openapi", "/api/docs/openapi.json", _openapi()),
        *card_pages(),
        files_page(),
    ]
    if services.config.mode != "production":
        found.append(Page("dev_outbox", "/dev/outbox", _outbox))
        found.append(Page("dev_push_outbox", "/dev/push-outbox", _push_outbox))
    return found


async def _live(_services: Services, _scope: Mapping[str, Any]) -> Shown:
    return Shown(encode({"status": "live"}))


async def _ready(services: Services, _scope: Mapping[str, Any]) -> Shown:
    reasons = await unready_reasons(services)
    if reasons:
        return Shown(encode({"status": "not ready", "reasons": reasons}), 503, headers=[_RETRY_AFTER])
    return Shown(encode({"status": "ready", "reasons": []}))


async def _metrics(services: Services, _scope: Mapping[str, Any]) -> Shown:
    metrics.observe_store(services.rt.db.stats())
    metrics.MAP_VEHICLES.set(services.live_map.count())
    metrics.MAP_BEHIND_SECONDS.set(services.live_map.behind_s())
    body, content_type = metrics.exposition()
    return Shown(body, content_type=content_type.encode())


async def _outbox(services: Services, scope: Mapping[str, Any]) -> Shown:
    """The newest messages to a number: `?phone=` takes prefix and number, anything but digits is passed over."""
    asked = parse_qs(scope["query_string"].decode("latin-1")).get("phone", [""])[-1]
    digits = "".join(char for char in asked if char in "0123456789")
    if not digits:
        text = services.texts.render("outbox_phone_missing", languages=(FALLBACK_LANGUAGE,))
        fault = {"error_info": text, "field": "phone"}
        message = services.texts.render("validation_failed")
        return Shown(encode({"message": message, "code": "validation_failed", "errors": [fault]}), 400)
    return Shown(encode(await list_outbox(services.rt, digits, _OUTBOX_LIMIT)))


async def _push_outbox(services: Services, scope: Mapping[str, Any]) -> Shown:
    """The newest notifications of an app: `?token=`; without one there are none."""
    token = parse_qs(scope["query_string"].decode("latin-1")).get("token", [""])[-1]
    return Shown(encode(await list_push_outbox(services.rt, token, _OUTBOX_LIMIT)))


def _docs() -> Callable[[Services, Mapping[str, Any]], Awaitable[Shown]]:
    made: list[str] = []

    async def show(services: Services, scope: Mapping[str, Any]) -> Shown:
        if not made:
            made.append(render(operations(), services.texts))
        page = made[0].replace(BASE, _address_of(scope))
        return Shown(page.encode(), content_type=_HTML, headers=[(b"content-security-policy", _DOCS_POLICY)])

    return show


def _docs_money() -> Callable[[Services, Mapping[str, Any]], Awaitable[Shown]]:
    made: list[bytes] = []

    async def show(_services: Services, _scope: Mapping[str, Any]) -> Shown:
        if not made:
            made.append(render_money().encode())
        return Shown(made[0], content_type=_HTML, headers=[(b"content-security-policy", _DOCS_POLICY)])

    return show


def _address_of(scope: Mapping[str, Any]) -> str:
    """Where the page was asked for, so that its lines work when pasted; only what cannot break the page."""
    for name, value in scope["headers"]:
        if name == b"host" and _HOST.fullmatch(value):
            return f"{scope['scheme']}://{value.decode('ascii')}"
    return BASE


def _openapi() -> Callable[[Services, Mapping[str, Any]], Awaitable[Shown]]:
    made: list[bytes] = []

    async def show(services: Services, _scope: Mapping[str, Any]) -> Shown:
        if not made:
            made.append(encode(openapi_document(operations(), services.texts)))
        return Shown(made[0], headers=[(b"cache-control", b"public, max-age=300")])

    return show

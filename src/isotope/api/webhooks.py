"""What card providers tell by themselves. No operator's key: the provider's signature says who calls.

| what comes | answer |
|---|---|
| signed by the provider, new or known | 200 |
| not signed by it, too old, not readable | 400 `webhook_refused`, which does not say why |
| at the name of another provider, or where no cards are taken | 404 |
| more than 256 KiB | 413 |

An answer only says that it is stored; the worker looks what it means (`take_card_event`).
"""

from collections.abc import Mapping
from typing import Any, Final

import structlog

from isotope.api.body import Receive, read_raw
from isotope.api.context import Services
from isotope.api.endpoint import Trace, encode, headers_of
from isotope.api.errors import encode_refusal
from isotope.api.shown import Shown, rest_of
from isotope.domain.payments import EventRefused, take_card_event
from isotope.kernel.errors import Kind, Refusal

_log = structlog.get_logger("isotope.api")

# The provider's name follows.
PATH: Final = "/webhooks/cards"
NAME: Final = "card_webhook"
MOST_BYTES: Final = 256 * 1024


async def take_card_webhook(services: Services, scope: Mapping[str, Any], receive: Receive, trace: Trace) -> Shown:
    """A webhook of the card provider."""
    trace.operation = NAME
    try:
        return Shown(encode({"received": await _take(services, scope, receive)}))
    except Refusal as refusal:
        trace.code = refusal.code
        status, body, headers = encode_refusal(refusal, services.texts)
        return Shown(body, status, headers=headers)


async def _take(services: Services, scope: Mapping[str, Any], receive: Receive) -> bool:
    provider = services.cards.provider
    if provider is None or rest_of(scope) != provider.name:
        raise Refusal(Kind.NOT_FOUND, "not_found")
    headers = headers_of(scope)
    body = await read_raw(receive, headers, MOST_BYTES)
    try:
        await take_card_event(services.rt, services.cards, headers, body)
    except EventRefused as error:
        # What was wrong with it is for us, not for whoever tries signatures.
        _log.warning("webhook.refused", provider=provider.name, reason=str(error))
        raise Refusal(Kind.INVALID, "webhook_refused") from error
    return True

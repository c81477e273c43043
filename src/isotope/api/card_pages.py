"""Pages on which riders end when they come back from a card provider, and what they are told there.

No script, no link, nothing loaded from anywhere, and no word of the address on the page: only texts of the catalogue.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from isotope.api.context import Services
from isotope.api.docs.html import Markup, join, tag
from isotope.api.endpoint import headers_of
from isotope.api.shown import Page, Shown, rest_of
from isotope.domain import payments
from isotope.domain.tenants.model import Operator
from isotope.kernel.texts import FALLBACK_LANGUAGE, accepted_languages

_HTML: Final = b"text/html; charset=utf-8"
_POLICY: Final = (
    b"content-security-policy",
    b"default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
)
_MOST_TOKEN: Final = 100
_STYLE: Final = Markup(
    "body{font:18px/1.5 system-ui,sans-serif;max-width:28rem;margin:20vh auto;padding:0 1.5rem;text-align:center}"
    "@media (prefers-color-scheme:dark){body{background:#111;color:#eee}}"
)


def card_pages() -> Sequence[Page]:
    """Where `add-payment-method` and `top-up` let a browser come back to."""
    return [
        Page("card_return", "/cards/return", _return, takes_rest=True),
        Page("card_done", "/cards/done", _done),
    ]


async def _return(services: Services, scope: Mapping[str, Any]) -> Shown:
    """Ask what became of the card, and send the browser on to where the app wanted it."""
    token = rest_of(scope)
    setup = None
    if services.cards.are_taken and 0 < len(token) <= _MOST_TOKEN:
        setup = await payments.return_from_card_page(services.rt, services.cards, services.operators, token)
    if setup is None:
        return _page(services, scope, None, "unknown", status=404)
    if setup.return_url is not None:
        # It was checked when it was stored: it begins with one of the operator's addresses.
        target = payments.with_query(setup.return_url, setup_id=setup.id, status=setup.status)
        return Shown(b"", 303, _HTML, [(b"location", target.encode("ascii")), _POLICY])
    return _page(services, scope, await services.operators.get(setup.operator_id), setup.status.lower())


async def _done(services: Services, scope: Mapping[str, Any]) -> Shown:
    return _page(services, scope, None, "back")


def _page(
    services: Services, scope: Mapping[str, Any], operator: Operator | None, outcome: str, *, status: int = 200
) -> Shown:
    spoken = (FALLBACK_LANGUAGE,) if operator is None else operator.languages
    languages = accepted_languages(headers_of(scope).get("accept-language", ""), spoken)
    overrides = {} if operator is None else operator.settings.texts

    def text(code: str) -> str:
        return services.texts.render(code, languages=languages, overrides=overrides)

    head = join(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", text("card_page_title")),
            tag("style", _STYLE),
        ]
    )
    body = tag("body", tag("h1", text("card_page_title")), tag("p", text(f"card_page_{outcome}")))
    page = "<!doctype html>" + tag("html", tag("head", head), body, lang=languages[0])
    return Shown(page.encode(), status, _HTML, [_POLICY])

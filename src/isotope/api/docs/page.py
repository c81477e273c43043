"""The page itself."""

import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from importlib import resources
from importlib.metadata import version
from typing import Final

from isotope.api.docs.curl import BASE, curl_line
from isotope.api.docs.fields import request_fields, response_fields
from isotope.api.docs.html import Markup, inline, join, prose, table, tag
from isotope.api.openapi.refusals import refusals_of
from isotope.api.openapi.schemas import Schemas
from isotope.api.operation import Auth, Operation
from isotope.kernel.texts import Texts

_AUTH_WORDS: Final[Mapping[Auth, str]] = {
    Auth.NONE: "no key",
    Auth.PUBLIC: "public key",
    Auth.PUBLIC_IF_OPEN: "public key + authorization, unless the operator opens it",
    Auth.PUBLIC_AND_CALLER: "public key + authorization",
    Auth.SECRET: "public key + secret key",
    Auth.STAFF: "dashboard token",
    Auth.DRIVER: "public key + driver's token",
}
_CURL_FOR_A_TOKEN: Final = f"""BASE={BASE}
post() {{ curl -s "$BASE$1" -H 'App-Public-Key: demo-public' -H 'Content-Type: application/json' -d "$2"; }}
field() {{ python3 -c "import sys, json; print(json.load(sys.stdin)$1)"; }}

A=/openapi/v1.0/authorization
PHONE=$(post $A/request-phone-verification '{{"phone_prefix": "358", "phone": "401234567", "flow": "REGISTER"}}' | field "['phone_token']")
CODE=$(curl -s "$BASE/dev/outbox?phone=358401234567" | field "[0]['code']")
PHONE=$(post $A/verify-phone-code '{{"code": "'$CODE'", "phone_token": "'$PHONE'"}}' | field "['phone_token']")
TOKEN=$(post $A/register '{{"name": "John Doe", "email": "john.doe@example.com", "phone_token": "'$PHONE'"}}' | field "['token']")
echo "$TOKEN\""""
_CURL_FOR_STAFF: Final = f"""STAFF=$(curl -s {BASE}/api/v2/admin/login/openapi -H 'Content-Type: application/json' \\
  -d '{{"email": "admin@demo.test", "password": "demo-password"}}' |
  python3 -c "import sys, json; print(json.load(sys.stdin)['access_token'])")
echo "$STAFF\""""
# With `post` and `field` of the lines for a rider. The number is of the last driver of the demo, whom nobody simulates.
_CURL_FOR_DRIVERS: Final = """PHONE=$(post $A/request-phone-verification '{"phone_prefix": "358", "phone": "451900059", "flow": "DRIVER"}' | field "['phone_token']")
CODE=$(curl -s "$BASE/dev/outbox?phone=358451900059" | field "[0]['code']")
PHONE=$(post $A/verify-phone-code '{"code": "'$CODE'", "phone_token": "'$PHONE'"}' | field "['phone_token']")
DRIVER=$(post /openapi/v1.0/driver/login '{"phone_token": "'$PHONE'"}' | field "['token']")
echo "$DRIVER\""""
_FAULTY: Final = {
    "message": "Validation failed",
    "code": "validation_failed",
    "errors": [
        {"error_info": "Field required", "field": "phone_token"},
        {"error_info": "an integer from 1 to 9223372036854775807 is expected, not an object", "field": "vehicle_ids.2"},
    ],
}


def render(operations: Sequence[Operation], texts: Texts) -> str:
    """The whole page."""
    by_tag: dict[str, list[Operation]] = defaultdict(list)
    for operation in operations:
        by_tag[operation.tag].append(operation)
    style = resources.files("isotope.api.static").joinpath("docs.css").read_text(encoding="utf-8")
    schemas = Schemas()
    main = tag("main", _introduction(), *(_section(name, known, schemas, texts) for name, known in by_tag.items()))
    head = join(
        [
            Markup('<meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">'),
            tag("title", "Isotope API"),
            tag("style", Markup(style)),
        ]
    )
    body = tag("body", _navigation(by_tag), main)
    return "<!doctype html>" + tag("html", tag("head", head), body, lang="en")


def _navigation(by_tag: Mapping[str, Sequence[Operation]]) -> Markup:
    sections = [
        join(
            [
                tag("a", name, href=f"#{_anchor(name)}", class_="section"),
                tag("ul", *(tag("li", tag("a", known.title, href=f"#{known.id}")) for known in operations)),
            ]
        )
        for name, operations in by_tag.items()
    ]
    guide = [("Keys", "keys"), ("Tokens", "token"), ("Bodies", "bodies"), ("Sending again", "idempotency")]
    guide.append(("Refusals", "refusals"))
    return tag(
        "nav",
        tag("a", "Isotope API", href="#top", class_="brand"),
        tag("span", version("isotope-mobility"), class_="version"),
        tag("a", "Guide", href="#top", class_="section"),
        tag("ul", *(tag("li", tag("a", title, href=f"#{anchor}")) for title, anchor in guide)),
        *sections,
        tag("a", "Money on one page", href="/api/docs/money", class_="section"),
        tag("a", "openapi.json", href="/api/docs/openapi.json", class_="section"),
    )


def _introduction() -> Markup:
    return tag(
        "section",
        tag("h1", "Isotope API"),
        prose(
            "Shared mobility behind one API. The machine-readable form of this page is the OpenAPI 3.1 document at "
            "`/api/docs/openapi.json`; every line below for the shell works against the demo operator as it stands."
        ),
        tag(
            "p",
            "How rides are paid, what a card goes through and why nothing is charged twice: ",
            tag("a", "money on one page", href="/api/docs/money"),
            ".",
        ),
        tag("h2", "Keys", id="keys"),
        prose(
            "`App-Public-Key` says which operator is called. It is no secret: it is part of the operator's app.\n\n"
            "`Authorization` says who calls: a rider by their token, or the operator's own servers by the secret key. "
            "Three forms are taken: `Bearer TOKEN`, the bare `TOKEN`, and `Basic` with base64 of `TOKEN:`. With the "
            "secret key, operations that are for a rider need `user_id`. Fields marked "
        ),
        tag(
            "p",
            tag("span", "secret key", class_="mark secret"),
            inline(" are refused, never ignored, from anybody else."),
        ),
        table(
            ("Demo", "Value"),
            [
                ("App-Public-Key", tag("code", "demo-public")),
                ("Secret key", tag("code", "demo-secret")),
                ("Staff", tag("code", "admin@demo.test / demo-password")),
                ("Phone codes", tag("code", "GET /dev/outbox?phone=358401234567")),
            ],
        ),
        tag("h2", "Tokens", id="token"),
        prose(
            "A rider's: ask for a code, read it in the demo's outbox, verify it, register. For a known number use `LOGIN` "
            "and `login`."
        ),
        tag("pre", tag("code", _CURL_FOR_A_TOKEN)),
        prose("What stands under `/api/v2/admin` is for staff, with a token of the dashboard:"),
        tag("pre", tag("code", _CURL_FOR_STAFF)),
        prose("What stands under `/openapi/v1.0/driver` is for drivers. In the same shell as the first lines:"),
        tag("pre", tag("code", _CURL_FOR_DRIVERS)),
        tag("h2", "Bodies", id="bodies"),
        prose(
            "JSON in UTF-8, at most 1 MiB (forms with pictures: 10 MiB). Unknown fields are ignored, numbers may be "
            'sent as texts (`"5"`), and an empty body counts as `{}`. Amounts are exact JSON numbers in the '
            "currency's unit. Instants are Unix seconds. GeoJSON is `[longitude, latitude]`; everything else names "
            "`latitude` and `longitude`.\n\n"
            "`Accept-Language` chooses the language of messages. Every answer has an `X-Request-Id`; give it to support."
        ),
        tag("h2", "Sending again", id="idempotency"),
        prose(
            "Whatever creates, starts, ends, pauses or moves money takes an `Idempotency-Key` header: 1 to 255 "
            "printable ASCII characters, best a random UUID for each thing that is to be done, kept until there is an "
            "answer. For 24 hours the same key with the same body is answered as the first time, marked with "
            "`Idempotent-Replayed: true`, and nothing is done again. Refusals by the business are answers too: when a "
            "person tries once more, send a new key; when a program heard nothing or 503, the old one."
        ),
        table(
            ("Sent again", "Answer"),
            [
                ("The first call is done", inline("The first answer, with `Idempotent-Replayed: true`")),
                ("The first call still runs", inline("409 `request_in_progress`, `Retry-After: 1`")),
                ("With another body or for another operation", inline("422 `idempotency_key_reused`")),
                ("After a 400, 401, 413, 415, 429, 500 or 503", inline("It is tried anew")),
            ],
        ),
        prose(
            "The body is compared as it was understood: the order of fields, numbers as texts and names of files do "
            "not matter, a new position or time does. Keys are the caller's own: a rider's whatever token they show, "
            "the secret key's whomever it is for. Operations that answer with a token take no key; begin them again."
        ),
        tag("h2", "Refusals", id="refusals"),
        prose(
            "`message` is for people, `code` is for programs and never changes, `errors` lists every fault of the "
            "input at once with the path of its field, `details` carries what a program can use. 429 and 503 say in "
            "`Retry-After` when to come again."
        ),
        tag("pre", tag("code", json.dumps(_FAULTY, indent=2))),
        id="top",
    )


def _section(name: str, operations: Sequence[Operation], schemas: Schemas, texts: Texts) -> Markup:
    shown = (_operation(operation, schemas, texts) for operation in operations)
    return tag("section", tag("h1", name, id=_anchor(name)), *shown)


def _operation(operation: Operation, schemas: Schemas, texts: Texts) -> Markup:
    parts = [
        tag("h2", operation.title, id=operation.id),
        tag(
            "p",
            tag("span", operation.method, class_=f"method {operation.method.lower()}"),
            tag("code", operation.path, class_="path"),
            tag("span", _AUTH_WORDS[operation.auth], class_="auth"),
            *([tag("a", "Idempotency-Key", href="#idempotency", class_="auth")] if operation.idempotent else []),
            class_="line",
        ),
        prose(operation.description),
    ]
    if operation.request.__struct_fields__:
        kind = {"json": "Request", "multipart": "Request (multipart/form-data)"}[operation.content]
        parts += [tag("h3", kind), request_fields(schemas, operation.request)]
    parts += [tag("h3", "Try it"), tag("pre", tag("code", curl_line(operation)))]
    parts += [tag("h3", "Answer"), response_fields(schemas, operation.response)]
    for form in operation.other_forms:
        title = "Answer with export" if form is operation.export else "Another form of it"
        parts += [tag("h3", title), response_fields(schemas, form)]
    if operation.response_example is not None:
        example = json.dumps(operation.response_example, indent=2, ensure_ascii=False)
        parts.append(tag("details", tag("summary", "Example"), tag("pre", tag("code", example))))
    rows = [(str(known.status), tag("code", known.code), inline(known.text)) for known in refusals_of(operation, texts)]
    refusals = table(("Status", "Code", "What it says"), rows, class_="refusals")
    parts.append(tag("details", tag("summary", f"Refusals ({len(rows)})"), refusals))
    return tag("article", *parts)


def _anchor(name: str) -> str:
    return "section-" + name.lower().replace(" ", "-")

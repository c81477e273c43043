"""How a no looks on the wire: one table of statuses, one shape of body.

    {"message": "Validation failed",
     "code": "validation_failed",
     "errors": [{"error_info": "Field required", "field": "phone_token"}],
     "details": {...}}

`message` is for people, in their language; `code` is for programs and never changes; `errors` stands where single
fields are at fault, all at once; `details` carries what a program can use.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from isotope.kernel.errors import Fault, Kind, Refusal
from isotope.kernel.texts import Catalogue, Texts

STATUS: Final[Mapping[Kind, int]] = {
    Kind.INVALID: 400,
    Kind.UNAUTHORIZED: 401,
    Kind.PAYMENT: 402,
    Kind.FORBIDDEN: 403,
    Kind.NOT_FOUND: 404,
    Kind.CONFLICT: 409,
    Kind.TOO_LARGE: 413,
    Kind.UNSUPPORTED_MEDIA: 415,
    Kind.UNPROCESSABLE: 422,
    Kind.TOO_MANY: 429,
    Kind.UNAVAILABLE: 503,
}
NOT_FOUND: Final = 404
METHOD_NOT_ALLOWED: Final = 405
INTERNAL_ERROR: Final = 500

VALIDATION_FAILED: Final = "validation_failed"
CARD_DECLINED: Final = "card_declined"

_encode = msgspec.json.Encoder(decimal_format="number").encode


def no_access() -> Refusal:
    """No operator's key, or one that nobody has: not 401, which clients take for an old token and log in again."""
    return Refusal(Kind.FORBIDDEN, "no_access")


def unauthorized() -> Refusal:
    """Nothing usable in Authorization."""
    return Refusal(Kind.UNAUTHORIZED, "unauthorized")


def secret_key_only(fields: Sequence[str]) -> Refusal:
    """Fields that only the secret key may send."""
    return Refusal(
        Kind.FORBIDDEN,
        "secret_key_only",
        faults=[Fault(name, f"Value error, {name} works with the secret key only") for name in fields],
    )


def secret_key_required() -> Refusal:
    """A whole operation that only the secret key may call."""
    return Refusal(Kind.FORBIDDEN, "secret_key_required")


def user_id_required() -> Refusal:
    """In the words that clients of the contract look for."""
    return Refusal(
        Kind.INVALID,
        VALIDATION_FAILED,
        faults=[Fault("user_id", "Value error, user_id is required when using secret key authentication")],
    )


def body_of(
    refusal: Refusal, texts: Texts, languages: Sequence[str] = (), overrides: Mapping[str, Catalogue] | None = None
) -> dict[str, Any]:
    """The body of a refusal. Whatever is invalid says `Validation failed` and lists why."""
    text = texts.render(_text_code(refusal), refusal.params, languages=languages, overrides=overrides)
    faults = [_fault(fault) for fault in refusal.faults]
    if refusal.kind is Kind.INVALID and refusal.code != VALIDATION_FAILED:
        faults = faults or [{"error_info": text}]
        text = texts.render(VALIDATION_FAILED, languages=languages, overrides=overrides)
    body: dict[str, Any] = {"message": text, "code": refusal.code}
    if faults:
        body["errors"] = faults
    if refusal.details:
        body["details"] = refusal.details
    return body


def _text_code(refusal: Refusal) -> str:
    """The code of the text: a declined card is told by what the bank said, where it said something."""
    reason = refusal.details.get("reason")
    if refusal.code == CARD_DECLINED and reason:
        return f"card_code_{reason}"
    return refusal.code


def encode_refusal(
    refusal: Refusal, texts: Texts, languages: Sequence[str] = (), overrides: Mapping[str, Catalogue] | None = None
) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
    """Status, body and headers of a refusal."""
    headers: list[tuple[bytes, bytes]] = []
    if refusal.retry_after_s is not None:
        headers.append((b"retry-after", str(max(1, refusal.retry_after_s)).encode()))
    if refusal.kind is Kind.UNAUTHORIZED:
        headers.append((b"www-authenticate", b"Bearer"))
    return STATUS[refusal.kind], _encode(body_of(refusal, texts, languages, overrides)), headers


def _fault(fault: Fault) -> dict[str, str]:
    return {"error_info": fault.info, "field": fault.field} if fault.field else {"error_info": fault.info}

"""The sandbox's webhooks: `Sandbox-Signature: t=<seconds>,v1=<hex HMAC-SHA256 of "t.body">`."""

import hashlib
import hmac
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from isotope.domain.payments.model import CardEvent, EventKind
from isotope.domain.payments.ports import EventRefused

HEADER: Final = "sandbox-signature"
_MAX_AGE_S: Final = 300
_KINDS: Final = {
    "payment": EventKind.PAYMENT,
    "setup": EventKind.SETUP,
    "refund": EventKind.REFUND,
    "dispute": EventKind.DISPUTE,
}

_Text = Annotated[str, Meta(min_length=1, max_length=255)]


class _Data(msgspec.Struct):
    ref: _Text
    payment: _Text | None = None


class _Event(msgspec.Struct):
    id: _Text
    type: _Text
    data: _Data


def read_event(secret: str, headers: Mapping[str, str], body: bytes, now: datetime) -> CardEvent:
    """Check and read one.

    Raises:
        EventRefused: not signed with the secret, five minutes away from `now`, or not readable.
    """
    seconds, signature = _parts(headers.get(HEADER, ""))
    expected = hmac.new(secret.encode(), f"{seconds}.".encode() + body, hashlib.sha256).hexdigest()
    # Without a secret anybody could sign.
    if not secret or not hmac.compare_digest(expected.encode(), signature.encode(errors="replace")):
        raise EventRefused("not signed by the sandbox")
    if abs(now.timestamp() - int(seconds)) > _MAX_AGE_S:
        raise EventRefused("too old")
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EventRefused("not readable") from error
    kind = _KINDS.get(event.type.partition(".")[0], EventKind.OTHER)
    return CardEvent(id=event.id, kind=kind, ref=event.data.ref, type=event.type, payment_ref=event.data.payment)


def _parts(header: str) -> tuple[str, str]:
    pairs = dict(part.split("=", 1) for part in header.split(",") if "=" in part)
    seconds, signature = pairs.get("t", ""), pairs.get("v1", "")
    # A time of more digits is no time, and would take long to compute with.
    if not seconds.isascii() or not seconds.isdecimal() or len(seconds) > 12:  # noqa: PLR2004
        raise EventRefused("not signed")
    return seconds, signature

"""Stripe's webhooks: who signed them, when, and what they are about. Pure; whatever comes in is untrusted.

Source of the signature: docs.stripe.com/webhooks/signature. The SDK checks the same but reads the clock itself.
"""

import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Final

import msgspec

from isotope.domain.payments.model import CardEvent, EventKind
from isotope.domain.payments.ports import EventRefused

HEADER: Final = "stripe-signature"
TOLERANCE_S: Final = 300
_TIME_DIGITS: Final = 15
_KINDS: Final = {
    "payment_intent": EventKind.PAYMENT,
    "charge": EventKind.PAYMENT,
    "checkout.session": EventKind.SETUP,
    "setup_intent": EventKind.SETUP,
    "refund": EventKind.REFUND,
    "dispute": EventKind.DISPUTE,
}


class _Object(msgspec.Struct, frozen=True):
    object: str = ""
    id: str = ""
    # An id; whole objects stand here only in requests that ask for it, never in events.
    payment_intent: str | None = None


class _Data(msgspec.Struct, frozen=True):
    object: _Object


class _Event(msgspec.Struct, frozen=True):
    id: str
    type: str
    data: _Data


def read_event(headers: Mapping[str, str], body: bytes, now: datetime, secrets: Sequence[str]) -> CardEvent:
    """What a webhook says, if one of the secrets signed it within five minutes of `now`.

    The kind goes by the object that Stripe sends, so that types nobody has heard of yet are understood as well:

    | type | object | kind | ref |
    |---|---|---|---|
    | payment_intent.* | payment_intent | PAYMENT | the payment |
    | charge.captured, charge.refunded, charge.expired... | charge | PAYMENT | its payment |
    | refund.*, charge.refund.updated | refund | REFUND | the refund |
    | charge.dispute.* | dispute | DISPUTE | the dispute |
    | checkout.session.* | checkout.session | SETUP | the session, which is our set-up |
    | setup_intent.* | setup_intent | SETUP | the intent, which is not: the session's own event follows |
    | everything else | | OTHER | its id |

    Raises:
        EventRefused: for whatever is wrong.
    """
    _check(headers.get(HEADER, ""), body, now, secrets)
    try:
        event = msgspec.json.decode(body, type=_Event)
    except (ValueError, RecursionError):
        raise EventRefused("not readable") from None
    about = event.data.object
    kind = _KINDS.get(about.object, EventKind.OTHER)
    ref = about.id
    payment_ref = about.payment_intent
    if about.object == "charge":
        kind, ref = (EventKind.OTHER, ref) if payment_ref is None else (kind, payment_ref)
    elif about.object == "payment_intent":
        payment_ref = ref
    if not event.id or (kind is not EventKind.OTHER and not ref):
        raise EventRefused("about nothing")
    return CardEvent(id=event.id, kind=kind, ref=ref, type=event.type, payment_ref=payment_ref)


def _check(header: str, body: bytes, now: datetime, secrets: Sequence[str]) -> None:
    pairs = [part.strip().partition("=")[::2] for part in header.split(",")]
    stamps = [value for name, value in pairs if name == "t"]
    given = [value.encode(errors="surrogatepass") for name, value in pairs if name == "v1"]
    if not given or len(stamps) != 1:
        raise EventRefused("not signed")
    stamp = stamps[0]
    if not (stamp.isdecimal() and len(stamp) <= _TIME_DIGITS):
        raise EventRefused("not signed")
    signed = stamp.encode() + b"." + body
    ours = [hmac.new(secret.encode(), signed, sha256).hexdigest().encode() for secret in secrets]
    if not any(hmac.compare_digest(mine, theirs) for mine in ours for theirs in given):
        raise EventRefused("not signed by Stripe")
    if abs(now.timestamp() - int(stamp)) > TOLERANCE_S:
        raise EventRefused("too old")

"""Cards at the sandbox, over HTTP. It has its own words; here they become the port's."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from functools import cache
from typing import Any, Final, Literal
from urllib.parse import quote

import httpx2
import msgspec

from isotope.adapters.cards.sandbox_events import read_event
from isotope.domain.payments.model import (
    Answer,
    CallKind,
    CardEvent,
    DisputeFound,
    DisputeStatus,
    Merchant,
    Movement,
    MovementKind,
    RefusalCode,
    SavedCard,
)
from isotope.domain.payments.ports import (
    CardsUnclear,
    ChargeCard,
    FindCall,
    OnPayment,
    SetupFound,
    SetupStarted,
    StartSetup,
)
from isotope.infra import outbound

# The port promises an answer within 10 s.
TIMEOUT_S: Final = 8.0
_CONNECT_S: Final = 2.0
_REFUSED: Final = frozenset({400, 402, 404})
_CODES: Final = frozenset(RefusalCode)


class _Error(msgspec.Struct):
    code: str
    payment: str | None = None


class _Refusal(msgspec.Struct):
    error: _Error


class _Setup(msgspec.Struct):
    id: str
    url: str


class _Card(msgspec.Struct):
    id: str
    customer: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


class _SetupState(msgspec.Struct):
    status: Literal["pending", "done", "failed"]
    code: str | None
    card: _Card | None


class _Payment(msgspec.Struct):
    id: str
    status: Literal["requires_action", "authorised", "captured", "released", "failed"]
    amount: int
    captured: int
    code: str | None
    confirm_url: str | None


class _Removed(msgspec.Struct):
    removed: Literal[True]


class _Refund(msgspec.Struct):
    id: str
    amount: int


class _Call(msgspec.Struct):
    kind: str
    status: int
    answer: msgspec.Raw
    payment: _Payment | None


class _Dispute(msgspec.Struct):
    id: str
    payment: str
    status: Literal["open", "won", "lost"]
    amount: int
    currency: str


class _Movement(msgspec.Struct):
    kind: MovementKind
    ref: str
    payment: str
    amount: int
    currency: str
    at: datetime
    call_key: str | None


class _Movements(msgspec.Struct):
    movements: list[_Movement]
    next: int | None


class SandboxCards:
    """Implements `CardProvider`.

    Args:
        url: where the sandbox listens.
        key: its API key.
        webhook_secret: what it signs webhooks with.
        timeout_s: the longest that one request may take, whatever comes meanwhile.
    """

    name = "sandbox"

    def __init__(self, *, url: str, key: str, webhook_secret: str, timeout_s: float = TIMEOUT_S) -> None:
        self._url = url.rstrip("/")
        self._key = key
        self._webhook_secret = webhook_secret
        self._timeout_s = timeout_s

    async def start_setup(self, what: StartSetup) -> SetupStarted:
        body = {"customer": what.customer_ref, "return_url": what.return_url, "cancel_url": what.cancel_url}
        answer = await self._post("/v1/setups", what.merchant, body, what.key)
        made = _read(answer, _Setup)
        return SetupStarted(setup_ref=made.id, redirect_url=made.url)

    async def find_setup(self, merchant: Merchant, setup_ref: str) -> SetupFound:
        answer = await self._get(f"/v1/setups/{_segment(setup_ref)}", merchant)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return SetupFound(status="FAILED", code=RefusalCode.OTHER)
        found = _read(answer, _SetupState)
        if found.status == "failed":
            return SetupFound(status="FAILED", code=None if found.code is None else _code(found.code))
        if found.status == "pending" or found.card is None:
            return SetupFound(status="PENDING")
        card = found.card
        return SetupFound(
            status="DONE",
            card=SavedCard(
                customer_ref=card.customer,
                card_ref=card.id,
                brand=card.brand,
                last4=card.last4,
                exp_month=card.exp_month,
                exp_year=card.exp_year,
            ),
        )

    async def charge(self, what: ChargeCard) -> Answer:
        """See the port."""
        body = {
            "customer": what.customer_ref,
            "card": what.card_ref,
            "amount": what.amount_minor,
            "currency": what.currency,
            "capture": what.capture,
            "on_session": what.on_session,
            "return_url": what.return_url,
            "description": what.description,
        }
        answer = await self._post("/v1/payments", what.merchant, body, what.key)
        return _refusal(answer) or _as_charge(_read(answer, _Payment))

    async def capture(self, what: OnPayment) -> Answer:
        """See the port."""
        return _as_capture(await self._on_payment(what, "capture", {"amount": what.amount_minor}))

    async def release(self, what: OnPayment) -> Answer:
        """See the port."""
        return _as_release(await self._on_payment(what, "release", {}))

    async def refund(self, what: OnPayment) -> Answer:
        """See the port."""
        return _as_refund(await self._on_payment(what, "refunds", {"amount": what.amount_minor}))

    async def find_call(self, what: FindCall) -> Answer | None:
        """See the port."""
        answer = await self._get("/v1/calls", what.merchant, key=what.key)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        call = _read(answer, _Call)
        if what.kind in {CallKind.AUTHORISE, CallKind.CHARGE} and call.payment is not None:
            return _as_charge(call.payment)
        # It is answered as it was then.
        kept = httpx2.Response(call.status, content=bytes(call.answer))
        if call.kind == "capture":
            return _as_capture(kept)
        return _as_refund(kept) if call.kind == "refund" else _as_release(kept)

    async def forget_card(self, merchant: Merchant, customer_ref: str, card_ref: str) -> None:
        answer = await self._send(
            "POST", f"/v1/cards/{_segment(card_ref)}/remove", merchant, params={"customer": customer_ref}
        )
        _read(answer, _Removed)

    async def find_dispute(self, merchant: Merchant, dispute_ref: str) -> DisputeFound | None:
        answer = await self._get(f"/v1/disputes/{_segment(dispute_ref)}", merchant)
        if answer.status_code == httpx2.codes.NOT_FOUND:
            return None
        found = _read(answer, _Dispute)
        return DisputeFound(
            ref=found.id,
            payment_ref=found.payment,
            status=DisputeStatus(found.status.upper()),
            amount_minor=found.amount,
            currency=found.currency,
        )

    async def list_movements(self, merchant: Merchant, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        """See the port."""
        params = {"since": since.isoformat(), "until": until.isoformat()}
        while True:
            page = _read(await self._send("GET", "/v1/movements", merchant, params=params), _Movements)
            for found in page.movements:
                yield Movement(
                    kind=found.kind,
                    ref=found.ref,
                    payment_ref=found.payment,
                    amount_minor=found.amount,
                    currency=found.currency,
                    at=found.at,
                    call_key=found.call_key,
                )
            if page.next is None:
                return
            params["after"] = str(page.next)

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> CardEvent:
        """See the port."""
        return read_event(self._webhook_secret, headers, body, now)

    async def _on_payment(self, what: OnPayment, verb: str, body: Mapping[str, Any]) -> httpx2.Response:
        return await self._post(f"/v1/payments/{_segment(what.payment_ref)}/{verb}", what.merchant, body, what.key)

    async def _get(self, path: str, merchant: Merchant, *, key: str = "") -> httpx2.Response:
        return await self._send("GET", path, merchant, key=key)

    async def _post(self, path: str, merchant: Merchant, body: Mapping[str, Any], key: str) -> httpx2.Response:
        return await self._send("POST", path, merchant, key=key, content=msgspec.json.encode(body))

    async def _send(
        self,
        method: str,
        path: str,
        merchant: Merchant,
        *,
        key: str = "",
        content: bytes = b"",
        params: Mapping[str, str] | None = None,
    ) -> httpx2.Response:
        outbound.guard()
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Sandbox-Merchant": merchant.account or str(merchant.operator_id),
            "Content-Type": "application/json",
        }
        if key:
            headers["Idempotency-Key"] = key
        timeout = httpx2.Timeout(self._timeout_s, connect=min(_CONNECT_S, self._timeout_s))
        try:
            async with (
                asyncio.timeout(self._timeout_s),
                # A client of its own: nothing is left open when a process ends.
                httpx2.AsyncClient(timeout=timeout, verify=_tls(), trust_env=False) as client,
            ):
                return await client.request(
                    method, f"{self._url}{path}", headers=headers, content=content, params=params
                )
        except (httpx2.HTTPError, TimeoutError) as error:
            raise CardsUnclear(f"no answer of the sandbox ({type(error).__name__})") from error


@cache
def _tls() -> ssl.SSLContext:
    """Made once: reading the authorities' certificates takes longer than a call."""
    return ssl.create_default_context()


def _read(answer: httpx2.Response, kind: type[Any]) -> Any:
    if answer.status_code != httpx2.codes.OK:
        raise CardsUnclear(f"the sandbox answered {answer.status_code}")
    try:
        return msgspec.json.decode(answer.content, type=kind)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise CardsUnclear("the sandbox's answer is not readable") from error


def _refusal(answer: httpx2.Response) -> Answer | None:
    """None: it is not refused. Whether a wrong key, a conflict or a fault of its own did anything is not known."""
    if answer.status_code not in _REFUSED:
        return None
    try:
        error = msgspec.json.decode(answer.content, type=_Refusal).error
    except (msgspec.DecodeError, UnicodeDecodeError) as unreadable:
        raise CardsUnclear("the sandbox's refusal is not readable") from unreadable
    return Answer(outcome="REFUSED", code=_code(error.code), ref=error.payment)


def _code(code: str) -> str:
    if code in {"card_unknown", "customer_unknown"}:
        return RefusalCode.CARD_UNKNOWN
    if code == "payment_unknown":
        return RefusalCode.NOT_POSSIBLE
    return RefusalCode(code) if code in _CODES else RefusalCode.OTHER


def _as_charge(payment: _Payment) -> Answer:
    if payment.status == "requires_action":
        return Answer(outcome="ACTION_REQUIRED", ref=payment.id, redirect_url=payment.confirm_url)
    if payment.status == "failed" and payment.captured == 0:
        return Answer(outcome="REFUSED", code=_code(payment.code or ""), ref=payment.id)
    return Answer(outcome="DONE", amount_minor=payment.amount, ref=payment.id)


def _as_capture(answer: httpx2.Response) -> Answer:
    refused = _refusal(answer)
    if refused is not None:
        return refused
    payment: _Payment = _read(answer, _Payment)
    return Answer(outcome="DONE", amount_minor=payment.captured, ref=payment.id)


def _as_release(answer: httpx2.Response) -> Answer:
    refused = _refusal(answer)
    if refused is not None:
        return refused
    payment: _Payment = _read(answer, _Payment)
    return Answer(outcome="DONE", amount_minor=payment.amount, ref=payment.id)


def _as_refund(answer: httpx2.Response) -> Answer:
    refused = _refusal(answer)
    if refused is not None:
        return refused
    refund: _Refund = _read(answer, _Refund)
    return Answer(outcome="DONE", amount_minor=refund.amount, ref=refund.id)


def _segment(ref: str) -> str:
    return quote(ref, safe="")

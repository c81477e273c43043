"""A local server that speaks Stripe's API (`stripe_api`) on a real socket, and what can go wrong on the way to it.

with running_stripe(clock) as stripe:
    card = stripe.save_card("ok")
    cards = stripe.provider()
"""

import hmac
import json
import re
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final, Literal
from urllib.parse import parse_qs, parse_qsl, urlsplit

import httpx2

from isotope.adapters.cards.stripe import StripeCards
from isotope.domain.payments.model import SavedCard
from isotope.infra.clock import Clock
from tests.kit.stripe_api import VERSION, StripeApi, StripeError

KEY: Final = "sk_test_of_the_tests"
WEBHOOK_SECRET: Final = "whsec_of_the_tests"
ACCOUNT: Final = "acct_of_a_partner"
_SLOW_S: Final = 0.05
_BROKEN: Final = {"error": {"type": "api_error", "message": "Sorry."}}
_TIMEOUT_S: Final = 20.0

# done        it is done, and no answer comes
# lost        it is not done, and no answer comes
# cut         it is not done, and the connection is closed
# slow        it is done, and the answer comes late
# half        it is done, and the connection breaks in the middle of the answer
# error       it is not done: 500
# error_done  it is done: 500 all the same, and again for the same key
Fault = Literal["done", "lost", "cut", "slow", "half", "error", "error_done"]


class Said(tuple[int, bytes]):
    """An answer that is given instead: a status and a body."""

    __slots__ = ()


def said(status: int, body: Any = b"") -> Said:
    return Said((status, body if isinstance(body, bytes) else json.dumps(body).encode()))


class StripeKit:
    """A running server: where it is, what it knows, and what the rider and their bank do."""

    def __init__(self, url: str, api: StripeApi) -> None:
        self.url = url
        self.api = api
        # Every request that arrived: method, path, headers in lower case, parameters.
        self.requests: list[tuple[str, str, dict[str, str], dict[str, Any]]] = []
        # Of those, how many were looked at: after a time-out the server may still be at one.
        self.handled = 0
        self.slow_s = _SLOW_S
        self._faults: dict[str, list[Fault | Said]] = {}
        self._answers: dict[tuple[str, str], tuple[Any, Said | None]] = {}
        self._lock = threading.Lock()

    def provider(
        self, timeout_s: float = 5.0, *, key: str = KEY, webhook_secrets: tuple[str, ...] = (WEBHOOK_SECRET,)
    ) -> StripeCards:
        """The adapter. Give a short time to tests in which no answer comes."""
        return StripeCards(secret_key=key, webhook_secrets=webhook_secrets, base_url=self.url, timeout_s=timeout_s)

    def add_fault(self, kind: str, fault: Fault | Said, times: int = 1) -> None:
        """What goes wrong with the next calls of a kind.

        Args:
            kind: authorise, charge, capture, release, refund, setup; else method and path, such as
                `GET payment_intents`.
            fault: see `Fault`, or an answer that is given instead.
            times: how often.
        """
        self._faults.setdefault(kind, []).extend([fault] * times)

    def save_card(self, name: str = "ok", customer_ref: str | None = None, account: str = "") -> SavedCard:
        """A card without the way over the page; without a customer a new one is made."""
        customer = customer_ref or self.api.add_customer(account)["id"]
        made = self.api.add_card(name, customer, account)
        return SavedCard(customer_ref=customer, card_ref=made["id"], **made["card"])

    def choose_card(self, redirect_url: str, name: str = "ok") -> str:
        """What a rider does on the page for saving a card; where the browser is then."""
        return self._submit(redirect_url, {"card": name})

    def cancel_setup(self, redirect_url: str) -> str:
        """The rider turns back; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "cancel"})

    def confirm_3ds(self, redirect_url: str) -> str:
        """The rider confirms a payment; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "confirm"})

    def decline_3ds(self, redirect_url: str) -> str:
        """The rider declines; where the browser is sent then."""
        return self._submit(redirect_url, {"action": "decline"})

    def dispute(self, payment_ref: str, amount_minor: int | None = None) -> str:
        """The rider disputes all (or a part) of what is left of a payment; the dispute's reference."""
        return self.api.open_dispute(payment_ref, amount_minor)

    def end_dispute(self, ref: str, *, won: bool) -> None:
        """The bank decides; won: the operator gets the money back."""
        self.api.end_dispute(ref, won=won)

    def forget_keys(self) -> None:
        """What Stripe does with idempotency keys after a day."""
        self._answers.clear()

    def event(self, type_: str, ref: str) -> bytes:
        """The body of a webhook about something that is at Stripe."""
        _, about = self.api.find(ref)
        return event_body(type_, about)

    def _submit(self, url: str, form: dict[str, str]) -> str:
        answer = httpx2.post(url, data=form, timeout=_TIMEOUT_S, trust_env=False)
        assert answer.status_code == 303, f"{answer.status_code}: {answer.text}"
        return answer.headers["location"]

    # What the server's threads ask.

    def page(self, path: str, form: dict[str, str]) -> str:
        """Where the browser goes after a form on one of the pages."""
        with self._lock:
            what, ref = path.strip("/").split("/")
            if what == "authenticate":
                return self.api.authenticate(ref, agrees=form.get("action") == "confirm")
            if form.get("action") == "cancel":
                return str(self.api.find(ref)[1]["cancel_url"])
            # Declined there, the page stays open for another card.
            return self.api.complete_setup(ref, form["card"]) or f"{self.url}{path}"

    def take_fault(self, method: str, path: str, params: dict[str, Any]) -> Fault | Said | None:
        for kind in (_kind_of(method, path, params), f"{method} {path.removeprefix('/v1/')}"):
            waiting = self._faults.get(kind)
            if waiting:
                return waiting.pop(0)
        return None

    def answer(
        self, method: str, path: str, headers: dict[str, str], params: dict[str, Any], *, breaks: bool = False
    ) -> Said:
        """What Stripe says; `breaks`: it does it and breaks then."""
        account = headers.get("stripe-account", "")
        key = (account, headers.get("idempotency-key", "")) if method == "POST" else None
        try:
            self._check(headers, account)
            with self._lock:
                if key is not None and key in self._answers:
                    return self._again(key, (path, params))
                if key is not None:
                    self._answers[key] = ((path, params), None)
        except StripeError as error:
            return said(error.status, error.body)
        executed = True
        try:
            with self._lock:
                found = said(200, self.api.call(method, path, params, account))
        except StripeError as error:
            found, executed = said(error.status, error.body), error.executed
        if breaks:
            found = said(500, _BROKEN)
        with self._lock:
            if key is not None and executed:
                self._answers[key] = ((path, params), found)
            elif key is not None:
                del self._answers[key]
        return found

    def _again(self, key: tuple[str, str], asked: Any) -> Said:
        before, found = self._answers[key]
        if before != asked:
            raise StripeError(400, "idempotency_error")
        if found is None:
            raise StripeError(409, "idempotency_error", code="idempotency_key_in_use")
        return found

    def _check(self, headers: dict[str, str], account: str) -> None:
        if headers.get("authorization") != f"Bearer {KEY}":
            raise StripeError(401, "invalid_request_error")
        if headers.get("stripe-version") != VERSION:
            raise StripeError(400, "invalid_request_error", code="api_version_invalid")
        if account and account != ACCOUNT:
            raise StripeError(403, "invalid_request_error", code="account_invalid")


def event_body(type_: str, about: dict[str, Any], event_id: str = "evt_1") -> bytes:
    """A webhook's body in Stripe's shape."""
    event = {
        "id": event_id,
        "object": "event",
        "api_version": VERSION,
        "created": 1,
        "type": type_,
        "livemode": False,
        "pending_webhooks": 1,
        "data": {"object": about},
    }
    return json.dumps(event, indent=2).encode()


def signed(body: bytes, at: datetime, secret: str = WEBHOOK_SECRET) -> dict[str, str]:
    """The headers with which Stripe sends it."""
    stamp = int(at.timestamp())
    signature = hmac.new(secret.encode(), f"{stamp}.".encode() + body, sha256).hexdigest()
    return {"content-type": "application/json", "stripe-signature": f"t={stamp},v1={signature}"}


def _kind_of(method: str, path: str, params: dict[str, Any]) -> str:
    if method != "POST":
        return ""
    if path == "/v1/payment_intents":
        return "authorise" if params.get("capture_method") == "manual" else "charge"
    if path == "/v1/refunds":
        return "refund"
    if path == "/v1/checkout/sessions":
        return "setup"
    return {"capture": "capture", "cancel": "release"}.get(path.rpartition("/")[2], "")


def _tree(query: str) -> dict[str, Any]:
    """`a[b]=1&c[0]=2` as `{"a": {"b": "1"}, "c": ["2"]}`."""
    found: dict[str, Any] = {}
    for name, value in parse_qsl(query, keep_blank_values=True):
        first, *rest = re.findall(r"[^\[\]]+", name)
        place, last = found, first
        for part in rest:
            place = place.setdefault(last, {})
            last = part
        place[last] = value
    return {name: _lists(value) for name, value in found.items()}


def _lists(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    if all(name.isdecimal() for name in value):
        return [_lists(one) for one in value.values()]
    return {name: _lists(one) for name, one in value.items()}


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._serve("GET")

    def do_POST(self) -> None:
        self._serve("POST")

    def _serve(self, method: str) -> None:
        assert isinstance(self.server, _Server)
        kit = self.server.kit
        self.close_connection = True
        url = urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("content-length", "0"))).decode()
        if url.path.startswith("/v1/"):
            headers = {name.lower(): value for name, value in self.headers.items()}
            self._api(kit, method, url.path, headers, _tree(body if method == "POST" else url.query))
        else:
            form = {name: values[-1] for name, values in parse_qs(body).items()}
            self._send(said(303), location=kit.page(url.path, form))

    def _api(self, kit: StripeKit, method: str, path: str, headers: dict[str, str], params: dict[str, Any]) -> None:
        kit.requests.append((method, path, headers, params))
        fault = kit.take_fault(method, path, params)
        if isinstance(fault, Said) or fault in {"error", "cut", "lost"}:
            kit.handled += 1
        if isinstance(fault, Said):
            self._send(fault)
            return
        if fault == "error":
            self._send(said(500, _BROKEN))
            return
        if fault == "slow":
            time.sleep(kit.slow_s)
        if fault not in {"cut", "lost"}:
            answer = kit.answer(method, path, headers, params, breaks=fault == "error_done")
            kit.handled += 1
            if fault != "done":
                self._send(answer, half=fault == "half")
                return
        if fault != "cut":
            # Until the client gives up.
            self.connection.settimeout(_TIMEOUT_S)
            self.rfile.read(1)

    def _send(self, answer: Said, *, half: bool = False, location: str = "") -> None:
        status, body = answer
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Request-Id", "req_of_the_tests")
        if location:
            self.send_header("Location", location)
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body[: len(body) // 2] if half else body)

    def log_message(self, *_args: Any) -> None:
        pass


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 64

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.kit: StripeKit

    def handle_error(self, *_args: Any) -> None:
        """A client that hung up is no news here."""


@contextmanager
def running_stripe(clock: Clock) -> Iterator[StripeKit]:
    """The server with this clock, until the block ends."""
    api = StripeApi(clock)
    server = _Server()
    api.base_url = f"http://127.0.0.1:{server.server_address[1]}"
    kit = server.kit = StripeKit(api.base_url, api)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), name="stripe-of-tests", daemon=True)
    thread.start()
    try:
        yield kit
    finally:
        server.shutdown()
        thread.join(_TIMEOUT_S)
        server.server_close()

"""`localstripe`, somebody else's imitation of Stripe, as a process of its own: it is under the GPL and never imported.

What it does not know it refuses, so `running_localstripe` puts a door in front that leaves out what it lacks of a
request (`LACKS`), and nothing else.
"""

import re
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import httpx2
import pytest

from isotope.adapters.cards.stripe import StripeCards
from isotope.domain.payments.model import SavedCard
from tests.kit.stripe import WEBHOOK_SECRET
from tests.kit.waiting import wait_until

KEY: Final = "sk_test_12345"
_TIMEOUT_S: Final = 20.0

# By path, the parameters that the imitation does not know.
LACKS: Final[Mapping[str, frozenset[str]]] = {
    "/v1/payment_intents": frozenset({"allowed_payment_method_types[0]", "description", "return_url"}),
    "/v1/payment_intents/*/capture": frozenset({"metadata[isotope_capture]"}),
}
# Numbers of its test cards, which are Stripe's.
NUMBERS: Final[Mapping[str, str]] = {
    "ok": "4242424242424242",
    "declined": "4000000000000341",
    "needs_3ds": "4000002500003155",
}


class LocalstripeKit:
    """The running imitation, and what a rider does there."""

    def __init__(self, client: httpx2.Client, door: str) -> None:
        self.door = door
        self._client = client

    def provider(self, timeout_s: float = 5.0) -> StripeCards:
        """The adapter, at the door."""
        return StripeCards(secret_key=KEY, webhook_secrets=(WEBHOOK_SECRET,), base_url=self.door, timeout_s=timeout_s)

    def save_card(self, name: str = "ok") -> SavedCard:
        """A card of a new customer, as a page of Stripe's would leave it."""
        customer = self._post("customers", {})["id"]
        card = {"number": NUMBERS[name], "exp_month": "12", "exp_year": "2034", "cvc": "123"}
        made = self._post(
            "payment_methods", {"type": "card"} | {f"card[{name}]": value for name, value in card.items()}
        )
        self._post(f"payment_methods/{made['id']}/attach", {"customer": customer})
        face = {name: made["card"][name] for name in ("brand", "last4", "exp_month", "exp_year")}
        return SavedCard(customer_ref=customer, card_ref=made["id"], **face)

    def _post(self, path: str, form: dict[str, str]) -> dict[str, Any]:
        found: dict[str, Any] = self._client.post(f"/v1/{path}", data=form, auth=(KEY, "")).raise_for_status().json()
        return found


@lru_cache(maxsize=1)
def _process() -> tuple[subprocess.Popen[bytes], str]:
    try:
        with socket.socket(socket.AF_INET6) as probe:
            probe.bind(("::", 0))
            port = probe.getsockname()[1]
    except OSError:
        pytest.skip("localstripe listens on IPv6 sockets only, and this machine has none")
    program = Path(sys.executable).with_name("localstripe")
    process = subprocess.Popen(
        [program, "--from-scratch", "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"

    def answers() -> bool:
        assert process.poll() is None, "localstripe has ended"
        try:
            httpx2.get(url, trust_env=False)
        except httpx2.TransportError:
            return False
        return True

    wait_until(answers, "localstripe answers")
    return process, url


def stop_localstripe() -> None:
    """End the process, if one was started."""
    if _process.cache_info().currsize:
        process, _ = _process()
        process.terminate()
        process.wait(_TIMEOUT_S)
        _process.cache_clear()


class _Door(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    behind: httpx2.Client

    def do_GET(self) -> None:
        self._pass("GET", b"")

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length", "0")))
        lacks = LACKS.get(re.sub(r"/pi_\w+/", "/*/", self.path), frozenset())
        kept = [(name, value) for name, value in parse_qsl(body.decode()) if name not in lacks]
        self._pass("POST", urlencode(kept).encode())

    def _pass(self, method: str, body: bytes) -> None:
        self.close_connection = True
        headers = {name: self.headers[name] for name in ("Authorization", "Content-Type") if name in self.headers}
        answer = self.behind.request(method, self.path, content=body, headers=headers)
        self.send_response(answer.status_code)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(answer.content)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, *_args: Any) -> None:
        pass


@contextmanager
def running_localstripe() -> Iterator[LocalstripeKit]:
    """The imitation behind its door; the process stays for the next test, see `stop_localstripe`."""
    _, url = _process()
    with httpx2.Client(base_url=url, timeout=_TIMEOUT_S, trust_env=False) as client:
        door = ThreadingHTTPServer(("127.0.0.1", 0), type("Door", (_Door,), {"behind": client}))
        thread = threading.Thread(target=door.serve_forever, args=(0.02,), name="door-of-localstripe", daemon=True)
        thread.start()
        try:
            yield LocalstripeKit(client, f"http://127.0.0.1:{door.server_address[1]}")
        finally:
            door.shutdown()
            thread.join(_TIMEOUT_S)
            door.server_close()

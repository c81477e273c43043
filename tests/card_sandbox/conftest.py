"""A sandbox for each test, and a merchant's way to speak to it past the adapter."""

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.kit.cards import KEY, SandboxKit, running_sandbox
from tests.kit.clock import SettableClock

MERCHANT = "7"
RETURN_URL = "https://ride.example/return?a=1&b=2"
CANCEL_URL = "https://ride.example/cancel"


@pytest.fixture
def sandbox(clock: SettableClock) -> Iterator[SandboxKit]:
    with running_sandbox(clock, hang_s=60.0) as running:
        yield running


class Client:
    """Speaks its HTTP."""

    def __init__(self, http: httpx2.AsyncClient, url: str) -> None:
        self.http = http
        self.url = url

    async def post(
        self, path: str, body: Any = None, *, key: str = "", merchant: str = MERCHANT, secret: str = KEY
    ) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {secret}", "Sandbox-Merchant": merchant}
        if key:
            headers["Idempotency-Key"] = key
        return await self.http.post(f"{self.url}/v1/{path}", json=body, headers=headers)

    async def get(self, path: str, *, key: str = "", merchant: str = MERCHANT) -> httpx2.Response:
        headers = {"Authorization": f"Bearer {KEY}", "Sandbox-Merchant": merchant}
        if key:
            headers["Idempotency-Key"] = key
        return await self.http.get(f"{self.url}/v1/{path}", headers=headers)

    async def page(self, url: str) -> httpx2.Response:
        return await self.http.get(url)

    async def submit(self, url: str, **form: str) -> httpx2.Response:
        return await self.http.post(url, data=form)

    async def setup(self) -> str:
        """The address of a page for saving a card."""
        asked = {"return_url": RETURN_URL, "cancel_url": CANCEL_URL}
        answer = await self.post("setups", asked, key="setup-1")
        assert answer.status_code == 200, answer.text
        return str(answer.json()["url"])


@pytest_asyncio.fixture
async def client(sandbox: SandboxKit) -> AsyncIterator[Client]:
    async with httpx2.AsyncClient(timeout=20.0, trust_env=False) as http:
        yield Client(http, sandbox.url)


def charge_body(sandbox: SandboxKit, card: str = "ok", **changed: Any) -> dict[str, Any]:
    """A charge of a newly saved card."""
    saved = sandbox.save_card(MERCHANT, card)
    return {
        "customer": saved.customer_ref,
        "card": saved.card_ref,
        "amount": 500,
        "currency": "EUR",
        "capture": True,
        "on_session": False,
        "return_url": "",
        "description": "",
    } | changed

"""The application with a card provider: the sandbox on a real socket."""

import itertools
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2
import msgspec

from isotope.card_sandbox.webhooks import sign
from isotope.domain.tenants.model import PaymentSettings, Settings
from isotope.infra.runtime import Runtime
from tests.kit.cards import KEY, WEBHOOK_SECRET, SandboxKit, make_card
from tests.kit.http import Api, run_api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

USER: Final = "/openapi/v1.0/user"
WEBHOOK: Final = "/webhooks/cards/sandbox"
APP: Final = "https://app.example"
PUBLIC_URL: Final = "http://isotope.test"

_events = itertools.count(1)


@asynccontextmanager
async def run_card_api(rt: Runtime, folder: Path, sandbox: SandboxKit) -> AsyncIterator[Api]:
    """`run_api` with cards."""
    async with run_api(
        rt,
        folder,
        cards="sandbox",
        sandbox_cards_url=sandbox.url,
        sandbox_cards_key=KEY,
        sandbox_webhook_secret=WEBHOOK_SECRET,
        public_url=PUBLIC_URL,
    ) as api:
        yield api


@dataclass(frozen=True, slots=True)
class Customer:
    """A rider of an operator whose riders may be sent back to an app, and what they do over HTTP."""

    api: Api
    sandbox: SandboxKit
    kit: OperatorKit
    rider: RiderKit

    async def post(
        self, call: str, body: Mapping[str, Any] | None = None, *, once: str | None = None
    ) -> httpx2.Response:
        """As the rider's app does; `once` is an Idempotency-Key."""
        headers = {} if once is None else {"Idempotency-Key": once}
        return await self.api.post(
            f"{USER}/{call}", dict(body or {}), key=self.kit.public_key, token=self.rider.token, **headers
        )

    async def ok(self, call: str, body: Mapping[str, Any] | None = None, *, once: str | None = None) -> Any:
        answer = await self.post(call, body, once=once)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(
        self, call: str, body: Mapping[str, Any] | None = None, *, once: str | None = None
    ) -> tuple[int, str]:
        answer = await self.post(call, body, once=once)
        return answer.status_code, answer.json().get("code", "")

    async def come_back(self, url: str) -> httpx2.Response:
        """The browser, where the provider sent it."""
        parts = urlsplit(url)
        assert f"{parts.scheme}://{parts.netloc}" == PUBLIC_URL
        return await self.api.client.get(parts.path + (f"?{parts.query}" if parts.query else ""))

    async def save_card(self, name: str = "ok", **body: Any) -> httpx2.Response:
        """Over the provider's page and back; what the browser is answered last."""
        started = await self.ok("add-payment-method", body)
        return await self.come_back(self.sandbox.choose_card(started["redirect_url"], name))

    async def has_card(self, name: str = "ok") -> str:
        """A card as saving it leaves it; its `payment_method_id`."""
        card = await make_card(self.api.services.rt, self.kit.operator, self.rider, self.sandbox, name)
        return card.method_id

    async def methods(self, flow: str = "SHARING") -> list[Any]:
        found: list[Any] = (await self.ok("get-user-payment-methods", {"flow": flow}))["payment_methods"]
        return found

    async def selected(self, flow: str = "SHARING") -> str:
        first = (await self.methods(flow))[0]
        assert first["is_selected"]
        return str(first["payment_method_id"])

    async def another(self) -> "Customer":
        """Another rider of the same operator."""
        return Customer(self.api, self.sandbox, self.kit, await make_rider(self.api.services.rt, self.kit.operator))


async def make_customer(api: Api, sandbox: SandboxKit, **payments: Any) -> Customer:
    settings = Settings(payments=PaymentSettings(return_urls=(APP,), **payments))
    kit = await make_operator(api.services.rt, settings=settings)
    return Customer(api, sandbox, kit, await make_rider(api.services.rt, kit.operator))


def event(type: str, ref: str, payment: str | None = None, *, id: str | None = None) -> bytes:
    """What the sandbox says in a webhook."""
    data = {"ref": ref} if payment is None else {"ref": ref, "payment": payment}
    return msgspec.json.encode({"id": id or f"evt_{next(_events)}_{ref}", "type": type, "data": data})


async def send_webhook(api: Api, body: bytes, *, secret: str = WEBHOOK_SECRET, path: str = WEBHOOK) -> httpx2.Response:
    """As the sandbox sends it."""
    signature = sign(secret, api.services.rt.clock.now(), body)
    return await api.client.post(
        path, content=body, headers={"Sandbox-Signature": signature, "Content-Type": "application/json"}
    )

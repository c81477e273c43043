"""Card providers for the contract suite: each with what plays the rider, the bank and the sender of webhooks.

A further provider is one more entry in `PROVIDERS`.
"""

from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import datetime
from typing import Final, Literal, Protocol

import msgspec

from isotope.adapters.cards import SandboxCards
from isotope.card_sandbox.webhooks import HEADER, sign
from isotope.domain.payments.model import EventKind, Merchant, SavedCard
from isotope.domain.payments.ports import CardProvider
from isotope.kernel.ids import OperatorId
from tests.kit.cards import KEY, WEBHOOK_SECRET, SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.stripe_providers import localstripe_under_test, stripe_under_test

# What a card does: refuses_capture reserves and then does not pay; refuses_refund takes nothing back.
Trait = Literal[
    "ok",
    "declined",
    "insufficient_funds",
    "expired",
    "needs_3ds",
    "refuses_capture",
    "refuses_refund",
    "cannot_be_saved",
]
# What a provider under test may lack, by what a test needs.
Ability = Literal[
    "setup",
    "setup cancelled",
    "setup repeated",
    "cannot_be_saved",
    "declined",
    "insufficient_funds",
    "expired",
    "needs_3ds",
    "refuses_capture",
    "refuses_refund",
    "repeats",
    "captures in part",
    "limits refunds",
    "finds authorise",
    "finds charge",
    "finds capture",
    "finds release",
    "finds refund",
    "forget",
    "movements",
    "disputes",
    "strangers",
]


class ProviderUnderTest(Protocol):
    """An adapter, and the world around it.

    Attributes:
        provider: the adapter.
        merchant: for whom it is asked.
        stranger: another operator, who must see nothing of it.
        page_size: how many movements come with one page.
        cannot: what this world cannot show, and why; such tests are skipped with the reason.
    """

    provider: CardProvider
    merchant: Merchant
    stranger: Merchant
    page_size: int
    cannot: Mapping[Ability, str]

    def now(self) -> datetime:
        """The provider's time."""
        ...

    async def save_card(self, trait: Trait) -> SavedCard:
        """A saved card of a new customer."""
        ...

    async def choose_card(self, redirect_url: str, trait: Trait) -> str:
        """The rider saves a card on the provider's page; where the browser is sent."""
        ...

    async def turn_back(self, redirect_url: str) -> str:
        """The rider turns back; where the browser is sent."""
        ...

    async def confirm(self, redirect_url: str, *, agrees: bool) -> None:
        """The rider confirms a payment, or declines."""
        ...

    async def dispute(self, payment_ref: str) -> str:
        """The rider disputes a payment; the dispute's reference."""
        ...

    async def end_dispute(self, dispute_ref: str, *, won: bool) -> None:
        """The bank decides."""
        ...

    def elsewhere(self, url: str, timeout_s: float) -> CardProvider:
        """The adapter with another server and this much patience."""
        ...

    def without_secret(self) -> CardProvider:
        """The adapter where no webhook secret is set."""
        ...

    def event(self, kind: EventKind, ref: str, payment_ref: str) -> bytes:
        """The body of a webhook about something."""
        ...

    def sign(self, body: bytes, at: datetime, secret: str | None = None) -> dict[str, str]:
        """The headers that it comes with; `secret` for another one than the right."""
        ...


_TRAITS: Final[Mapping[Trait, str]] = {
    "refuses_capture": "declined_at_capture",
    "refuses_refund": "refund_refused",
    "cannot_be_saved": "setup_refused",
}
_EVENTS: Final = {
    EventKind.PAYMENT: "payment.captured",
    EventKind.SETUP: "setup.done",
    EventKind.REFUND: "refund.done",
    EventKind.DISPUTE: "dispute.opened",
    EventKind.OTHER: "weather.changed",
}


class SandboxUnderTest:
    """The sandbox: it can show everything."""

    page_size = 3
    cannot: Mapping[Ability, str] = {}

    def __init__(self, sandbox: SandboxKit, clock: SettableClock) -> None:
        self.provider: CardProvider = sandbox.provider()
        self.merchant = Merchant(operator_id=OperatorId(7))
        self.stranger = Merchant(operator_id=OperatorId(8))
        self._sandbox = sandbox
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    async def save_card(self, trait: Trait) -> SavedCard:
        return self._sandbox.save_card(self.merchant.operator_id, _TRAITS.get(trait, trait))

    async def choose_card(self, redirect_url: str, trait: Trait) -> str:
        return self._sandbox.choose_card(redirect_url, _TRAITS.get(trait, trait))

    async def turn_back(self, redirect_url: str) -> str:
        return self._sandbox.cancel_setup(redirect_url)

    async def confirm(self, redirect_url: str, *, agrees: bool) -> None:
        (self._sandbox.confirm_3ds if agrees else self._sandbox.decline_3ds)(redirect_url)

    async def dispute(self, payment_ref: str) -> str:
        return self._sandbox.dispute(payment_ref)

    async def end_dispute(self, dispute_ref: str, *, won: bool) -> None:
        self._sandbox.end_dispute(dispute_ref, won=won)

    def elsewhere(self, url: str, timeout_s: float) -> CardProvider:
        return SandboxCards(url=url, key=KEY, webhook_secret=WEBHOOK_SECRET, timeout_s=timeout_s)

    def without_secret(self) -> CardProvider:
        return SandboxCards(url=self._sandbox.url, key=KEY, webhook_secret="")

    def event(self, kind: EventKind, ref: str, payment_ref: str) -> bytes:
        return msgspec.json.encode(
            {
                "id": "evt_1",
                "type": _EVENTS[kind],
                "merchant": "7",
                "created": "2026-06-01T12:00:00Z",
                "data": {"ref": ref, "payment": payment_ref},
            }
        )

    def sign(self, body: bytes, at: datetime, secret: str | None = None) -> dict[str, str]:
        return {HEADER.lower(): sign(WEBHOOK_SECRET if secret is None else secret, at, body)}


@asynccontextmanager
async def sandbox_under_test(clock: SettableClock) -> AsyncIterator[ProviderUnderTest]:
    with running_sandbox(clock, hang_s=60.0) as sandbox:
        yield SandboxUnderTest(sandbox, clock)


MakeProvider = Callable[[SettableClock], AbstractAsyncContextManager[ProviderUnderTest]]

PROVIDERS: Final[dict[str, MakeProvider]] = {
    "localstripe": localstripe_under_test,
    "sandbox": sandbox_under_test,
    "stripe": stripe_under_test,
}

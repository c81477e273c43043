"""Stripe for the contract suite: at our own server, and at `localstripe`."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final

from isotope.adapters.cards.stripe import StripeCards
from isotope.domain.payments.model import EventKind, Merchant, SavedCard
from isotope.domain.payments.ports import CardProvider
from isotope.kernel.ids import OperatorId
from tests.kit.clock import SettableClock
from tests.kit.localstripe import LocalstripeKit, running_localstripe
from tests.kit.stripe import ACCOUNT, KEY, WEBHOOK_SECRET, StripeKit, event_body, running_stripe, signed

if TYPE_CHECKING:  # it lists these here
    from tests.kit.card_providers import Ability, ProviderUnderTest, Trait

_TRAITS: Final[Mapping[Trait, str]] = {
    "refuses_capture": "declined_at_capture",
    "refuses_refund": "refund_refused",
    "cannot_be_saved": "setup_refused",
}
_ABOUT: Final = {
    EventKind.PAYMENT: ("payment_intent.succeeded", "payment_intent"),
    EventKind.SETUP: ("checkout.session.completed", "checkout.session"),
    EventKind.REFUND: ("refund.updated", "refund"),
    EventKind.DISPUTE: ("charge.dispute.created", "dispute"),
    EventKind.OTHER: ("payout.paid", "payout"),
}


class _Stripe:
    """What is the same at both."""

    provider: CardProvider
    merchant = Merchant(operator_id=OperatorId(7))
    stranger = Merchant(operator_id=OperatorId(8), account=ACCOUNT)
    page_size = 100

    def elsewhere(self, url: str, timeout_s: float) -> CardProvider:
        return StripeCards(secret_key=KEY, webhook_secrets=(WEBHOOK_SECRET,), base_url=url, timeout_s=timeout_s)

    def without_secret(self) -> CardProvider:
        return StripeCards(secret_key=KEY, webhook_secrets=("",), base_url="http://127.0.0.1:9")

    def event(self, kind: EventKind, ref: str, payment_ref: str) -> bytes:
        type_, name = _ABOUT[kind]
        return event_body(type_, {"object": name, "id": ref, "payment_intent": payment_ref})

    def sign(self, body: bytes, at: datetime, secret: str | None = None) -> dict[str, str]:
        return signed(body, at, WEBHOOK_SECRET if secret is None else secret)


class StripeUnderTest(_Stripe):
    """Stripe at our server, which can show everything."""

    cannot: Mapping[Ability, str] = {}

    def __init__(self, stripe: StripeKit, clock: SettableClock) -> None:
        self.provider = stripe.provider()
        self._stripe = stripe
        self._clock = clock

    def now(self) -> datetime:
        return self._clock.now()

    async def save_card(self, trait: Trait) -> SavedCard:
        return self._stripe.save_card(_TRAITS.get(trait, trait))

    async def choose_card(self, redirect_url: str, trait: Trait) -> str:
        gone_to = self._stripe.choose_card(redirect_url, _TRAITS.get(trait, trait))
        if gone_to == redirect_url:
            # Declined, the page stays open for another card, and in the end it closes.
            self._stripe.api.expire_session(redirect_url.rpartition("/")[2])
        return gone_to

    async def turn_back(self, redirect_url: str) -> str:
        return self._stripe.cancel_setup(redirect_url)

    async def confirm(self, redirect_url: str, *, agrees: bool) -> None:
        (self._stripe.confirm_3ds if agrees else self._stripe.decline_3ds)(redirect_url)

    async def dispute(self, payment_ref: str) -> str:
        return self._stripe.dispute(payment_ref)

    async def end_dispute(self, dispute_ref: str, *, won: bool) -> None:
        self._stripe.end_dispute(dispute_ref, won=won)


class LocalstripeUnderTest(_Stripe):
    """Stripe at localstripe, which has a part of it."""

    provider: CardProvider
    cannot: Mapping[Ability, str] = {
        "setup": "localstripe has no Checkout",
        "setup cancelled": "localstripe has no Checkout",
        "setup repeated": "localstripe has no Checkout",
        "insufficient_funds": "localstripe declines in one way",
        "expired": "localstripe declines in one way",
        "refuses_capture": "localstripe has no such card",
        "refuses_refund": "localstripe has no such card",
        "repeats": "localstripe has no Idempotency-Key",
        "limits refunds": "localstripe gives back what was never taken",
        "captures in part": "localstripe does not tell what was taken",
        "finds authorise": "localstripe lists no payments by customer",
        "finds charge": "localstripe lists no payments by customer",
        "forget": "localstripe charges a detached card",
        "movements": "localstripe lists no balance transactions by time",
        "disputes": "localstripe has no disputes",
        "strangers": "localstripe has one account",
    }

    def __init__(self, localstripe: LocalstripeKit) -> None:
        self.provider = localstripe.provider()
        self._localstripe = localstripe

    def now(self) -> datetime:
        return datetime.now(UTC)

    async def save_card(self, trait: Trait) -> SavedCard:
        return self._localstripe.save_card(trait)

    async def choose_card(self, redirect_url: str, trait: Trait) -> str:
        raise NotImplementedError(self.cannot["setup"])

    async def turn_back(self, redirect_url: str) -> str:
        raise NotImplementedError(self.cannot["setup"])

    async def confirm(self, redirect_url: str, *, agrees: bool) -> None:
        raise NotImplementedError(self.cannot["finds authorise"])

    async def dispute(self, payment_ref: str) -> str:
        raise NotImplementedError(self.cannot["disputes"])

    async def end_dispute(self, dispute_ref: str, *, won: bool) -> None:
        raise NotImplementedError(self.cannot["disputes"])


@asynccontextmanager
async def stripe_under_test(clock: SettableClock) -> AsyncIterator[ProviderUnderTest]:
    with running_stripe(clock) as stripe:
        yield StripeUnderTest(stripe, clock)


@asynccontextmanager
async def localstripe_under_test(_clock: SettableClock) -> AsyncIterator[ProviderUnderTest]:
    with running_localstripe() as localstripe:
        yield LocalstripeUnderTest(localstripe)

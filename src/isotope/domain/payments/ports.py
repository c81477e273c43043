"""What this room needs of the outside world: a card provider."""

from collections.abc import AsyncIterator, Mapping
from datetime import datetime
from typing import Literal, Protocol

import msgspec

from isotope.domain.payments.model import (
    Answer,
    CallKind,
    Card,
    CardEvent,
    DisputeFound,
    Merchant,
    Movement,
    SavedCard,
)
from isotope.infra.db import Tx
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId


class CardsUnclear(Exception):  # noqa: N818 - an outcome that callers handle
    """Nobody knows whether the provider did what was asked: no answer, half an answer, a fault of its own.

    Args:
        reason: for the log; no names, no references to cards.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class EventRefused(Exception):  # noqa: N818 - an outcome that callers handle
    """A webhook that is not the provider's, is too old, or makes no sense."""


class StartSetup(msgspec.Struct, frozen=True, kw_only=True):
    """Ask for a page on which the rider saves a card; `customer_ref` None makes a new customer.

    The provider sends the browser to `return_url` afterwards, whatever happened, and to `cancel_url` if the rider
    turns back.
    """

    merchant: Merchant
    key: str
    rider_id: RiderId
    customer_ref: str | None
    return_url: str
    cancel_url: str
    language: str


class SetupStarted(msgspec.Struct, frozen=True, kw_only=True):
    setup_ref: str
    redirect_url: str


class SetupFound(msgspec.Struct, frozen=True, kw_only=True):
    """`card` exactly when DONE."""

    status: Literal["PENDING", "DONE", "FAILED"]
    card: SavedCard | None = None
    code: str | None = None


class ChargeCard(msgspec.Struct, frozen=True, kw_only=True):
    """Reserve (`capture` False) or take an amount.

    `on_session`: the rider is there and can confirm at `redirect_url`; else a payment that needs them is refused with
    `authentication_required`. `description` is shown on statements where the provider can.
    """

    merchant: Merchant
    key: str
    customer_ref: str
    card_ref: str
    amount_minor: int
    currency: str
    capture: bool
    on_session: bool
    return_url: str
    description: str


class OnPayment(msgspec.Struct, frozen=True, kw_only=True):
    """Capture, release or refund: something about a payment that the provider knows."""

    merchant: Merchant
    key: str
    payment_ref: str
    amount_minor: int
    currency: str


class FindCall(msgspec.Struct, frozen=True, kw_only=True):
    """Which call is looked for. `payment_ref` is None while the AUTHORISE or CHARGE itself is what is unclear."""

    merchant: Merchant
    key: str
    kind: CallKind
    customer_ref: str
    payment_ref: str | None
    amount_minor: int
    currency: str
    created_at: datetime


class CardProvider(Protocol):
    """A payment provider. Every call is safe to repeat with the same `key`.

    Amounts are in the currency's own minor unit everywhere; an adapter converts where its provider counts otherwise.
    Every method but `read_event` goes over the network, asks `infra.outbound.guard()` first, and ends within 10 s.

    Raises:
        CardsUnclear: of any method that goes over the network.
    """

    @property
    def name(self) -> str:
        """`sandbox`, `stripe`: stored with every card, so that a card is never used at another provider."""
        ...

    async def start_setup(self, what: StartSetup) -> SetupStarted: ...

    async def find_setup(self, merchant: Merchant, setup_ref: str) -> SetupFound: ...

    async def charge(self, what: ChargeCard) -> Answer:
        """DONE, REFUSED, or ACTION_REQUIRED (only `on_session`)."""
        ...

    async def capture(self, what: OnPayment) -> Answer:
        """Take `amount_minor` of what is reserved and let the rest go."""
        ...

    async def release(self, what: OnPayment) -> Answer:
        """Let the whole reservation go. DONE also when it was released or expired before."""
        ...

    async def refund(self, what: OnPayment) -> Answer:
        """Give `amount_minor` of what was taken back."""
        ...

    async def find_call(self, what: FindCall) -> Answer | None:
        """What became of a call, by its key. None: the provider has not seen it (yet).

        For CHARGE and AUTHORISE also what became of a confirmation that was asked of the rider: ACTION_REQUIRED while
        it is open, then DONE or REFUSED.
        """
        ...

    async def forget_card(self, merchant: Merchant, customer_ref: str, card_ref: str) -> None:
        """The provider uses the card no more. Nothing happens if it is gone already."""
        ...

    async def find_dispute(self, merchant: Merchant, dispute_ref: str) -> DisputeFound | None: ...

    def list_movements(self, merchant: Merchant, since: datetime, until: datetime) -> AsyncIterator[Movement]:
        """Everything with `since <= at < until`, oldest first, read page by page."""
        ...

    def read_event(self, headers: Mapping[str, str], body: bytes, now: datetime) -> CardEvent:
        """Check a webhook's signature and age and read it. Header names are in lower case. Pure.

        Raises:
            EventRefused: not signed by the provider, older than five minutes, or not readable.
        """
        ...


class CardHold(Protocol):
    """A reason of another room to keep a card: a running ride is paid with it."""

    async def reason(self, tx: Tx, card: Card) -> Refusal | None:
        """The refusal, or None; called with the rider's row and the card's locked."""
        ...

"""Cards, and what is asked of them: payments, and the calls to the provider that each is made of."""

from datetime import datetime
from enum import StrEnum
from typing import Final, Literal, NewType

import msgspec

from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RiderId

CardId = NewType("CardId", int)
CardPaymentId = NewType("CardPaymentId", int)
CardCallId = NewType("CardCallId", int)
CardSetupId = NewType("CardSetupId", int)

WALLET: Final = "wallet"
CASH: Final = "cash"
CARD_PREFIX: Final = "card_"


class Merchant(msgspec.Struct, frozen=True, kw_only=True):
    """Whose money it is at the provider.

    `account` is the operator's account there (Stripe: `acct_...`), empty where the installation has only one.
    """

    operator_id: OperatorId
    account: str = ""


class CardStatus(StrEnum):
    """REMOVED by the rider, or LOST: the provider does not know it any more."""

    ACTIVE = "ACTIVE"
    REMOVED = "REMOVED"
    LOST = "LOST"


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """A saved card. Its number is the provider's secret: we have its last four digits and a reference."""

    operator_id: OperatorId
    id: CardId
    rider_id: RiderId
    provider: str
    customer_ref: str
    card_ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int
    status: CardStatus = CardStatus.ACTIVE

    @property
    def method_id(self) -> str:
        """What `payment_method_id` says of it."""
        return f"{CARD_PREFIX}{self.id}"


class Purpose(StrEnum):
    """What a payment is for; decides what its money does in the ledger.

    RIDE, TRIP, SUBSCRIPTION, BOOKING and BOOKING_EXTRA pay what a price left to the card (ledger: RIDER_IN_TRANSIT). What a card
    does not pay of a ride, a trip, or of what came up with a booking, is debt; a subscription or a booking is then not bought, and
    its recorder gives back all of it. The others are money that comes into the wallet: it settles debt first, the rest is
    balance. A DEPOSIT is reserved, and comes there only as far as something is claimed.
    """

    RIDE = "RIDE"
    SUBSCRIPTION = "SUBSCRIPTION"
    TOP_UP = "TOP_UP"
    AUTO_TOP_UP = "AUTO_TOP_UP"
    DEBT = "DEBT"
    BOOKING = "BOOKING"
    BOOKING_EXTRA = "BOOKING_EXTRA"
    DEPOSIT = "DEPOSIT"
    TRIP = "TRIP"

    @property
    def fills_wallet(self) -> bool:
        """Whether the money comes into the wallet."""
        return self in (Purpose.TOP_UP, Purpose.AUTO_TOP_UP, Purpose.DEBT, Purpose.DEPOSIT)

    @property
    def is_owed(self) -> bool:
        """Whether what the card does not pay becomes debt."""
        return self in (Purpose.RIDE, Purpose.TRIP, Purpose.BOOKING_EXTRA)


class PaymentStatus(StrEnum):
    """Where a payment stands.

    AUTHORISING  the first call is under way, or nobody knows what became of it
    ACTION_REQUIRED  the rider must confirm it at the provider (3-D Secure), see `redirect_url`
    AUTHORISED   money is reserved: capture or release follows
    CAPTURED     money was taken (`captured_minor`, maybe less than was reserved)
    RELEASED     nothing was taken
    FAILED       the provider said no (`code`)
    """

    AUTHORISING = "AUTHORISING"
    ACTION_REQUIRED = "ACTION_REQUIRED"
    AUTHORISED = "AUTHORISED"
    CAPTURED = "CAPTURED"
    RELEASED = "RELEASED"
    FAILED = "FAILED"


class CardPayment(msgspec.Struct, frozen=True, kw_only=True):
    """One payment by card: authorised and then captured or released, or charged at once."""

    operator_id: OperatorId
    id: CardPaymentId
    rider_id: RiderId
    card_id: CardId
    purpose: Purpose
    cause: str
    currency: str
    amount_minor: int
    status: PaymentStatus
    actor: Actor
    created_at: datetime
    provider_ref: str | None = None
    captured_minor: int = 0
    refunded_minor: int = 0
    code: str | None = None
    on_session: bool = False
    return_url: str = ""
    redirect_url: str | None = None

    @property
    def is_open(self) -> bool:
        """Whether money may still move without a refund."""
        return self.status in (PaymentStatus.AUTHORISING, PaymentStatus.ACTION_REQUIRED, PaymentStatus.AUTHORISED)


class AutoTopUp(msgspec.Struct, frozen=True, kw_only=True):
    """What a rider wants charged when the balance falls below `threshold_minor`.

    `card_id` None: the card that pays rides. `suspended_at` is when a card refused (`suspended_code`, a `RefusalCode`).
    """

    operator_id: OperatorId
    rider_id: RiderId
    currency: str
    is_on: bool
    threshold_minor: int
    amount_minor: int
    card_id: CardId | None = None
    suspended_at: datetime | None = None
    suspended_code: str | None = None


class CallKind(StrEnum):
    """What is asked of the provider. CHARGE is authorise and capture in one."""

    AUTHORISE = "AUTHORISE"
    CHARGE = "CHARGE"
    CAPTURE = "CAPTURE"
    RELEASE = "RELEASE"
    REFUND = "REFUND"


class CallStatus(StrEnum):
    """OPEN: stored, and nobody knows yet what the provider makes of it."""

    OPEN = "OPEN"
    DONE = "DONE"
    REFUSED = "REFUSED"


class CardCall(msgspec.Struct, frozen=True, kw_only=True):
    """One request to the provider, stored before it is sent.

    `key` is its idempotency key: sent again, the provider answers what it answered the first time.
    `cause` is the payment's, or for a REFUND what is refunded (`refund:3`).
    """

    operator_id: OperatorId
    id: CardCallId
    payment_id: CardPaymentId
    kind: CallKind
    amount_minor: int
    key: str
    cause: str
    actor: Actor
    status: CallStatus
    created_at: datetime
    attempts: int = 0
    code: str | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of a call.

    Attributes:
        outcome: DONE; REFUSED for good (`code` says why); ACTION_REQUIRED: the rider must go to `redirect_url`.
        amount_minor: what was reserved, taken or given back; may be less than was asked.
        ref: the provider's reference: of the payment for AUTHORISE and CHARGE, of the refund for REFUND.
        code: one of `RefusalCode`.
    """

    outcome: Literal["DONE", "REFUSED", "ACTION_REQUIRED"]
    amount_minor: int = 0
    ref: str | None = None
    code: str | None = None
    redirect_url: str | None = None


class After(msgspec.Struct, frozen=True, kw_only=True):
    """What an answer makes of a call and its payment, see `rules.after_answer`.

    Attributes:
        collected_minor: came from the card.
        unpaid_minor: was to come from the card and does not.
        returned_minor: went back to the card.
        kept_minor: was to go back to the card and does not; the wallet gets it.
        kept_debt_minor: of that, what settled debt. Known once it is posted.
    """

    call: CallStatus
    payment: PaymentStatus
    collected_minor: int = 0
    unpaid_minor: int = 0
    returned_minor: int = 0
    kept_minor: int = 0
    kept_debt_minor: int = 0


class RefusalCode(StrEnum):
    """Why a provider says no, in our words; a text `card_code_<value>` stands in the catalogue for each."""

    DECLINED = "card_declined"
    NO_FUNDS = "insufficient_funds"
    EXPIRED = "expired_card"
    AUTHENTICATION_REQUIRED = "authentication_required"
    AUTHENTICATION_FAILED = "authentication_failed"
    CARD_UNKNOWN = "card_unknown"
    # The payment is not in a state in which this can be done (released, expired, refunded already).
    NOT_POSSIBLE = "not_possible"
    # It never reached the provider, and by now it never will.
    NOT_SENT = "not_sent"
    OTHER = "processing_error"


class SavedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card as the provider tells it."""

    customer_ref: str
    card_ref: str
    brand: str
    last4: str
    exp_month: int
    exp_year: int


class SetupStatus(StrEnum):
    """Where saving a card stands."""

    PENDING = "PENDING"
    DONE = "DONE"
    FAILED = "FAILED"
    EXPIRED = "EXPIRED"


class CardSetup(msgspec.Struct, frozen=True, kw_only=True):
    """A rider on the way to the provider's page and back."""

    operator_id: OperatorId
    id: CardSetupId
    rider_id: RiderId
    provider: str
    status: SetupStatus
    setup_ref: str | None
    return_url: str | None
    created_at: datetime
    expires_at: datetime
    card_id: CardId | None = None
    attempts: int = 0


class MovementKind(StrEnum):
    """Money that moved at the provider."""

    CAPTURED = "CAPTURED"
    REFUNDED = "REFUNDED"
    DISPUTED = "DISPUTED"
    DISPUTE_WON = "DISPUTE_WON"


class Movement(msgspec.Struct, frozen=True, kw_only=True):
    """Money that moved, as the provider tells it; for reconciliation.

    `call_key` is our key, where the provider keeps it; `ref` is unique per kind at the provider.
    """

    kind: MovementKind
    ref: str
    payment_ref: str
    amount_minor: int
    currency: str
    at: datetime
    call_key: str | None = None


class EventKind(StrEnum):
    """What a webhook is about. The store and the provider are asked what is true: an event is only a hint."""

    PAYMENT = "PAYMENT"
    SETUP = "SETUP"
    REFUND = "REFUND"
    DISPUTE = "DISPUTE"
    OTHER = "OTHER"


class CardEvent(msgspec.Struct, frozen=True, kw_only=True):
    """A verified webhook. `ref` is the provider's reference of the payment, set-up, refund or dispute."""

    id: str
    kind: EventKind
    ref: str
    type: str
    payment_ref: str | None = None


class DisputeStatus(StrEnum):
    """OPEN: the bank took the money back for now. WON: it came back to us."""

    OPEN = "OPEN"
    WON = "WON"
    LOST = "LOST"


class DisputeFound(msgspec.Struct, frozen=True, kw_only=True):
    """A dispute as the provider tells it now."""

    ref: str
    payment_ref: str
    status: DisputeStatus
    amount_minor: int
    currency: str

"""As much of Stripe's objects as is read here. What is absent or null has a default; what is of another type is a fault.

Amounts are Stripe's own, see `amounts`; times are seconds since 1970.
"""

from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")

# What a call is found by later, on the payment intent (the capture's beside the authorisation's) and on the refund.
CALL = "isotope_call"
CAPTURE_CALL = "isotope_capture"
OPERATOR = "isotope_operator"
RIDER = "isotope_rider"


class Named(msgspec.Struct, frozen=True):
    """Anything; where an id is all that is wanted."""

    id: str


class Failure(msgspec.Struct, frozen=True):
    """`last_payment_error` and `last_setup_error`."""

    code: str | None = None
    decline_code: str | None = None


class Redirect(msgspec.Struct, frozen=True):
    url: str | None = None


class NextAction(msgspec.Struct, frozen=True):
    redirect_to_url: Redirect | None = None


class _Marked(msgspec.Struct, frozen=True, kw_only=True):
    metadata: dict[str, str] | None = None

    def marked(self, name: str) -> str | None:
        """What we left on it."""
        return (self.metadata or {}).get(name)


class Intent(_Marked, frozen=True, kw_only=True):
    """A payment intent. `amount_received` is what was taken; Stripe always tells it."""

    id: str
    status: str
    amount: int
    currency: str
    amount_received: int | None = None
    next_action: NextAction | None = None
    last_payment_error: Failure | None = None


class CardFace(msgspec.Struct, frozen=True):
    brand: str
    last4: str
    exp_month: int
    exp_year: int


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    customer: str | None = None
    card: CardFace | None = None


class SetupIntent(msgspec.Struct, frozen=True, kw_only=True):
    status: str
    payment_method: PaymentMethod | None = None
    last_setup_error: Failure | None = None


class StartedSession(msgspec.Struct, frozen=True):
    id: str
    url: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A Checkout session, `setup_intent.payment_method` expanded. `status`: open, complete or expired."""

    status: str
    customer: str | None = None
    setup_intent: SetupIntent | None = None


class Refund(_Marked, frozen=True, kw_only=True):
    id: str
    status: str | None = None
    amount: int
    currency: str


class Dispute(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    status: str
    amount: int
    currency: str
    payment_intent: str | None = None


class Page(msgspec.Struct, Generic[T], frozen=True):
    """One page of a list, newest first."""

    data: list[T]
    has_more: bool = False


class Source(_Marked, frozen=True, kw_only=True):
    """What a balance transaction is about: a charge, a refund, a dispute; `payment_intent` expanded."""

    id: str
    amount: int | None = None
    amount_captured: int | None = None
    currency: str | None = None
    payment_intent: Intent | str | None = None


class BalanceTransaction(msgspec.Struct, frozen=True, kw_only=True):
    id: str
    created: int
    reporting_category: str
    source: Source | str | None = None

"""From rows to what they mean."""

from typing import Any

from isotope.domain.payments.model import (
    CallKind,
    CallStatus,
    Card,
    CardCall,
    CardPayment,
    CardStatus,
    PaymentStatus,
    Purpose,
)

CARD_COLUMNS = "operator_id, id, rider_id, provider, customer_ref, card_ref, brand, last4, exp_month, exp_year, status"
PAYMENT_COLUMNS = (
    "operator_id, id, rider_id, card_id, purpose, cause, currency, amount_minor, status, provider_ref,"
    " captured_minor, refunded_minor, code, on_session, return_url, redirect_url, actor, created_at"
)
CALL_COLUMNS = "operator_id, id, payment_id, kind, amount_minor, key, cause, actor, status, code, created_at, attempts"


def card_row(*, status: str, **row: Any) -> Card:
    """A row of `CARD_COLUMNS`."""
    return Card(status=CardStatus(status), **row)


def payment_row(*, purpose: str, status: str, **row: Any) -> CardPayment:
    """A row of `PAYMENT_COLUMNS`."""
    return CardPayment(purpose=Purpose(purpose), status=PaymentStatus(status), **row)


def call_row(*, kind: str, status: str, **row: Any) -> CardCall:
    """A row of `CALL_COLUMNS`."""
    return CardCall(kind=CallKind(kind), status=CallStatus(status), **row)

"""Room: payments. Cards, and money that comes from and goes back to them; the ledger says what it means."""

from isotope.domain.payments.cards import NO_CARDS, Cards, Recorder, merchant_of
from isotope.domain.payments.errors import (
    card_declined,
    card_needed,
    card_no_answer,
    card_not_found,
    cards_unavailable,
    unknown_payment_method,
)
from isotope.domain.payments.model import (
    CASH,
    WALLET,
    Answer,
    CallKind,
    Card,
    CardCall,
    CardId,
    CardPayment,
    PaymentStatus,
    Purpose,
    RefusalCode,
)
from isotope.domain.payments.ports import CardProvider, CardsUnclear, EventRefused
from isotope.domain.payments.queries import card_id_of, find_card, find_choice, get_payment, list_cards, list_payments
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.collect import Collect, collect
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.payments.usecases.open_refund import OpenRefund, open_refund
from isotope.domain.payments.usecases.plan_debt_collection import plan_debt_collection
from isotope.domain.payments.usecases.record_answer import Recorded, record_alone, record_answer
from isotope.domain.payments.usecases.resolve_card_calls import resolve_call, resolve_card_calls

__all__ = [
    "CASH",
    "NO_CARDS",
    "WALLET",
    "Answer",
    "CallKind",
    "Card",
    "CardCall",
    "CardId",
    "CardPayment",
    "CardProvider",
    "Cards",
    "CardsUnclear",
    "Collect",
    "EventRefused",
    "OpenPayment",
    "OpenRefund",
    "PaymentStatus",
    "Purpose",
    "Recorded",
    "Recorder",
    "RefusalCode",
    "card_declined",
    "card_id_of",
    "card_needed",
    "card_no_answer",
    "card_not_found",
    "cards_unavailable",
    "carry_out",
    "collect",
    "find_card",
    "find_choice",
    "get_payment",
    "list_cards",
    "list_payments",
    "merchant_of",
    "open_payment",
    "open_refund",
    "plan_debt_collection",
    "record_alone",
    "record_answer",
    "resolve_call",
    "resolve_card_calls",
    "unknown_payment_method",
]

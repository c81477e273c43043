"""Room: payments. Cards, and money that comes from and goes back to them; the ledger says what it means."""

from isotope.domain.payments.cards import NO_CARDS, Cards, Recorder, merchant_of
from isotope.domain.payments.choices import find_chosen_card
from isotope.domain.payments.errors import (
    card_declined,
    card_needed,
    card_no_answer,
    card_not_found,
    cards_unavailable,
    payment_method_in_use,
    refund_running,
    refund_too_high,
    unknown_payment_method,
)
from isotope.domain.payments.methods import PaymentMethod, is_expired, list_methods
from isotope.domain.payments.model import (
    CARD_PREFIX,
    CASH,
    WALLET,
    Answer,
    AutoTopUp,
    CallKind,
    Card,
    CardCall,
    CardId,
    CardPayment,
    CardPaymentId,
    CardSetup,
    PaymentStatus,
    Purpose,
    RefusalCode,
    SetupStatus,
)
from isotope.domain.payments.ports import CardHold, CardProvider, CardsUnclear, EventRefused
from isotope.domain.payments.queries import (
    card_id_of,
    find_card,
    find_choice,
    find_usable_card,
    get_payment,
    list_asked,
    list_call_causes,
    list_cards,
    list_payments,
    list_refundable,
    list_usable_cards,
)
from isotope.domain.payments.refund_parts import Parts, split_refund
from isotope.domain.payments.return_urls import with_query
from isotope.domain.payments.usecases.ask_now import ask_now
from isotope.domain.payments.usecases.auto_topup import JOB as AUTO_TOPUP_JOB
from isotope.domain.payments.usecases.auto_topup import (
    TopUpByItself,
    TopUpLook,
    after_spending,
    auto_topup,
    decide_top_up,
    is_topping_up,
    look_at_top_up,
    wants_auto_topup,
)
from isotope.domain.payments.usecases.carry_out import carry_out
from isotope.domain.payments.usecases.carry_out_all import carry_out_all
from isotope.domain.payments.usecases.choose_payment_method import ChoosePaymentMethod, choose_payment_method
from isotope.domain.payments.usecases.collect import Collect, collect
from isotope.domain.payments.usecases.collect_debts import collect_debt, collect_debts
from isotope.domain.payments.usecases.finish_card_setup import finish_card_setup, return_from_card_page
from isotope.domain.payments.usecases.forget_rider import forget_rider
from isotope.domain.payments.usecases.give_back import GiveBack, GivenBack, give_back
from isotope.domain.payments.usecases.open_payment import OpenPayment, open_payment
from isotope.domain.payments.usecases.open_refund import OpenRefund, open_refund
from isotope.domain.payments.usecases.pay_debt import PayDebt, pay_debt
from isotope.domain.payments.usecases.plan_debt_collection import hurry_debt_collection, plan_debt_collection
from isotope.domain.payments.usecases.read_payment_methods import find_selected_method, read_payment_methods
from isotope.domain.payments.usecases.reconcile import CardDifference, DifferenceKind, Reconcile, Reconciled, reconcile
from isotope.domain.payments.usecases.record_answer import Recorded, record_alone, record_answer
from isotope.domain.payments.usecases.record_dispute import JOB as DISPUTE_JOB
from isotope.domain.payments.usecases.record_dispute import follow_disputes, record_dispute
from isotope.domain.payments.usecases.remove_card import RemoveCard, forget_removed_cards, remove_card
from isotope.domain.payments.usecases.resolve_card_calls import resolve_call, resolve_card_calls
from isotope.domain.payments.usecases.resolve_card_setups import forget_card_setups, resolve_card_setups
from isotope.domain.payments.usecases.set_auto_topup import SetAutoTopUp, get_auto_topup, set_auto_topup
from isotope.domain.payments.usecases.start_card_setup import StartCardSetup, start_card_setup
from isotope.domain.payments.usecases.take_card_event import forget_card_events, take_card_event
from isotope.domain.payments.usecases.top_up import ToppedUp, TopUp, find_top_up, read_top_up, top_up
from isotope.domain.payments.usecases.undo_purchase import UndoPurchase, undo_purchase

__all__ = [
    "AUTO_TOPUP_JOB",
    "CARD_PREFIX",
    "CASH",
    "DISPUTE_JOB",
    "NO_CARDS",
    "WALLET",
    "Answer",
    "AutoTopUp",
    "CallKind",
    "Card",
    "CardCall",
    "CardDifference",
    "CardHold",
    "CardId",
    "CardPayment",
    "CardPaymentId",
    "CardProvider",
    "CardSetup",
    "Cards",
    "CardsUnclear",
    "ChoosePaymentMethod",
    "Collect",
    "DifferenceKind",
    "EventRefused",
    "GiveBack",
    "GivenBack",
    "OpenPayment",
    "OpenRefund",
    "Parts",
    "PayDebt",
    "PaymentMethod",
    "PaymentStatus",
    "Purpose",
    "Reconcile",
    "Reconciled",
    "Recorded",
    "Recorder",
    "RefusalCode",
    "RemoveCard",
    "SetAutoTopUp",
    "SetupStatus",
    "StartCardSetup",
    "TopUp",
    "TopUpByItself",
    "TopUpLook",
    "ToppedUp",
    "UndoPurchase",
    "after_spending",
    "ask_now",
    "auto_topup",
    "card_declined",
    "card_id_of",
    "card_needed",
    "card_no_answer",
    "card_not_found",
    "cards_unavailable",
    "carry_out",
    "carry_out_all",
    "choose_payment_method",
    "collect",
    "collect_debt",
    "collect_debts",
    "decide_top_up",
    "find_card",
    "find_choice",
    "find_chosen_card",
    "find_selected_method",
    "find_top_up",
    "find_usable_card",
    "finish_card_setup",
    "follow_disputes",
    "forget_card_events",
    "forget_card_setups",
    "forget_removed_cards",
    "forget_rider",
    "get_auto_topup",
    "get_payment",
    "give_back",
    "hurry_debt_collection",
    "is_expired",
    "is_topping_up",
    "list_asked",
    "list_call_causes",
    "list_cards",
    "list_methods",
    "list_payments",
    "list_refundable",
    "list_usable_cards",
    "look_at_top_up",
    "merchant_of",
    "open_payment",
    "open_refund",
    "pay_debt",
    "payment_method_in_use",
    "plan_debt_collection",
    "read_payment_methods",
    "read_top_up",
    "reconcile",
    "record_alone",
    "record_answer",
    "record_dispute",
    "refund_running",
    "refund_too_high",
    "remove_card",
    "resolve_call",
    "resolve_card_calls",
    "resolve_card_setups",
    "return_from_card_page",
    "set_auto_topup",
    "split_refund",
    "start_card_setup",
    "take_card_event",
    "top_up",
    "undo_purchase",
    "unknown_payment_method",
    "wants_auto_topup",
    "with_query",
]

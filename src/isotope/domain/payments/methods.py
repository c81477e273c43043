"""With what a rider can pay. Pure."""

from collections.abc import Sequence
from datetime import datetime
from typing import Literal

import msgspec

from isotope.domain.payments.model import CASH, WALLET, Card
from isotope.domain.wallet import Flow, Standing


class PaymentMethod(msgspec.Struct, frozen=True, kw_only=True):
    """A way to pay. The amounts are the wallet's, `card` is a card's; None for the others."""

    id: str
    kind: Literal["WALLET", "CARD", "CASH"]
    currency: str
    is_selected: bool
    balance_minor: int | None = None
    bonus_minor: int | None = None
    card: Card | None = None
    is_expired: bool | None = None


def list_methods(
    standing: Standing, cards: Sequence[Card], flow: Flow, choice: str | None, now: datetime
) -> list[PaymentMethod]:
    """The selected one first, then wallet, cards, and in a taxi cash.

    | chosen | selected |
    |---|---|
    | nothing | the wallet |
    | the wallet | the wallet |
    | one of `cards` | that card, also when it has expired: the rider is to see what fails |
    | a card that is not there | the wallet |
    | cash | cash where `flow` is TAXI, else the wallet |
    """
    methods = [
        wallet_method(standing, is_selected=False),
        *(card_method(card, standing.currency, now, is_selected=False) for card in cards),
    ]
    if flow is Flow.TAXI:
        methods.append(PaymentMethod(id=CASH, kind="CASH", currency=standing.currency, is_selected=False))
    selected = choice if choice in {method.id for method in methods} else WALLET
    marked = [msgspec.structs.replace(method, is_selected=method.id == selected) for method in methods]
    return sorted(marked, key=lambda method: not method.is_selected)


def wallet_method(standing: Standing, *, is_selected: bool) -> PaymentMethod:
    """The rider's money with the operator."""
    return PaymentMethod(
        id=WALLET,
        kind="WALLET",
        currency=standing.currency,
        is_selected=is_selected,
        balance_minor=standing.balance_minor,
        bonus_minor=standing.bonus_minor,
    )


def card_method(card: Card, currency: str, now: datetime, *, is_selected: bool) -> PaymentMethod:
    """A saved card."""
    return PaymentMethod(
        id=card.method_id,
        kind="CARD",
        currency=currency,
        is_selected=is_selected,
        card=card,
        is_expired=is_expired(card, now),
    )


def is_expired(card: Card, now: datetime) -> bool:
    """A card is good until the last day of its month; by UTC, for a bank's time zone is not known."""
    return (now.year, now.month) > (card.exp_year, card.exp_month)

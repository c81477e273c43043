"""What pays a trip.

| the price is for | asked for | pays |
|---|---|---|
| cash | nothing, `cash` | cash |
| cash | anything else | refused: quote_is_for_cash |
| no cash | `wallet`, a card of the rider's | that |
| no cash | `cash` | refused: quote_is_not_for_cash |
| no cash | anything else | refused: unknown_payment_method |
| no cash | nothing | what the rider chose for taxis; if that is cash, a card that is gone, or nothing: the wallet |
"""

from dataclasses import dataclass

from isotope.domain.payments import (
    CASH,
    WALLET,
    Card,
    Cards,
    find_choice,
    list_usable_cards,
    unknown_payment_method,
)
from isotope.domain.taxi import errors
from isotope.domain.taxi.model import TripPayment
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow
from isotope.infra.db import Tx
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True)
class Paying:
    """`method_id` as `get-user-payment-methods` names it; `card` where one pays."""

    payment: TripPayment
    method_id: str
    card: Card | None = None


async def choose_paying(
    tx: Tx, cards: Cards, operator: Operator, rider_id: RiderId, asked: str | None, *, is_cash: bool
) -> Paying:
    """By the table above; an empty text asks for nothing.

    Raises:
        Refusal: see there.
    """
    asked = (asked or "").strip()
    if is_cash:
        if asked not in ("", CASH):
            raise errors.quote_is_for_cash()
        return Paying(TripPayment.CASH, CASH)
    if asked == CASH:
        raise errors.quote_is_not_for_cash()
    usable = {card.method_id: card for card in await list_usable_cards(tx, cards, operator.id, rider_id)}
    if asked not in ("", WALLET, *usable):
        raise unknown_payment_method([WALLET, *usable])
    chosen = asked or await find_choice(tx, operator.id, rider_id, Flow.TAXI) or WALLET
    card = usable.get(chosen)
    return Paying(TripPayment.WALLET, WALLET) if card is None else Paying(TripPayment.CARD, chosen, card)

"""What pays a booking."""

from isotope.domain.payments import (
    WALLET,
    Card,
    Cards,
    card_id_of,
    card_not_found,
    find_choice,
    find_usable_card,
    list_usable_cards,
    unknown_payment_method,
)
from isotope.domain.rental.model import Booking
from isotope.domain.wallet import Flow
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


async def choose_method(
    tx: Tx, cards: Cards, operator_id: OperatorId, rider_id: RiderId, wanted: str | None
) -> tuple[str, Card | None]:
    """What was asked for; else what the rider chose for rentals; else the newest card; else the wallet.

    The card is what the wallet's part is topped up from; None: the wallet alone pays.

    Raises:
        Refusal: `unknown_payment_method`, `cards_unavailable`, `card_not_found`.
    """
    usable = await list_usable_cards(tx, cards, operator_id, rider_id)
    if wanted is None:
        chosen = await find_choice(tx, operator_id, rider_id, Flow.RENTAL)
        if chosen == WALLET or not usable:
            return WALLET, None
        card = next((card for card in usable if card.method_id == chosen), usable[0])
        return card.method_id, card
    if wanted == WALLET:
        return WALLET, None
    card_id = card_id_of(wanted)
    if card_id is None:
        raise unknown_payment_method([WALLET, *(card.method_id for card in usable)])
    cards.get_provider()
    found = next((card for card in usable if card.id == card_id), None)
    if found is None:
        raise card_not_found()
    return found.method_id, found


async def paying_card(tx: Tx, cards: Cards, booking: Booking) -> Card | None:
    """The card that the booking was made with, if it can still be used."""
    card_id = card_id_of(booking.payment_method_id)
    return await find_usable_card(tx, cards, booking.operator_id, booking.rider_id, card_id)

"""What a ride has to do with cards: which one pays it, and what is reserved on it."""

from datetime import datetime

from isotope.domain.payments import Card, CardCall, Cards, Collect, Purpose, card_id_of, collect, list_usable_cards
from isotope.domain.sharing.model import Ride
from isotope.infra.db import Tx
from isotope.kernel.actor import SYSTEM


async def find_paying_card(tx: Tx, cards: Cards, ride: Ride) -> Card | None:
    """The card that the ride was started with, if it can still be used."""
    card_id = card_id_of(ride.terms.payment_method_id)
    if card_id is None:
        return None
    usable = await list_usable_cards(tx, cards, ride.operator_id, ride.rider_id)
    return next((card for card in usable if card.id == card_id), None)


async def release_reserved(tx: Tx, ride: Ride, now: datetime) -> list[CardCall]:
    """Let go what is reserved for a ride; the calls are carried out after the commit."""
    return await collect(
        tx,
        Collect(
            operator_id=ride.operator_id,
            purpose=Purpose.RIDE,
            cause=ride.holder,
            card=None,
            currency=ride.currency,
            due_minor=0,
            actor=SYSTEM,
            now=now,
        ),
    )

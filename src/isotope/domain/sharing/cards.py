"""What a ride has to do with cards: which one pays it, and carrying out what was decided."""

from collections.abc import Sequence
from datetime import datetime

from isotope.domain.payments import Card, CardCall, Cards, Collect, Purpose, card_id_of, carry_out, collect, list_cards
from isotope.domain.sharing.model import Ride
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId


async def list_usable_cards(tx: Tx, cards: Cards, operator_id: OperatorId, rider_id: RiderId) -> list[Card]:
    """The rider's cards at the provider that is in use, newest first."""
    if cards.provider is None:
        return []
    name = cards.provider.name
    return [card for card in await list_cards(tx, operator_id, rider_id) if card.provider == name]


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


async def carry_out_all(rt: Runtime, cards: Cards, operator: Operator, calls: Sequence[CardCall]) -> None:
    """One after the other, after the commit that decided them. What stays unclear is the worker's."""
    if cards.are_taken:
        for call in calls:
            await carry_out(rt, cards, operator, call)

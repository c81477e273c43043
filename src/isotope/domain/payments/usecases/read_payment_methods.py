"""With what a rider can pay for something."""

from isotope.domain.payments import queries
from isotope.domain.payments.cards import Cards
from isotope.domain.payments.choices import find_chosen_card
from isotope.domain.payments.methods import PaymentMethod, card_method, list_methods, wallet_method
from isotope.domain.payments.model import Card
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import Flow, Standing, get_standing
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


async def read_payment_methods(
    rt: Runtime, cards: Cards, operator: Operator, rider_id: RiderId, flow: Flow
) -> list[PaymentMethod]:
    """The selected one first. Cards of a provider that this installation has left are not among them."""
    async with rt.db.read() as tx:
        standing = await get_standing(tx, operator.id, rider_id, operator.currency)
        choice = await queries.find_choice(tx, operator.id, rider_id, flow)
        saved = await queries.list_cards(tx, operator.id, rider_id)
    usable = [card for card in saved if _is_usable(card, cards)]
    return list_methods(standing, usable, flow, choice, rt.clock.now())


async def find_selected_method(
    rt: Runtime, tx: Tx, cards: Cards, operator: Operator, rider_id: RiderId, standing: Standing
) -> PaymentMethod:
    """The first of `read_payment_methods` for SHARING, without reading the others."""
    card = await find_chosen_card(tx, operator.id, rider_id, Flow.SHARING)
    if card is None or not _is_usable(card, cards):
        return wallet_method(standing, is_selected=True)
    return card_method(card, standing.currency, rt.clock.now(), is_selected=True)


def _is_usable(card: Card, cards: Cards) -> bool:
    return cards.provider is not None and card.provider == cards.provider.name

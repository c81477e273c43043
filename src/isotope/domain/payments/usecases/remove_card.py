"""A rider lets a card go."""

import asyncio
from collections.abc import Sequence
from typing import Final

import msgspec
import structlog

from isotope.domain.identity import lock_rider
from isotope.domain.payments import choices, errors, queries
from isotope.domain.payments.cards import Cards, merchant_of
from isotope.domain.payments.model import Card, CardStatus
from isotope.domain.payments.ports import CardHold, CardsUnclear
from isotope.domain.tenants import Operators
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId

_log = structlog.get_logger(__name__)

BATCH: Final = 50
AT_ONCE: Final = 4


class RemoveCard(msgspec.Struct, frozen=True, kw_only=True):
    """`method_id` as `payment_method_id` has it."""

    operator_id: OperatorId
    rider_id: RiderId
    method_id: str


async def remove_card(rt: Runtime, holds: Sequence[CardHold], command: RemoveCard) -> None:
    """The card pays no more, and nothing chooses it. The worker tells the provider (`forget_removed_cards`).

    Removing it again changes nothing.

    Raises:
        Refusal: `card_not_found`, `payment_method_in_use`, the reason of a hold, `user_not_found`.
    """
    card_id = queries.card_id_of(command.method_id)
    if card_id is None:
        raise errors.card_not_found()
    async with rt.db.write() as tx:
        # A ride that starts at this moment either is seen by the holds, or waits and finds the card gone.
        await lock_rider(tx, command.operator_id, command.rider_id)
        card = await choices.lock_card(tx, command.operator_id, command.rider_id, card_id)
        if card is None:
            raise errors.card_not_found()
        if card.status is CardStatus.REMOVED:
            return
        for hold in holds:
            if no := await hold.reason(tx, card):
                raise no
        if await choices.has_open_payment(tx, card):
            raise errors.payment_method_in_use()
        await choices.remove(tx, card, rt.clock.now())
        await choices.drop_choices(tx, card)


async def forget_removed_cards(rt: Runtime, cards: Cards, operators: Operators) -> int:
    """Periodic: tell the provider of a bounded batch of removed cards; how many. It is told until it answers."""
    if cards.provider is None:
        return 0
    provider = cards.provider
    async with rt.db.write() as tx:
        due = await choices.claim_forgettable(tx, rt.clock.now(), BATCH)
    slots = asyncio.Semaphore(AT_ONCE)

    async def one(card: Card) -> None:
        async with slots:
            if card.provider == provider.name:
                merchant = merchant_of(await operators.get(card.operator_id))
                try:
                    await provider.forget_card(merchant, card.customer_ref, card.card_ref)
                except CardsUnclear as error:
                    _log.warning("cards.not_forgotten", reason=error.reason)
                    return
            async with rt.db.write() as tx:
                await choices.set_forgotten(tx, card)

    await asyncio.gather(*(one(card) for card in due))
    return len(due)

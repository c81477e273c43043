"""The SQL of what riders choose to pay with, and of cards that they let go."""

from datetime import datetime

from isotope.domain.payments.model import Card, CardId
from isotope.domain.payments.rows import CARD_COLUMNS, card_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


async def set_choice(tx: Tx, operator_id: OperatorId, rider_id: RiderId, flow: str, method_id: str) -> None:
    await tx.execute(
        """
        insert into payment_choice (operator_id, rider_id, flow, method_id)
        values (%(operator_id)s, %(rider_id)s, %(flow)s, %(method_id)s)
        on conflict (operator_id, rider_id, flow) do update set method_id = excluded.method_id
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "flow": flow, "method_id": method_id},
    )


async def choose_first_card(tx: Tx, card: Card) -> None:
    """A rider's only card pays for everything that they chose nothing else for, or a card that is gone."""
    await tx.execute(
        """
        insert into payment_choice (operator_id, rider_id, flow, method_id)
        select %(operator_id)s, %(rider_id)s, flow, %(method_id)s from unnest(array['SHARING', 'TAXI', 'RENTAL']) flow
        on conflict (operator_id, rider_id, flow) do update set method_id = excluded.method_id
         where payment_choice.method_id not in ('wallet', 'cash')
        """,
        {"operator_id": card.operator_id, "rider_id": card.rider_id, "method_id": card.method_id},
    )


async def drop_choices(tx: Tx, card: Card) -> None:
    """Who chose this card pays from the wallet again."""
    await tx.execute(
        """
        delete from payment_choice
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and method_id = %(method_id)s
        """,
        {"operator_id": card.operator_id, "rider_id": card.rider_id, "method_id": card.method_id},
    )


async def find_chosen_card(tx: Tx, operator_id: OperatorId, rider_id: RiderId, flow: str) -> Card | None:
    """The card that pays for a flow; None: the wallet or cash does. One indexed read."""
    return await tx.find(
        card_row,
        f"""
        select {CARD_COLUMNS} from card
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE'
           and id = (select substr(method_id, 6)::bigint from payment_choice
                      where operator_id = %(operator_id)s and rider_id = %(rider_id)s and flow = %(flow)s
                        and method_id like 'card\\_%%')
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "flow": flow},
    )


async def lock_card(tx: Tx, operator_id: OperatorId, rider_id: RiderId, card_id: CardId) -> Card | None:
    """A rider's own card, whatever its status."""
    return await tx.find(
        card_row,
        f"""
        select {CARD_COLUMNS} from card
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and id = %(card_id)s for no key update
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "card_id": card_id},
    )


async def has_open_payment(tx: Tx, card: Card) -> bool:
    """Whether money may still move from this card."""
    found: bool = await tx.scalar(
        """
        select exists (select from card_payment
                        where operator_id = %(operator_id)s and card_id = %(card_id)s
                          and status in ('AUTHORISING', 'ACTION_REQUIRED', 'AUTHORISED'))
        """,
        {"operator_id": card.operator_id, "card_id": card.id},
    )
    return found


async def remove(tx: Tx, card: Card, now: datetime) -> None:
    """The card pays no more; the provider is told afterwards. The caller holds its row."""
    await tx.execute(
        """
        update card set status = 'REMOVED', forget_at = %(now)s, forget_attempts = 0
         where operator_id = %(operator_id)s and id = %(card_id)s
        """,
        {"operator_id": card.operator_id, "card_id": card.id, "now": now},
    )


async def erase(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> None:
    """Nothing tells any more with what a rider paid; cards that the provider knows are to be forgotten there."""
    who = {"operator_id": operator_id, "rider_id": rider_id, "now": now}
    await tx.execute(
        """
        update card
           set forget_at = case when status = 'REMOVED' then forget_at else %(now)s end,
               status = 'REMOVED', brand = '', last4 = '0000', exp_month = 1, exp_year = 2000
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
        """,
        who,
    )
    await tx.execute("delete from payment_choice where operator_id = %(operator_id)s and rider_id = %(rider_id)s", who)
    await tx.execute(
        "update card_setup set return_url = null where operator_id = %(operator_id)s and rider_id = %(rider_id)s", who
    )


async def claim_forgettable(tx: Tx, now: datetime, limit: int) -> list[Card]:
    """Removed cards of all operators that the provider is to be told of; each comes again until it is.

    30 s, 1, 2, 4 ... minutes, a day at most.
    """
    return await tx.all(
        card_row,
        f"""
        update card
           set forget_attempts = forget_attempts + 1,
               forget_at = %(now)s + least(interval '1 day', interval '30 seconds' * 2 ^ least(forget_attempts, 12))
         where (operator_id, id) in (
               select operator_id, id from card where forget_at <= %(now)s
                order by forget_at limit %(limit)s for no key update skip locked)
        returning {CARD_COLUMNS}
        """,
        {"now": now, "limit": limit},
    )


async def set_forgotten(tx: Tx, card: Card) -> None:
    """The provider knows."""
    await tx.execute(
        """
        update card set forget_at = null
         where operator_id = %(operator_id)s and id = %(card_id)s and status = 'REMOVED'
        """,
        {"operator_id": card.operator_id, "card_id": card.id},
    )

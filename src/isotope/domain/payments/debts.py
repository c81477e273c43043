"""What is stored of debts that are being collected. Rows are locked last, after the wallet.

A row stays while a debt may be open. `next_at` null: given up, or waiting for a card.
"""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from isotope.domain.payments import debt_rules, queries
from isotope.domain.payments.model import Card, CardId, CardPayment, Purpose
from isotope.domain.payments.rows import PAYMENT_COLUMNS, payment_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

# Whoever claims a row decides at once; if that process dies, the row comes again after this.
LEASE: Final = timedelta(minutes=1)
FLOW: Final = "SHARING"


class DebtCollection(msgspec.Struct, frozen=True, kw_only=True):
    """A debt that is being collected: tried `step` times since `since_at`."""

    operator_id: OperatorId
    rider_id: RiderId
    currency: str
    step: int
    since_at: datetime
    next_at: datetime | None


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> None:
    """Who decides to ask a rider's cards for money queues here. Lets others refer to the rider meanwhile."""
    await tx.execute(
        "select from rider where operator_id = %(operator_id)s and id = %(rider_id)s for no key update",
        {"operator_id": operator_id, "rider_id": rider_id},
    )


async def plan(
    tx: Tx,
    operator_id: OperatorId,
    rider_id: RiderId,
    currency: str,
    *,
    now: datetime,
    step: int,
    next_at: datetime | None,
) -> None:
    """Collect from now on. What was given up or waited for a card starts anew, what runs is tried no later."""
    await tx.execute(
        """
        insert into debt_collection as old (operator_id, rider_id, currency, step, since_at, next_at)
        values (%(operator_id)s, %(rider_id)s, %(currency)s, %(step)s, %(now)s, %(next_at)s)
        on conflict (operator_id, rider_id, currency) do update
           set step = case when old.next_at is null then excluded.step else old.step end,
               since_at = case when old.next_at is null then %(now)s else old.since_at end,
               next_at = least(old.next_at, excluded.next_at)
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "currency": currency,
            "now": now,
            "step": step,
            "next_at": next_at,
        },
    )


async def find(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> DebtCollection | None:
    """How far the collection of a rider's debt is."""
    return await tx.find(
        DebtCollection,
        """
        select operator_id, rider_id, currency, step, since_at, next_at from debt_collection
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )


async def claim_due(tx: Tx, now: datetime, limit: int) -> list[DebtCollection]:
    """Debts of all operators whose time has come, what is due longest first."""
    return await tx.all(
        DebtCollection,
        """
        update debt_collection set next_at = %(lease)s
         where (operator_id, rider_id, currency) in (
               select operator_id, rider_id, currency from debt_collection
                where next_at <= %(now)s
                order by next_at limit %(limit)s for no key update skip locked)
        returning operator_id, rider_id, currency, step, since_at, next_at
        """,
        {"now": now, "lease": now + LEASE, "limit": limit},
    )


async def set_next(tx: Tx, due: DebtCollection, *, step: int, next_at: datetime | None) -> None:
    await tx.execute(
        """
        update debt_collection set step = %(step)s, next_at = %(next_at)s
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        """,
        {
            "operator_id": due.operator_id,
            "rider_id": due.rider_id,
            "currency": due.currency,
            "step": step,
            "next_at": next_at,
        },
    )


async def end(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> None:
    """Nothing is owed any more. The caller holds the wallet, so no debt arises in the same moment."""
    await tx.execute(
        """
        delete from debt_collection
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )


async def find_incoming(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, purposes: tuple[Purpose, ...]
) -> CardPayment | None:
    """A payment into the rider's wallet that is not decided yet, the newest. By index card_payment_incoming.

    A deposit is none before some of it is being taken.
    """
    return await tx.find(
        payment_row,
        f"""
        select {PAYMENT_COLUMNS} from card_payment
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
           and purpose = any(%(purposes)s::text[] || 'DEPOSIT'::text)
           and (purpose <> 'DEPOSIT'
                or exists (select from card_call c
                            where c.operator_id = %(operator_id)s and c.payment_id = card_payment.id
                              and c.status = 'OPEN' and c.kind = 'CAPTURE'))
           and purpose <> 'RIDE' and status in ('AUTHORISING', 'ACTION_REQUIRED', 'AUTHORISED')
         order by id desc limit 1
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "purposes": list(purposes)},
    )


async def find_card_to_charge(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, provider: str, asked: CardId | None = None
) -> Card | None:
    """The rider's card for what they owe or want topped up, by `debt_rules.card_to_charge`."""
    choice = await queries.find_choice(tx, operator_id, rider_id, FLOW)
    return debt_rules.card_to_charge(
        await queries.list_cards(tx, operator_id, rider_id),
        provider,
        chosen=None if choice is None else queries.card_id_of(choice),
        asked=asked,
    )

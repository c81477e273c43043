"""The SQL of saving cards: who is on the way to the provider's page, and what came back."""

from datetime import datetime
from typing import Any, Final

from isotope.domain.payments.model import Card, CardId, CardSetup, CardSetupId, SavedCard, SetupStatus
from isotope.domain.payments.rows import CARD_COLUMNS, card_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

_COLUMNS: Final = (
    "operator_id, id, rider_id, provider, setup_ref, return_url, status, card_id, attempts, created_at, expires_at"
)


def setup_row(*, status: str, **row: Any) -> CardSetup:
    """A row of `_COLUMNS`."""
    return CardSetup(status=SetupStatus(status), **row)


async def count_open(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> int:
    """How many pages of a rider are open; at most a few, which `start_card_setup` sees to."""
    found: int = await tx.scalar(
        """
        select count(*) from card_setup
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'PENDING'
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return found


async def count_cards(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> int:
    """How many cards a rider can use."""
    found: int = await tx.scalar(
        """
        select count(*) from card
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status = 'ACTIVE'
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    return found


async def insert_setup(
    tx: Tx,
    *,
    operator_id: OperatorId,
    rider_id: RiderId,
    provider: str,
    return_token_hash: bytes,
    return_url: str | None,
    now: datetime,
    expires_at: datetime,
    next_at: datetime,
) -> CardSetup:
    """A rider who is about to be sent to the provider."""
    return await tx.one(
        setup_row,
        f"""
        insert into card_setup (operator_id, rider_id, provider, return_token_hash, return_url, created_at,
                                expires_at, next_at)
        values (%(operator_id)s, %(rider_id)s, %(provider)s, %(hash)s, %(return_url)s, %(now)s, %(expires_at)s,
                %(next_at)s)
        returning {_COLUMNS}
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "provider": provider,
            "hash": return_token_hash,
            "return_url": return_url,
            "now": now,
            "expires_at": expires_at,
            "next_at": next_at,
        },
    )


async def set_setup_ref(tx: Tx, setup: CardSetup, setup_ref: str) -> CardSetup:
    """The provider's name for it."""
    return await tx.one(
        setup_row,
        f"""
        update card_setup set setup_ref = %(setup_ref)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {_COLUMNS}
        """,
        {"operator_id": setup.operator_id, "id": setup.id, "setup_ref": setup_ref},
    )


async def find_setup_by_token(tx: Tx, return_token_hash: bytes) -> CardSetup | None:
    """Of any operator: a browser that comes back shows nothing but the token."""
    return await tx.find(
        setup_row,
        f"select {_COLUMNS} from card_setup where return_token_hash = %(hash)s",
        {"hash": return_token_hash},
    )


async def lock_setup(tx: Tx, operator_id: OperatorId, setup_id: CardSetupId) -> CardSetup:
    return await tx.one(
        setup_row,
        f"select {_COLUMNS} from card_setup where operator_id = %(operator_id)s and id = %(id)s for no key update",
        {"operator_id": operator_id, "id": setup_id},
    )


async def end_setup(tx: Tx, setup: CardSetup, status: SetupStatus, card_id: CardId | None = None) -> CardSetup:
    """It is over. The caller holds its row."""
    return await tx.one(
        setup_row,
        f"""
        update card_setup set status = %(status)s, card_id = %(card_id)s, next_at = null
         where operator_id = %(operator_id)s and id = %(id)s
        returning {_COLUMNS}
        """,
        {"operator_id": setup.operator_id, "id": setup.id, "status": status, "card_id": card_id},
    )


async def claim_due_setups(tx: Tx, now: datetime, limit: int) -> list[CardSetup]:
    """Set-ups of all operators that nobody came back from; each comes again ever more rarely, and when it expires.

    30 s, 1, 2, 4 ... minutes, an hour at most.
    """
    return await tx.all(
        setup_row,
        f"""
        update card_setup
           set attempts = attempts + 1,
               next_at = least(
                   %(now)s + least(interval '1 hour', interval '30 seconds' * 2 ^ least(attempts, 10)),
                   greatest(expires_at, %(now)s + interval '30 seconds'))
         where (operator_id, id) in (
               select operator_id, id from card_setup
                where status = 'PENDING' and next_at <= %(now)s
                order by next_at limit %(limit)s for no key update skip locked)
        returning {_COLUMNS}
        """,
        {"now": now, "limit": limit},
    )


async def hurry_setup(tx: Tx, provider: str, setup_ref: str, now: datetime) -> OperatorId | None:
    """Something happened at the provider: look what became of this set-up now. Whose it is; None: not ours."""
    found: OperatorId | None = await tx.scalar(
        """
        update card_setup set next_at = %(now)s
         where provider = %(provider)s and setup_ref = %(setup_ref)s and status = 'PENDING'
        returning operator_id
        """,
        {"provider": provider, "setup_ref": setup_ref, "now": now},
    )
    return found


async def delete_setups(tx: Tx, before: datetime, limit: int) -> int:
    """Drop what ended long ago."""
    return await tx.execute(
        """
        delete from card_setup where (operator_id, id) in (
               select operator_id, id from card_setup
                where created_at < %(before)s and status <> 'PENDING' limit %(limit)s for update skip locked)
        """,
        {"before": before, "limit": limit},
    )


async def find_customer(tx: Tx, operator_id: OperatorId, rider_id: RiderId, provider: str) -> str | None:
    """The rider at the provider, once they are known there."""
    found: str | None = await tx.scalar(
        """
        select customer_ref from card_customer
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and provider = %(provider)s
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "provider": provider},
    )
    return found


async def save_card(tx: Tx, setup: CardSetup, saved: SavedCard, now: datetime) -> Card | None:
    """The card and the rider's customer, once however often they come; None: the card is somebody else's."""
    who = {"operator_id": setup.operator_id, "rider_id": setup.rider_id, "provider": setup.provider}
    await tx.execute(
        """
        insert into card_customer (operator_id, rider_id, provider, customer_ref)
        values (%(operator_id)s, %(rider_id)s, %(provider)s, %(customer_ref)s)
        on conflict (operator_id, rider_id, provider) do nothing
        """,
        {**who, "customer_ref": saved.customer_ref},
    )
    return await tx.find(
        card_row,
        f"""
        insert into card (operator_id, rider_id, provider, customer_ref, card_ref, brand, last4, exp_month, exp_year,
                          created_at)
        values (%(operator_id)s, %(rider_id)s, %(provider)s, %(customer_ref)s, %(card_ref)s, %(brand)s, %(last4)s,
                %(exp_month)s, %(exp_year)s, %(now)s)
        on conflict (operator_id, provider, card_ref) do update
           set status = 'ACTIVE', forget_at = null, exp_month = excluded.exp_month, exp_year = excluded.exp_year
         where card.rider_id = excluded.rider_id
        returning {CARD_COLUMNS}
        """,
        {
            **who,
            "customer_ref": saved.customer_ref,
            "card_ref": saved.card_ref,
            "brand": saved.brand,
            "last4": saved.last4,
            "exp_month": saved.exp_month,
            "exp_year": saved.exp_year,
            "now": now,
        },
    )

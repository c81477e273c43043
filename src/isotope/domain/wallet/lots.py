"""Bonus lot by lot: when each part of it was given, what is left of it, and when it ends.

What is left of a rider's lots is the balance of RIDER_BONUS. `post` keeps it so, for every posting; lots change under
the lock of the rider's accounts that a posting takes.
"""

from collections import Counter
from datetime import datetime

import msgspec

from isotope.domain.wallet.model import AccountKind, Posting
from isotope.infra.db import Tx
from isotope.kernel.ids import RiderId


class DueWallet(msgspec.Struct, frozen=True):
    """A wallet with bonus that has ended."""

    operator_id: int
    rider_id: int
    currency: str


class DueLot(msgspec.Struct, frozen=True):
    """What is left of bonus that has ended."""

    id: int
    remaining_minor: int


async def keep_lots(tx: Tx, posting: Posting) -> None:
    """Make lots of the bonus that a new posting gives, and spend what it takes, what ends first first.

    Raises:
        LookupError: the lots hold less than the account did; somebody changed one without the other.
    """
    moved: Counter[RiderId] = Counter()
    for entry in posting.entries:
        if entry.kind is AccountKind.RIDER_BONUS and entry.rider_id is not None:
            moved[entry.rider_id] += entry.amount_minor
    for rider_id, amount_minor in moved.items():
        if amount_minor > 0:
            await _insert(tx, posting, rider_id, amount_minor)
        elif amount_minor < 0:
            await _spend(tx, posting, rider_id, -amount_minor)


async def _insert(tx: Tx, posting: Posting, rider_id: RiderId, amount_minor: int) -> None:
    await tx.execute(
        """
        insert into bonus_lot (operator_id, rider_id, currency, granted_minor, remaining_minor, expires_at, cause, created_at)
        values (%(operator_id)s, %(rider_id)s, %(currency)s, %(amount)s, %(amount)s, %(expires_at)s, %(cause)s, %(now)s)
        """,
        {
            "operator_id": posting.operator_id,
            "rider_id": rider_id,
            "currency": posting.currency,
            "amount": amount_minor,
            "expires_at": posting.bonus_expires_at,
            "cause": posting.cause,
            "now": posting.now,
        },
    )


async def _spend(tx: Tx, posting: Posting, rider_id: RiderId, amount_minor: int) -> None:
    # Walks from lot to lot by index until it has enough: how many there are does not matter.
    spent = await tx.scalar(
        """
        with recursive spent as (
            (select id, coalesce(expires_at, 'infinity') as ends_at, least(remaining_minor, %(amount)s::bigint) as taken,
                    %(amount)s::bigint - least(remaining_minor, %(amount)s::bigint) as rest
               from bonus_lot
              where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
                and remaining_minor > 0
              order by coalesce(expires_at, 'infinity'), id limit 1)
            union all
            select next.id, next.ends_at, least(next.remaining_minor, spent.rest),
                   spent.rest - least(next.remaining_minor, spent.rest)
              from spent cross join lateral (
                  select id, coalesce(expires_at, 'infinity') as ends_at, remaining_minor
                    from bonus_lot
                   where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
                     and remaining_minor > 0
                     and (coalesce(expires_at, 'infinity'), id) > (spent.ends_at, spent.id)
                   order by coalesce(expires_at, 'infinity'), id limit 1
              ) next
             where spent.rest > 0
        ), changed as (
            update bonus_lot lot set remaining_minor = lot.remaining_minor - spent.taken
              from spent
             where lot.operator_id = %(operator_id)s and lot.id = spent.id
               -- Or the planner, who expects a recursion to be long, reads them all.
               and lot.id = any(array(select id from spent))
            returning spent.taken
        )
        select coalesce(sum(taken), 0)::bigint from changed
        """,
        {
            "operator_id": posting.operator_id,
            "rider_id": rider_id,
            "currency": posting.currency,
            "amount": amount_minor,
        },
    )
    if spent != amount_minor:
        raise LookupError(f"{posting.cause}: the lots of rider {rider_id} hold {spent} of {amount_minor}")


async def list_due_wallets(tx: Tx, now: datetime, limit: int) -> list[DueWallet]:
    """Wallets of any operator with bonus that has ended, what ended first first."""
    return await tx.all(
        DueWallet,
        """
        select operator_id, rider_id, currency from (
            select operator_id, rider_id, currency, expires_at from bonus_lot
             where remaining_minor > 0 and expires_at is not null and expires_at <= %(now)s
             order by expires_at limit %(limit)s
        ) due
         group by operator_id, rider_id, currency
         order by min(expires_at), operator_id, rider_id
        """,
        {"now": now, "limit": limit},
    )


async def list_due_lots(tx: Tx, wallet: DueWallet, now: datetime, limit: int) -> list[DueLot]:
    """Of one wallet, in the order in which `post` spends them."""
    return await tx.all(
        DueLot,
        """
        select id, remaining_minor from bonus_lot
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
           and remaining_minor > 0 and coalesce(expires_at, 'infinity') <= %(now)s
         order by coalesce(expires_at, 'infinity'), id limit %(limit)s
        """,
        {
            "operator_id": wallet.operator_id,
            "rider_id": wallet.rider_id,
            "currency": wallet.currency,
            "now": now,
            "limit": limit,
        },
    )


async def lock_if_free(tx: Tx, wallet: DueWallet) -> bool:
    """Lock the wallet unless somebody has it; by its first account in the order in which all are locked."""
    found = await tx.scalar(
        """
        select id from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
           and kind = 'RIDER_BALANCE'
           for no key update skip locked
        """,
        {"operator_id": wallet.operator_id, "rider_id": wallet.rider_id, "currency": wallet.currency},
    )
    return found is not None

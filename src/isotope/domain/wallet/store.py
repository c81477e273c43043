"""What the wallet writes.

Locks are always taken on the rows of riders' accounts, by rising (rider, kind), before anything is written: two
transactions that post to the same riders queue and never block each other for good; a driver's account comes after them,
and a posting has one of those at most. Who posts for several riders in
several postings of one database transaction goes by rising rider id.
"""

from collections.abc import Iterable
from typing import Final

from isotope.domain.wallet.model import Account, AccountKind, Entry, Posting, Standing
from isotope.domain.wallet.queries import AccountRow, standing_of
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

# What every rider's wallet has. The account of money in transit is made by the first posting that needs it.
WALLET_KINDS: Final = frozenset({AccountKind.RIDER_BALANCE, AccountKind.RIDER_BONUS, AccountKind.RIDER_DEBT})


async def lock_standing(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> Standing:
    """The wallet, which nobody else changes until this transaction ends. A rider without accounts gets them.

    Raises:
        psycopg.errors.ForeignKeyViolation: there is no such rider.
    """
    rows = await _lock_accounts(tx, operator_id, rider_id, currency)
    if not {row.kind for row in rows} >= WALLET_KINDS:
        await create_accounts(tx, operator_id, currency, [Account(kind, rider_id) for kind in WALLET_KINDS])
        rows = await _lock_accounts(tx, operator_id, rider_id, currency)
    return standing_of(currency, rows)


async def _lock_accounts(tx: Tx, operator_id: OperatorId, rider_id: RiderId, currency: str) -> list[AccountRow]:
    return await tx.all(
        AccountRow,
        """
        select kind, balance_minor from ledger_account
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
         order by kind
           for no key update
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "currency": currency},
    )


async def create_accounts(tx: Tx, operator_id: OperatorId, currency: str, accounts: Iterable[Account]) -> None:
    """Make the accounts that are missing; when somebody else is making them, wait until that is decided."""
    # In one order for all, or two who make the same accounts could wait for each other.
    wanted = sorted(
        set(accounts), key=lambda one: (one.rider_id is None, one.rider_id or 0, one.driver_id or 0, one.kind)
    )
    await tx.execute(
        """
        insert into ledger_account (operator_id, kind, rider_id, driver_id, currency, balance_minor)
        select %(operator_id)s, kind, rider_id, driver_id, %(currency)s,
               case when rider_id is not null or driver_id is not null then 0 end
          from unnest(%(kinds)s::text[], %(rider_ids)s::bigint[], %(driver_ids)s::bigint[])
               with ordinality as wanted (kind, rider_id, driver_id, nr)
         order by nr
        on conflict do nothing
        """,
        {
            "operator_id": operator_id,
            "currency": currency,
            "kinds": [one.kind for one in wanted],
            "rider_ids": [one.rider_id for one in wanted],
            "driver_ids": [one.driver_id for one in wanted],
        },
    )


async def insert_posting(tx: Tx, posting: Posting) -> bool:
    """Write a transaction with its entries; False when nothing was written.

    That is so when the cause was posted before with this reason, or when an account is missing. The only statement
    that writes entries: it locks the riders' accounts in order, then writes header and entries at once.
    """
    written = await tx.execute(
        """
        with entry as (
            select * from unnest(%(kinds)s::text[], %(rider_ids)s::bigint[], %(driver_ids)s::bigint[], %(amounts)s::bigint[])
                with ordinality as given (kind, rider_id, driver_id, amount_minor, nr)
        ), locked as materialized (
            select id, kind, rider_id from ledger_account
             where operator_id = %(operator_id)s and currency = %(currency)s
               and rider_id = any(%(rider_ids)s::bigint[])
             order by rider_id, kind
               for no key update
        ), account as materialized (
            select entry.nr, entry.amount_minor, locked.id
              from entry join locked on locked.rider_id = entry.rider_id and locked.kind = entry.kind
            union all
            select entry.nr, entry.amount_minor, own.id
              from entry join ledger_account own
                on own.operator_id = %(operator_id)s and own.currency = %(currency)s and own.kind = entry.kind
               and own.rider_id is null and own.driver_id is null
             where entry.rider_id is null and entry.driver_id is null
            union all
            select entry.nr, entry.amount_minor, drivers.id
              from entry join ledger_account drivers
                on drivers.operator_id = %(operator_id)s and drivers.currency = %(currency)s
               and drivers.driver_id = entry.driver_id
        ), header as (
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            select %(operator_id)s, %(currency)s, %(reason)s, %(actor)s, %(cause)s, %(now)s
             where (select count(*) from account) = cardinality(%(kinds)s::text[])
            on conflict (operator_id, cause, reason) do nothing
            returning id
        )
        insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
        select %(operator_id)s, header.id, account.nr, account.id, account.amount_minor
          from header cross join account
         order by account.nr
        """,
        {
            "operator_id": posting.operator_id,
            "currency": posting.currency,
            "reason": posting.reason,
            "actor": posting.actor,
            "cause": posting.cause,
            "now": posting.now,
            "kinds": [entry.kind for entry in posting.entries],
            "rider_ids": [entry.rider_id for entry in posting.entries],
            "driver_ids": [entry.driver_id for entry in posting.entries],
            "amounts": [entry.amount_minor for entry in posting.entries],
        },
    )
    return written > 0


def accounts_of(entries: Iterable[Entry]) -> list[Account]:
    """Which accounts a posting touches."""
    return [entry.account for entry in entries]

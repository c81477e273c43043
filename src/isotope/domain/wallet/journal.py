"""The journal: every entry of a period, in the order in which they happened."""

from collections.abc import AsyncIterator
from datetime import datetime

import msgspec

from isotope.domain.wallet.model import AccountKind
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


class JournalLine(msgspec.Struct, frozen=True):
    """One entry. `at` is UTC in ISO 8601 with microseconds; `rider_id` is a pseudonym that outlives the rider's name.

    `amount_minor` is a credit above zero and a debit below.
    """

    transaction_id: int
    at: str
    reason: str
    cause: str
    actor: str
    account: AccountKind
    rider_id: int | None
    currency: str
    amount_minor: int


class AccountTotal(msgspec.Struct, frozen=True, kw_only=True):
    """What was posted to one kind of account in one currency. Both sums are zero or positive."""

    currency: str
    account: AccountKind
    debit_minor: int
    credit_minor: int
    lines: int


async def stream_journal(
    tx: Tx, operator_id: OperatorId, since: datetime, until: datetime
) -> AsyncIterator[JournalLine]:
    """Everything with `since <= at < until` in every currency, by time and transaction; one line in memory at a time.

    The transaction sees one moment of the store for as long as this takes; the store's limits of time are lifted for it.
    """
    await tx.execute("set local statement_timeout = 0")
    async with (
        tx.cursor() as cursor,
        cursor.copy(
            """
            copy (
                select t.id, to_char(t.at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'), t.reason, t.cause,
                       t.actor, a.kind, a.rider_id, a.currency, e.amount_minor
                  from ledger_transaction t
                  join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
                  join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
                 where t.operator_id = %(operator_id)s and t.at >= %(since)s and t.at < %(until)s
                 order by t.at, t.id, e.nr
            ) to stdout
            """,
            {"operator_id": operator_id, "since": since, "until": until},
        ) as copy,
    ):
        async for nr, at, reason, cause, actor, kind, rider, currency, amount in copy.rows():
            yield JournalLine(
                int(nr),
                at,
                reason,
                cause,
                actor,
                AccountKind(kind),
                None if rider is None else int(rider),
                currency,
                int(amount),
            )


async def total_period(tx: Tx, operator_id: OperatorId, since: datetime, until: datetime) -> list[AccountTotal]:
    """The trial balance of a period: what was posted with `since <= at < until`, by currency and account.

    Reads every entry of the period: for reconciliation and tests, not for a request.
    """
    await tx.execute("set local statement_timeout = 0")
    rows = await tx.tuples(
        """
        select a.currency, a.kind,
               coalesce(-sum(e.amount_minor) filter (where e.amount_minor < 0), 0)::bigint,
               coalesce(sum(e.amount_minor) filter (where e.amount_minor > 0), 0)::bigint,
               count(*)
          from ledger_transaction t
          join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
          join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
         where t.operator_id = %(operator_id)s and t.at >= %(since)s and t.at < %(until)s
         group by a.currency, a.kind
         order by a.currency collate "C", a.kind collate "C"
        """,
        {"operator_id": operator_id, "since": since, "until": until},
    )
    return [
        AccountTotal(currency=currency, account=AccountKind(kind), debit_minor=debit, credit_minor=credit, lines=lines)
        for currency, kind, debit, credit, lines in rows
    ]

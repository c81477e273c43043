"""The writing SQL of this room."""

from datetime import datetime
from typing import Final

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.receipts import rules
from isotope.domain.receipts.model import ReceiptDraft
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId


async def insert_receipt(tx: Tx, draft: ReceiptDraft) -> bool:
    """Whether it is new: a cause that has its receipt keeps it as it is."""
    operator = draft.operator
    inserted = await tx.execute(
        """
        insert into receipt (
            operator_id, rider_id, kind, cause, corrects, subject, supplied_from, supplied_until, currency, lines, taxes,
            net_minor, tax_minor, total_minor, paid_bonus_minor, paid_balance_minor, paid_card_minor, paid_debt_minor,
            paid_cash_minor, issued_at, time_zone, seller, number_prefix, year)
        values (
            %(operator_id)s, %(rider_id)s, %(kind)s, %(cause)s, %(corrects)s, %(subject)s, %(supplied_from)s,
            %(supplied_until)s, %(currency)s, %(lines)s, %(taxes)s, %(net)s, %(tax)s, %(total)s, %(bonus)s, %(balance)s,
            %(card)s, %(debt)s, %(cash)s, %(issued_at)s, %(time_zone)s, %(seller)s, %(prefix)s, %(year)s)
        on conflict (operator_id, cause) do nothing
        """,
        {
            "operator_id": operator.id,
            "rider_id": draft.rider_id,
            "kind": draft.kind,
            "cause": draft.cause,
            "corrects": draft.corrects,
            "subject": draft.subject,
            "supplied_from": draft.supplied_from,
            "supplied_until": draft.supplied_until,
            "currency": draft.currency,
            "lines": Jsonb(msgspec.to_builtins(draft.lines)),
            "taxes": Jsonb(msgspec.to_builtins(draft.taxes)),
            "net": sum(tax.net_minor for tax in draft.taxes),
            "tax": sum(tax.tax_minor for tax in draft.taxes),
            "total": sum(tax.gross_minor for tax in draft.taxes),
            "bonus": draft.paid.bonus_minor,
            "balance": draft.paid.balance_minor,
            "card": draft.paid.card_minor,
            "debt": draft.paid.debt_minor,
            "cash": draft.paid.cash_minor,
            "issued_at": draft.issued_at,
            "time_zone": operator.time_zone,
            "seller": Jsonb(msgspec.to_builtins(rules.seller_of(operator))),
            "prefix": operator.settings.receipts.number_prefix,
            "year": rules.year_at(draft.issued_at, operator.time_zone),
        },
    )
    return inserted == 1


async def lock_counter(tx: Tx, operator_id: OperatorId, year: int) -> int:
    """The last number that was given in this year; whoever numbers the same year waits here."""
    params = {"operator_id": operator_id, "year": year}
    await tx.execute(
        "insert into receipt_counter (operator_id, year) values (%(operator_id)s, %(year)s) on conflict do nothing",
        params,
    )
    return int(
        await tx.scalar(
            "select last_number from receipt_counter where operator_id = %(operator_id)s and year = %(year)s for update",
            params,
        )
    )


# A statement of its own after the lock: it sees what the one before us committed.
_NUMBER: Final = """
    with next as (
        select id, row_number() over (order by issued_at, id) as nr
          from (select id, issued_at from receipt
                 where operator_id = %(operator_id)s and year = %(year)s and number is null
                 order by issued_at, id limit %(limit)s) waiting
    )
    update receipt r set number = %(last)s + next.nr, numbered_at = %(now)s
      from next where r.operator_id = %(operator_id)s and r.id = next.id
"""


async def number_waiting(tx: Tx, operator_id: OperatorId, year: int, *, limit: int, now: datetime) -> int:
    """Give the next numbers to the longest waiting receipts of a year, in the order of their issue; how many."""
    last = await lock_counter(tx, operator_id, year)
    params = {"operator_id": operator_id, "year": year, "last": last, "limit": limit, "now": now}
    numbered = await tx.execute(_NUMBER, params)
    if numbered:
        await tx.execute(
            "update receipt_counter set last_number = %(last)s + %(numbered)s"
            " where operator_id = %(operator_id)s and year = %(year)s",
            {**params, "numbered": numbered},
        )
    return numbered

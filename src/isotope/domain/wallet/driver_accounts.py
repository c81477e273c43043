"""What an operator owes its drivers, and what happened to it."""

from datetime import datetime
from typing import Final

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.ids import DriverId, OperatorId

_NEWEST: Final = 2**63 - 1


class DriverEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One posting as the driver's account saw it. `id` is the ledger's transaction: later ones have higher ids."""

    id: int
    at: datetime
    reason: str
    cause: str
    amount_minor: int


async def get_driver_balance(tx: Tx, operator_id: OperatorId, driver_id: DriverId, currency: str) -> int:
    """What the operator owes the driver; below zero the driver owes it, of the cash they took. By ledger_account_driver."""
    return int(
        await tx.scalar(
            """
            select coalesce(sum(balance_minor), 0)::bigint from ledger_account
             where operator_id = %(operator_id)s and driver_id = %(driver_id)s and currency = %(currency)s
            """,
            {"operator_id": operator_id, "driver_id": driver_id, "currency": currency},
        )
    )


async def list_driver_entries(
    tx: Tx,
    operator_id: OperatorId,
    driver_id: DriverId,
    currency: str,
    *,
    before: int | None = None,
    limit: int = 50,
) -> list[DriverEntry]:
    """A driver's history in one currency, newest first: the `limit` postings before the one with the id `before`."""
    return await tx.all(
        DriverEntry,
        """
        select t.id, t.at, t.reason, t.cause, e.amount_minor
          from (select transaction_id, sum(amount_minor)::bigint as amount_minor from ledger_entry
                 where operator_id = %(operator_id)s and transaction_id < %(before)s
                   and account_id = (
                       select id from ledger_account
                        where operator_id = %(operator_id)s and driver_id = %(driver_id)s
                          and currency = %(currency)s)
                 group by transaction_id order by transaction_id desc limit %(limit)s) e
          join ledger_transaction t on t.operator_id = %(operator_id)s and t.id = e.transaction_id
         order by t.id desc
        """,
        {
            "operator_id": operator_id,
            "driver_id": driver_id,
            "currency": currency,
            "before": _NEWEST if before is None else before,
            "limit": limit,
        },
    )

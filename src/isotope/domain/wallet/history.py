"""What happened to a rider's wallet."""

from datetime import datetime
from typing import Final

import msgspec

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

_NEWEST: Final = 2**63 - 1


class WalletEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One posting as the rider's wallet saw it: by how much each part of a `Standing` changed.

    `id` is the ledger's transaction and the place of the entry in the history: later ones have higher ids.
    """

    id: int
    at: datetime
    reason: str
    cause: str
    balance_minor: int
    bonus_minor: int
    debt_minor: int
    in_transit_minor: int


async def list_entries(
    tx: Tx,
    operator_id: OperatorId,
    rider_id: RiderId,
    currency: str,
    *,
    before: int | None = None,
    limit: int = 50,
) -> list[WalletEntry]:
    """A rider's history in one currency, newest first: the `limit` postings before the one with the id `before`.

    Nothing turns up behind a place that was read: a rider's postings queue, so their ids rise as they are committed.
    Reads some `limit` rows an account, however long the history is.
    """
    return await tx.all(
        WalletEntry,
        """
        with mine as materialized (
            select id, kind from ledger_account
             where operator_id = %(operator_id)s and rider_id = %(rider_id)s and currency = %(currency)s
        ), page as materialized (
            select distinct newest.transaction_id
              from mine cross join lateral (
                  select distinct transaction_id from ledger_entry
                   where operator_id = %(operator_id)s and account_id = mine.id and transaction_id < %(before)s
                   order by transaction_id desc limit %(limit)s
              ) newest
             order by newest.transaction_id desc limit %(limit)s
        )
        select t.id, t.at, t.reason, t.cause,
               coalesce(sum(e.amount_minor) filter (where mine.kind = 'RIDER_BALANCE'), 0)::bigint as balance_minor,
               coalesce(sum(e.amount_minor) filter (where mine.kind = 'RIDER_BONUS'), 0)::bigint as bonus_minor,
               coalesce(-sum(e.amount_minor) filter (where mine.kind = 'RIDER_DEBT'), 0)::bigint as debt_minor,
               coalesce(sum(e.amount_minor) filter (where mine.kind = 'RIDER_IN_TRANSIT'), 0)::bigint as in_transit_minor
          from page
          join ledger_transaction t on t.operator_id = %(operator_id)s and t.id = page.transaction_id
          join ledger_entry e on e.operator_id = %(operator_id)s and e.transaction_id = page.transaction_id
          join mine on mine.id = e.account_id
         group by t.operator_id, t.id
         order by t.id desc
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "currency": currency,
            "before": _NEWEST if before is None else before,
            "limit": limit,
        },
    )

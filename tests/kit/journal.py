"""A ledger that has grown, made in one go."""

from datetime import datetime
from typing import Final

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId

SIDES: Final = 4


async def fill_journal(tx: Tx, operator_id: OperatorId, entries: int, since: datetime, until: datetime) -> None:
    """Rides paid by all riders in turn, evenly over a period, each of `SIDES` entries: bonus, balance, revenue, tax.

    With the triggers off, so only as a superuser: balances are not kept, and what is measured or tested on this reads
    entries alone. Every rider has accounts already.
    """
    await tx.execute("set local session_replication_role = replica")
    await tx.execute("set local statement_timeout = 0")
    await tx.execute(
        """
        with header as (
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            select operator.id, operator.currency, 'ride_charged', 'system', 'filled:' || extract(epoch from %(since)s)::bigint || ':' || nr,
                   %(since)s + (%(until)s - %(since)s) * (nr - 1) / %(rides)s
              from operator, generate_series(1, %(rides)s::int) nr
             where operator.id = %(operator_id)s
            returning id
        ), payer as (
            select bonus.id as bonus_id, balance.id as balance_id, row_number() over (order by bonus.id) - 1 as nr,
                   count(*) over () as payers
              from ledger_account bonus
              join ledger_account balance using (operator_id, rider_id, currency)
             where operator_id = %(operator_id)s and bonus.kind = 'RIDER_BONUS' and balance.kind = 'RIDER_BALANCE'
        )
        insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
        select %(operator_id)s, header.id, side.nr, side.account_id, side.amount
          from header
          join payer on payer.nr = header.id %% payer.payers
          cross join lateral (
              select id as revenue_id,
                     (select id from ledger_account
                       where operator_id = %(operator_id)s and kind = 'TAX') as tax_id
                from ledger_account where operator_id = %(operator_id)s and kind = 'REVENUE'
          ) own
          cross join lateral (values (1, bonus_id, -header.id %% 97 - 1), (2, balance_id, -243),
                                     (3, revenue_id, 200 + header.id %% 97 + 1), (4, tax_id, 43)
          ) side (nr, account_id, amount)
        """,
        {"operator_id": operator_id, "rides": entries // SIDES, "since": since, "until": until},
    )

"""No query of a request reads a table that grows: each is explained on a ledger of some size."""

from isotope.domain.wallet import (
    Charge,
    DebtHold,
    MoneyKind,
    PaymentHold,
    charge,
    get_standing,
    list_standings,
    lock_standing,
)
from isotope.domain.wallet.lots import DueWallet, list_due_lots, list_due_wallets, lock_if_free
from isotope.domain.wallet.queries import find_entries
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database, Tx
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.books import open_books
from tests.kit.clock import START
from tests.kit.plans import ExplainingTx, nodes


async def fill(tx: Tx, operator_id: int) -> None:
    """2,000 riders with ten charges each, in the shape that the room writes."""
    params = {"operator_id": operator_id, "now": START}
    await tx.execute(
        """
        insert into rider (operator_id, name, email, phone_prefix, phone, language, status, created_at)
        select %(operator_id)s, 'R', 'r@example.test', '358', (500000000 + nr)::text, 'en', 'ACTIVE', %(now)s
          from generate_series(1, 2000) nr
        """,
        params,
    )
    await tx.execute(
        """
        insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)
        select operator_id, kind, id, 'EUR', 0
          from rider, unnest(array['RIDER_BALANCE', 'RIDER_BONUS', 'RIDER_DEBT']) kind
         where operator_id = %(operator_id)s and phone like '5%%'
        on conflict do nothing
        """,
        params,
    )
    await tx.execute(
        """
        insert into bonus_lot (operator_id, rider_id, currency, granted_minor, remaining_minor, expires_at, cause, created_at)
        select operator_id, id, 'EUR', 5, nr %% 2 * 5, %(now)s + nr * interval '1 day', 'filled', %(now)s
          from rider, generate_series(1, 10) nr
         where operator_id = %(operator_id)s and phone like '5%%'
        """,
        params,
    )
    await tx.execute(
        """
        with header as (
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            select operator_id, 'EUR', 'ride_charged', 'system', 'filled:' || id || ':' || nr, %(now)s
              from ledger_account, generate_series(1, 10) nr
             where operator_id = %(operator_id)s and kind = 'RIDER_DEBT'
            returning id, cause
        )
        insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
        select %(operator_id)s, header.id, side.nr, side.account_id, side.amount
          from header,
               lateral (values (1, split_part(header.cause, ':', 2)::bigint, -10),
                               (2, (select id from ledger_account
                                     where operator_id = %(operator_id)s and kind = 'REVENUE'), 10)
               ) side (nr, account_id, amount)
        """,
        params,
    )


async def test_every_query_of_a_request_finds_its_rows_by_index(fresh_database_url: str) -> None:
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        books = await open_books(Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs()))
        await books.add(300, MoneyKind.BONUS)
        await books.charge(500, tax_minor=100, on_card=True)
        await books.add(300, MoneyKind.BONUS)
        async with db.write() as tx:
            await fill(tx, books.operator.id)
            await tx.execute("analyze ledger_account, ledger_transaction, ledger_entry, bonus_lot, rider")
        async with db.write() as tx:
            explaining = ExplainingTx(tx)
            operator_id, rider, currency = books.operator.id, books.rider, books.operator.currency
            await get_standing(explaining, operator_id, rider, currency)
            await lock_standing(explaining, operator_id, rider, currency)
            await find_entries(explaining, operator_id, "ride:1", "ride_charged")
            await DebtHold().reason(explaining, operator_id, rider)
            await PaymentHold().reason(explaining, operator_id, rider)
            await list_standings(explaining, operator_id, rider)
            wallet = DueWallet(operator_id, rider, currency)
            await list_due_wallets(explaining, START, 500)
            await list_due_lots(explaining, wallet, START, 500)
            await lock_if_free(explaining, wallet)
            for _first_and_again in range(2):
                await charge(
                    explaining,
                    Charge(
                        operator_id=operator_id,
                        rider_id=rider,
                        currency=currency,
                        total_minor=500,
                        tax_minor=100,
                        reason="ride_charged",
                        actor=SYSTEM,
                        cause="ride:explained",
                        now=START,
                    ),
                )
    finally:
        await db.close()

    assert len(explaining.plans) == 11
    for sql, plan in explaining.plans.items():
        for node in nodes(plan):
            if (
                str(node.get("Relation Name", "")).startswith(("ledger_", "bonus_"))
                and node["Node Type"] != "ModifyTable"
            ):
                assert node["Node Type"] in {"Index Scan", "Index Only Scan", "Bitmap Heap Scan"}, (sql, node)
                # By the whole key, and not by the operator alone.
                assert node["Plan Rows"] <= 10, (sql, node)

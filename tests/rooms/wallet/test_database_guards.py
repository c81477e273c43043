"""What the database itself refuses, whoever connects to it: raw SQL against the ledger."""

from collections.abc import Callable
from typing import Any, LiteralString

import psycopg
import pytest
from psycopg.errors import CheckViolation, RestrictViolation, UniqueViolation

from isotope.domain.wallet import MAX_BALANCE_MINOR, AccountKind, MoneyKind
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from tests.kit.books import Books, open_books
from tests.kit.clock import START


async def books_with_money(rt: Runtime) -> Books:
    """500 balance, 200 bonus, and accounts of every kind that a ride touches."""
    books = await open_books(rt)
    await books.charge(100, tax_minor=20)
    await books.add(600)
    await books.add(200, MoneyKind.BONUS)
    return books


async def account(tx: Tx, books: Books, kind: AccountKind, currency: str = "EUR") -> int:
    """The account's id; made by hand when there is none."""
    rider = books.rider if kind.is_rider else None
    found = await tx.scalar(
        """
        select id from ledger_account where operator_id = %s and kind = %s and currency = %s
           and rider_id is not distinct from %s
        """,
        [books.operator.id, kind, currency, rider],
    )
    if found is None:
        found = await tx.scalar(
            """
            insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)
            values (%s, %s, %s, %s, %s) returning id
            """,
            [books.operator.id, kind, rider, currency, None if rider is None else 0],
        )
    return int(found)


async def header(tx: Tx, books: Books, currency: str = "EUR") -> int:
    return int(
        await tx.scalar(
            """
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            values (%s, %s, 'raw', 'system', 'raw:' || gen_random_uuid(), %s) returning id
            """,
            [books.operator.id, currency, START],
        )
    )


async def entries(tx: Tx, books: Books, transaction: int, *rows: tuple[int, int, int]) -> None:
    """In one statement: (nr, account, amount)."""
    await tx.execute(
        """
        insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
        select %s, %s, nr, account, amount
          from unnest(%s::int[], %s::bigint[], %s::bigint[]) as e (nr, account, amount)
        """,
        [books.operator.id, transaction, [r[0] for r in rows], [r[1] for r in rows], [r[2] for r in rows]],
    )


async def refused(
    rt: Runtime, books: Books, error: type[psycopg.Error], message: str, act: Callable[[Tx], Any]
) -> None:
    """`act` fails for the said reason, and the books are as they were."""
    before = (await books.standing(), await books.sums(), await books.postings())
    with pytest.raises(error, match=message):
        async with rt.db.write() as tx:
            await act(tx)
    assert (await books.standing(), await books.sums(), await books.postings()) == before
    assert await books.differences() == []


_CHANGES: list[tuple[LiteralString, str]] = [
    ("update ledger_entry set amount_minor = amount_minor + 1 where operator_id = %s", "append-only"),
    ("update ledger_entry set nr = nr where operator_id = %s", "append-only"),
    ("delete from ledger_entry where operator_id = %s", "append-only"),
    ("update ledger_transaction set reason = 'other' where operator_id = %s", "append-only"),
    ("delete from ledger_transaction where operator_id = %s", "append-only"),
    ("update ledger_account set balance_minor = balance_minor + 1 where operator_id = %s", "never edited"),
    ("update ledger_account set currency = 'USD' where operator_id = %s", "never edited"),
    ("update ledger_account set rider_id = rider_id where operator_id = %s", "never edited"),
    (
        """
        insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)
        select operator_id, 'RIDER_BALANCE', id, 'USD', 5 from rider where operator_id = %s
        """,
        "never edited",
    ),
]


@pytest.mark.parametrize(("sql", "message"), _CHANGES)
async def test_what_is_posted_stays(rt: Runtime, sql: LiteralString, message: str) -> None:
    books = await books_with_money(rt)
    await refused(rt, books, RestrictViolation, message, lambda tx: tx.execute(sql, [books.operator.id]))


@pytest.mark.parametrize("table", ["ledger_entry", "ledger_transaction", "ledger_account"])
async def test_nothing_is_truncated(rt: Runtime, table: LiteralString) -> None:
    books = await books_with_money(rt)
    await refused(rt, books, RestrictViolation, "append-only", lambda tx: tx.execute(f"truncate {table} cascade"))


async def test_accounts_with_entries_are_not_deleted(rt: Runtime) -> None:
    books = await books_with_money(rt)
    await refused(
        rt,
        books,
        psycopg.errors.ForeignKeyViolation,
        "ledger_entry",
        lambda tx: tx.execute("delete from ledger_account where operator_id = %s", [books.operator.id]),
    )


async def test_entries_sum_to_zero(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        balance = await account(tx, books, AccountKind.RIDER_BALANCE)
        revenue = await account(tx, books, AccountKind.REVENUE)
        await entries(tx, books, await header(tx, books), (1, balance, -10), (2, revenue, 9))

    await refused(rt, books, CheckViolation, "does not sum to zero but to -1", act)


async def test_a_lonely_entry_is_refused_at_once_even_if_its_other_side_would_follow(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        await entries(tx, books, await header(tx, books), (1, await account(tx, books, AccountKind.RIDER_BALANCE), -10))

    await refused(rt, books, CheckViolation, "does not sum to zero", act)


async def test_nothing_is_added_to_a_transaction_later(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx, first_nr: int) -> None:
        old = int(await tx.scalar("select max(id) from ledger_transaction where operator_id = %s", [books.operator.id]))
        balance = await account(tx, books, AccountKind.RIDER_BALANCE)
        revenue = await account(tx, books, AccountKind.REVENUE)
        await entries(tx, books, old, (first_nr, balance, -10), (first_nr + 1, revenue, 10))

    await refused(rt, books, CheckViolation, "in one statement", lambda tx: act(tx, 3))
    await refused(rt, books, UniqueViolation, "ledger_entry_pkey", lambda tx: act(tx, 1))


async def test_one_statement_with_several_transactions_checks_each(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        balance = await account(tx, books, AccountKind.RIDER_BALANCE)
        revenue = await account(tx, books, AccountKind.REVENUE)
        # Together they sum to zero, each alone does not.
        await tx.execute(
            """
            insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
            values (%(o)s, %(a)s, 1, %(x)s, 10), (%(o)s, %(b)s, 1, %(y)s, -10)
            """,
            {
                "o": books.operator.id,
                "a": await header(tx, books),
                "b": await header(tx, books),
                "x": balance,
                "y": revenue,
            },
        )

    await refused(rt, books, CheckViolation, "does not sum to zero", act)


@pytest.mark.parametrize("currencies", [("EUR", "USD", "EUR"), ("USD", "EUR", "EUR"), ("EUR", "EUR", "USD")])
async def test_currencies_do_not_mix(rt: Runtime, currencies: tuple[str, str, str]) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        balance = await account(tx, books, AccountKind.RIDER_BALANCE, currencies[0])
        revenue = await account(tx, books, AccountKind.REVENUE, currencies[1])
        await entries(tx, books, await header(tx, books, currencies[2]), (1, balance, 10), (2, revenue, -10))

    await refused(rt, books, CheckViolation, "mixes currencies", act)


@pytest.mark.parametrize(
    ("kind", "amount"),
    [(AccountKind.RIDER_BALANCE, -501), (AccountKind.RIDER_BONUS, -201), (AccountKind.RIDER_DEBT, 1)],
)
async def test_no_balance_falls_below_and_no_debt_rises_above_zero(rt: Runtime, kind: AccountKind, amount: int) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        rows = (1, await account(tx, books, kind), amount), (2, await account(tx, books, AccountKind.REVENUE), -amount)
        await entries(tx, books, await header(tx, books), *rows)

    await refused(rt, books, CheckViolation, "ledger_account", act)


@pytest.mark.parametrize(
    ("amount", "error", "message"),
    [
        (MAX_BALANCE_MINOR, CheckViolation, "balance_minor_check"),
        (2**63 - 1, psycopg.errors.NumericValueOutOfRange, "out of range"),
    ],
)
async def test_sums_stay_inside_what_clients_read(
    rt: Runtime, amount: int, error: type[psycopg.Error], message: str
) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        rows = (
            (1, await account(tx, books, AccountKind.RIDER_BALANCE), amount),
            (2, await account(tx, books, AccountKind.REVENUE), -amount),
        )
        await entries(tx, books, await header(tx, books), *rows)

    await refused(rt, books, error, message, act)


async def test_an_entry_moves_something(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        revenue = await account(tx, books, AccountKind.REVENUE)
        await entries(tx, books, await header(tx, books), (1, revenue, 0), (2, revenue, 0))

    await refused(rt, books, CheckViolation, "amount_minor", act)


async def test_entries_stay_within_their_operator(rt: Runtime) -> None:
    mine, other = await books_with_money(rt), await books_with_money(rt)

    async def act(tx: Tx) -> None:
        mine_revenue = await account(tx, mine, AccountKind.REVENUE)
        other_balance = await account(tx, other, AccountKind.RIDER_BALANCE)
        await entries(tx, mine, await header(tx, mine), (1, mine_revenue, -10), (2, other_balance, 10))

    await refused(rt, mine, psycopg.errors.ForeignKeyViolation, "account", act)


async def test_a_cause_is_posted_once_per_reason(rt: Runtime) -> None:
    books = await books_with_money(rt)

    async def act(tx: Tx) -> None:
        await tx.execute(
            """
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            select operator_id, currency, reason, actor, cause, at from ledger_transaction
             where operator_id = %s limit 1
            """,
            [books.operator.id],
        )

    await refused(rt, books, UniqueViolation, "cause", act)


async def test_a_header_without_entries_is_found(rt: Runtime) -> None:
    books = await books_with_money(rt)
    async with rt.db.write() as tx:
        empty = await header(tx, books)
    assert [(found.what, found.id) for found in await books.differences()] == [("transaction_empty", empty)]


@pytest.mark.parametrize("fault", ["balance_not_sum", "transaction_not_zero", "transaction_mixes_currencies"])
async def test_check_ledger_finds_what_somebody_did_with_the_triggers_off(rt: Runtime, fault: str) -> None:
    books = await books_with_money(rt)
    try:
        async with rt.db.write() as tx:
            await tx.execute("set local session_replication_role = replica")
            revenue = await account(tx, books, AccountKind.REVENUE)
            if fault == "balance_not_sum":
                await tx.execute(
                    "update ledger_account set balance_minor = 1 where operator_id = %s and kind = 'RIDER_BALANCE'",
                    [books.operator.id],
                )
            elif fault == "transaction_not_zero":
                await entries(tx, books, await header(tx, books), (1, revenue, 7))
            else:
                dollars = await account(tx, books, AccountKind.REVENUE, "USD")
                await entries(tx, books, await header(tx, books), (1, revenue, 7), (2, dollars, -7))
    except psycopg.errors.InsufficientPrivilege:
        pytest.skip("only a superuser can switch triggers off")
    assert [found.what for found in await books.differences()] == [fault]

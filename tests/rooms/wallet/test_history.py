"""A rider's history, page by page, and what it costs when it is long."""

import pytest

from isotope.domain.wallet import AccountKind, Entry, MoneyKind, Standing, WalletEntry, list_entries, list_standings
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database, Tx
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId
from tests.kit.books import Books, open_books
from tests.kit.clock import START

LONG = 100_000


async def page(
    books: Books,
    *,
    before: int | None = None,
    limit: int = 50,
    rider: RiderId | None = None,
    currency: str = "EUR",
) -> list[WalletEntry]:
    async with books.rt.db.glance() as tx:
        return await list_entries(tx, books.operator.id, rider or books.rider, currency, before=before, limit=limit)


def changes(entry: WalletEntry) -> tuple[int, int, int, int]:
    return entry.balance_minor, entry.bonus_minor, entry.debt_minor, entry.in_transit_minor


async def test_each_posting_is_one_entry_with_what_it_changed(rt: Runtime) -> None:
    books = await open_books(rt, riders=2)
    await books.add(200, MoneyKind.BONUS)
    await books.add(500)
    await books.charge(800, tax_minor=163, cause="ride:1")
    await books.add(300, rider=books.riders[1])
    await books.charge(50, cause="ride:2", on_card=True)
    await books.add(250)

    entries = await page(books)

    assert [changes(entry) for entry in entries] == [
        (150, 0, -100, 0),
        (0, 0, 0, -50),
        (-500, -200, 100, 0),
        (500, 0, 0, 0),
        (0, 200, 0, 0),
    ]
    assert [(entry.reason, entry.cause) for entry in entries[1:3]] == [
        ("ride_charged", "ride:2"),
        ("ride_charged", "ride:1"),
    ]
    assert {entry.at for entry in entries} == {START}
    assert [changes(entry) for entry in await page(books, rider=books.riders[1])] == [(300, 0, 0, 0)]


async def test_entries_of_all_time_sum_to_the_standing(rt: Runtime) -> None:
    books = await open_books(rt)
    for amount in range(1, 20):
        await books.add(amount * 7, MoneyKind.BONUS if amount % 3 == 0 else MoneyKind.BALANCE)
        await books.charge(amount * 11, on_card=amount % 2 == 0)
    totals = [sum(parts) for parts in zip(*map(changes, await page(books, limit=100)), strict=True)]
    assert await books.standing() == Standing(
        currency="EUR",
        balance_minor=totals[0],
        bonus_minor=totals[1],
        debt_minor=totals[2],
        in_transit_minor=totals[3],
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 7, 50])
async def test_pages_join_without_gap_or_repetition(rt: Runtime, limit: int) -> None:
    """Postings with several sides, two of them on one account, and accounts of very different ages."""
    books = await open_books(rt)
    twice = (
        Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=5, rider_id=books.rider),
        Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=6, rider_id=books.rider),
        Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-11),
    )
    await books.add(3, MoneyKind.BONUS)
    for _posting in range(4):
        await books.post(*twice)
    await books.charge(30)
    await books.charge(30, on_card=True)
    whole = await page(books)
    assert len(whole) == await books.postings() == 7

    read: list[WalletEntry] = []
    while found := await page(books, before=read[-1].id if read else None, limit=limit):
        assert len(found) == min(limit, len(whole) - len(read))
        read += found
    assert read == whole


async def test_each_currency_has_a_history_and_a_wallet_of_its_own(rt: Runtime) -> None:
    books = await open_books(rt)
    assert await page(books) == []
    async with rt.db.read() as tx:
        assert await list_standings(tx, books.operator.id, books.rider) == []
    await books.add(500)
    await books.post(
        Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-9, rider_id=books.rider),
        Entry(kind=AccountKind.REVENUE, amount_minor=9),
        currency="JPY",
    )
    assert [changes(entry) for entry in await page(books)] == [(500, 0, 0, 0)]
    assert [changes(entry) for entry in await page(books, currency="JPY")] == [(0, 0, 9, 0)]
    async with rt.db.read() as tx:
        assert await list_standings(tx, books.operator.id, books.rider) == [
            Standing(currency="EUR", balance_minor=500),
            Standing(currency="JPY", debt_minor=9),
        ]


async def test_nobody_reads_the_history_of_another_operator(rt: Runtime) -> None:
    mine, other = await open_books(rt), await open_books(rt)
    await other.add(500)
    assert await page(mine, rider=other.rider) == []


async def grow(tx: Tx, books: Books) -> None:
    """Many charges of one rider. Balances are not kept meanwhile: a hundred thousand versions of a row are no history."""
    await tx.execute("set local session_replication_role = replica")
    await tx.execute(
        """
        with header as (
            insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
            select %(operator_id)s, 'EUR', 'grown', 'system', 'grown:' || nr, %(now)s
              from generate_series(1, %(long)s::int) nr
            returning id
        )
        insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
        select %(operator_id)s, header.id, side.nr, account.id, side.amount
          from header, (values ('RIDER_BALANCE', 1, -5), ('REVENUE', 2, 5)) side (kind, nr, amount)
          join ledger_account account on account.operator_id = %(operator_id)s and account.kind = side.kind
        """,
        {"operator_id": books.operator.id, "now": START, "long": LONG},
    )
    await tx.execute("analyze ledger_account, ledger_transaction, ledger_entry")


async def test_a_page_of_a_long_history_reads_some_rows_an_account(fresh_database_url: str) -> None:
    """Counted by the store itself: at the beginning, in the middle and at the end of 100,000 entries."""
    db = Database(fresh_database_url, max_size=2)
    await db.open()
    try:
        books = await open_books(Runtime(db=db, clock=SystemClock(), hub=Hub(fresh_database_url), jobs=Jobs()))
        await books.add(3, MoneyKind.BONUS)
        await books.charge(30)
        async with db.write() as tx:
            await grow(tx, books)
        newest = (await page(books, limit=1))[0].id
        limit = 50
        for before in (None, newest - LONG // 2, newest - LONG + limit // 2):
            async with db.write() as tx:
                found = await list_entries(tx, books.operator.id, books.rider, "EUR", before=before, limit=limit)
                read = await tx.scalar(
                    """
                    select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0))::bigint
                      from pg_stat_xact_user_tables where relname in ('ledger_entry', 'ledger_transaction', 'ledger_account')
                    """
                )
            assert limit // 2 <= len(found) <= limit
            assert 0 < read <= 20 * limit
    finally:
        await db.close()

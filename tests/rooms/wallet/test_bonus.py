"""Bonus lot by lot: given, spent in the order in which it ends, given back, ended."""

import asyncio
from datetime import datetime, timedelta

import psycopg
import pytest

from isotope.domain.tenants.model import PaymentSettings, Settings
from isotope.domain.wallet import (
    AccountKind,
    Charged,
    Entry,
    MoneyKind,
    Standing,
    bonus_expiry,
    expire_bonus,
    post,
)
from isotope.domain.wallet.usecases.expire_bonus import REASON
from isotope.infra.migrate import load_migrations, migrate
from isotope.infra.runtime import Runtime
from tests.kit.books import Books, open_books
from tests.kit.clock import START, SettableClock
from tests.kit.postgres import create_database, drop_database, with_database

DAY = timedelta(days=1)


async def books_with_bonus_days(rt: Runtime, days: int | None = 30, riders: int = 1) -> Books:
    return await open_books(rt, riders=riders, settings=Settings(payments=PaymentSettings(bonus_days=days)))


async def lots(books: Books) -> list[tuple[int, int, datetime | None]]:
    """(granted, left, end) of the first rider, as they were given."""
    async with books.rt.db.read() as tx:
        return await tx.tuples(
            """
            select granted_minor, remaining_minor, expires_at from bonus_lot
             where operator_id = %s and rider_id = %s order by id
            """,
            [books.operator.id, books.rider],
        )


async def give(books: Books, amount: int, end: datetime | None) -> None:
    """Bonus with an end of its own, as a refund gives it back."""
    posting = books.posting(
        Entry(kind=AccountKind.RIDER_BONUS, amount_minor=amount, rider_id=books.rider),
        Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-amount),
    )
    async with books.rt.db.write() as tx:
        await post(
            tx,
            type(posting)(**{f: getattr(posting, f) for f in posting.__struct_fields__} | {"bonus_expires_at": end}),
        )


@pytest.mark.parametrize(("days", "end"), [(None, None), (1, START + DAY), (3_650, START + 3_650 * DAY)])
def test_bonus_ends_when_the_operator_says(days: int | None, end: datetime | None) -> None:
    assert bonus_expiry(PaymentSettings(bonus_days=days), START) == end


async def test_each_grant_is_a_lot_and_a_repetition_is_none(rt: Runtime, clock: SettableClock) -> None:
    books = await books_with_bonus_days(rt)
    await books.add(200, MoneyKind.BONUS, key="k")
    await books.add(200, MoneyKind.BONUS, key="k")
    clock.advance(days=1)
    await books.add(100, MoneyKind.BONUS)
    await books.add(700)
    assert await lots(books) == [(200, 200, START + 30 * DAY), (100, 100, START + 31 * DAY)]
    assert await books.differences() == []


async def test_what_ends_first_is_spent_first_and_what_never_ends_last(rt: Runtime) -> None:
    books = await books_with_bonus_days(rt)
    for amount, end in ((10, None), (20, START + 3 * DAY), (30, START + DAY), (40, START + DAY), (50, None)):
        await give(books, amount, end)

    async def left() -> list[int]:
        return [left for _granted, left, _end in await lots(books)]

    assert await books.charge(1) == Charged(bonus_minor=1)
    assert await left() == [10, 20, 29, 40, 50]
    assert await books.charge(39, cause="ride:1") == Charged(bonus_minor=39)
    assert await left() == [10, 20, 0, 30, 50]
    await books.charge(39, cause="ride:1")
    assert await left() == [10, 20, 0, 30, 50]
    assert await books.charge(55) == Charged(bonus_minor=55)
    assert await left() == [5, 0, 0, 0, 50]
    assert await books.charge(60) == Charged(bonus_minor=55, debt_minor=5)
    assert await left() == [0, 0, 0, 0, 0]
    assert await books.differences() == []


async def test_bonus_ends_at_its_end_and_goes_back_to_the_operator(rt: Runtime, clock: SettableClock) -> None:
    books = await books_with_bonus_days(rt, 10)
    await books.add(200, MoneyKind.BONUS)
    await books.add(500)
    clock.advance(days=1)
    await books.add(100, MoneyKind.BONUS)
    await books.charge(50)

    clock.set(START + 10 * DAY - timedelta(microseconds=1))
    await expire_bonus(rt)
    assert (await books.standing()).bonus_minor == 250
    clock.set(START + 10 * DAY)
    for _once_and_again in range(2):
        await expire_bonus(rt)
        assert await books.standing() == Standing(currency="EUR", balance_minor=500, bonus_minor=100)

    assert await lots(books) == [(200, 0, START + 10 * DAY), (100, 100, START + 11 * DAY)]
    assert (await books.sums())[AccountKind.ADJUSTMENTS] == -650
    assert await books.differences() == []
    async with rt.db.read() as tx:
        posted = await tx.tuples(
            "select reason, actor, at from ledger_transaction where operator_id = %s order by id desc limit 1",
            [books.operator.id],
        )
    assert posted == [(REASON, "system", START + 10 * DAY)]


async def test_bonus_without_an_end_stays(rt: Runtime, clock: SettableClock) -> None:
    books = await books_with_bonus_days(rt, None)
    await books.add(200, MoneyKind.BONUS)
    clock.advance(days=10_000)
    await expire_bonus(rt)
    assert (await books.standing()).bonus_minor == 200


async def test_each_currency_and_operator_has_its_own_lots(rt: Runtime, clock: SettableClock) -> None:
    mine, other = await books_with_bonus_days(rt, 10), await books_with_bonus_days(rt, 10)
    await mine.add(200, MoneyKind.BONUS)
    await other.add(300, MoneyKind.BONUS)
    async with rt.db.write() as tx:
        sides = (
            Entry(kind=AccountKind.RIDER_BONUS, amount_minor=70, rider_id=mine.rider),
            Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-70),
        )
        await post(tx, mine.posting(*sides, currency="JPY"))
    await mine.charge(250)
    assert await lots(mine) == [(200, 0, START + 10 * DAY), (70, 70, None)]
    clock.advance(days=20)
    await expire_bonus(rt)
    assert (await other.standing()).bonus_minor == 0
    assert await mine.differences() == await other.differences() == []


async def test_expiry_and_charges_at_the_same_moment_take_it_once(rt: Runtime, clock: SettableClock) -> None:
    books = await books_with_bonus_days(rt, 10, riders=3)
    for rider in books.riders:
        for _lot in range(4):
            await books.add(25, MoneyKind.BONUS, rider=rider)
    clock.advance(days=10)

    charged = await asyncio.gather(
        *(books.charge(7, rider=rider) for rider in books.riders for _ in range(10)),
        *(_expire_none(rt) for _ in range(10)),
    )
    await expire_bonus(rt)

    by_bonus = sum(one.bonus_minor for one in charged)
    owed = sum(one.debt_minor for one in charged)
    assert by_bonus + owed == 3 * 10 * 7
    assert (await books.sums()).get(AccountKind.ADJUSTMENTS, 0) == -by_bonus
    for rider in books.riders:
        assert (await books.standing(rider)).bonus_minor == 0
    assert await books.differences() == []


async def _expire_none(rt: Runtime) -> Charged:
    await expire_bonus(rt)
    return Charged()


async def test_a_wallet_that_is_being_changed_waits_for_the_next_run(rt: Runtime, clock: SettableClock) -> None:
    books = await books_with_bonus_days(rt, 10, riders=2)
    for rider in books.riders:
        await books.add(25, MoneyKind.BONUS, rider=rider)
    clock.advance(days=10)
    async with await psycopg.AsyncConnection.connect(rt.db.url) as somebody:
        await somebody.execute(
            "select from ledger_account where operator_id = %s and rider_id = %s for no key update",
            [books.operator.id, books.rider],
        )
        await expire_bonus(rt)
        assert (await books.standing()).bonus_minor == 25
        assert (await books.standing(books.riders[1])).bonus_minor == 0
    await expire_bonus(rt)
    assert (await books.standing()).bonus_minor == 0


async def test_lots_never_hold_less_than_nothing_or_more_than_was_given(rt: Runtime) -> None:
    books = await books_with_bonus_days(rt)
    await books.add(25, MoneyKind.BONUS)
    for left in (-1, 26):
        with pytest.raises(psycopg.errors.CheckViolation):
            async with rt.db.write() as tx:
                await tx.execute(
                    "update bonus_lot set remaining_minor = %s where operator_id = %s", [left, books.operator.id]
                )


async def test_lots_that_are_not_the_balance_are_found_and_never_papered_over(rt: Runtime) -> None:
    books = await books_with_bonus_days(rt)
    await books.add(25, MoneyKind.BONUS)
    async with rt.db.write() as tx:
        await tx.execute("update bonus_lot set remaining_minor = 20 where operator_id = %s", [books.operator.id])
    found = await books.differences()
    assert [(one.what, one.expected_minor, one.found_minor) for one in found] == [("bonus_lots_not_balance", 25, 20)]
    with pytest.raises(LookupError, match="hold 20 of 25"):
        await books.charge(25)
    assert (await books.standing()).bonus_minor == 25


async def test_thousands_of_lots_are_walked_only_as_far_as_needed(rt: Runtime) -> None:
    books = await books_with_bonus_days(rt)
    await books.add(25, MoneyKind.BONUS)
    many = 5_000
    async with rt.db.write() as tx:
        await tx.execute(
            """
            insert into bonus_lot (operator_id, rider_id, currency, granted_minor, remaining_minor, expires_at, cause, created_at)
            select operator_id, rider_id, currency, 1, 1, expires_at, cause, created_at
              from bonus_lot, generate_series(1, %s) where operator_id = %s
            """,
            [many, books.operator.id],
        )
        await tx.execute("analyze bonus_lot")
    async with rt.db.write() as tx:
        await post(
            tx,
            books.posting(
                Entry(kind=AccountKind.RIDER_BONUS, amount_minor=-25, rider_id=books.rider),
                Entry(kind=AccountKind.REVENUE, amount_minor=25),
            ),
        )
        read = await tx.scalar(
            "select seq_tup_read + idx_tup_fetch from pg_stat_xact_user_tables where relname = 'bonus_lot'"
        )
    assert 0 < read <= 10
    left = [left for _granted, left, _end in await lots(books)]
    assert (left[0], sum(left)) == (0, many)


def test_bonus_from_before_there_were_lots_becomes_one_without_an_end(template_url: str) -> None:
    url = with_database(template_url, "isotope_before_lots")
    create_database(url)
    try:
        before = [one for one in load_migrations() if one.name < "0011"]
        migrate(url, before)
        with psycopg.connect(url) as connection:
            connection.execute(_BOOKS_BEFORE_LOTS)
        migrate(url, [one for one in load_migrations() if one.name < "0012"])
        with psycopg.connect(url) as connection:
            found = connection.execute(
                "select rider_id, currency, granted_minor, remaining_minor, expires_at from bonus_lot order by rider_id, currency"
            ).fetchall()
    finally:
        drop_database(url)
    assert found == [(1, "EUR", 150, 150, None), (2, "EUR", 70, 70, None), (2, "JPY", 9, 9, None)]


# Rider 1 was given 200 and spent 50, rider 2 has bonus in two currencies, rider 3 spent all, rider 4 has money only.
_BOOKS_BEFORE_LOTS = """
insert into operator (slug, name, currency, time_zone, languages, created_at)
values ('old', 'Old', 'EUR', 'UTC', '{en}', now());
insert into rider (operator_id, name, email, phone_prefix, phone, language, status, created_at)
select 1, 'Rider', 'rider@example.test', '358', '40' || nr, 'en', 'ACTIVE', now() from generate_series(1, 4) nr;
insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)
values (1, 'RIDER_BONUS', 1, 'EUR', 0), (1, 'RIDER_BONUS', 2, 'EUR', 0), (1, 'RIDER_BONUS', 2, 'JPY', 0),
       (1, 'RIDER_BONUS', 3, 'EUR', 0), (1, 'RIDER_BALANCE', 4, 'EUR', 0),
       (1, 'ADJUSTMENTS', null, 'EUR', null), (1, 'ADJUSTMENTS', null, 'JPY', null);
insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
select 1, currency, 'money_added', 'system', 'old:' || nr, now()
  from unnest(array['EUR', 'EUR', 'EUR', 'JPY', 'EUR', 'EUR', 'EUR']) with ordinality given (currency, nr);
insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
select 1, given.id, side.nr, side.account_id, side.amount
  from (values (1, 1, 6, 200), (2, 1, 6, -50), (3, 2, 6, 70), (4, 3, 7, 9), (5, 4, 6, 30), (6, 4, 6, -30), (7, 5, 6, 5))
           given (id, account_id, other_id, amount),
       lateral (values (1, given.account_id, given.amount), (2, given.other_id, -given.amount)) side (nr, account_id, amount);
"""

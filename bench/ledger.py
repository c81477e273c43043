"""The ledger: charges a second beside the same rows inserted bare, and a wallet that has grown beside a fresh one.

All on one durable embedded server, through the same driver with the same number of connections. The floor of a charge
is its header and its entries in one statement and one transaction, into tables without keys of others, checks or
triggers; what lies between is the locking of the wallet (one more statement), foreign keys, balances and zero sums, the
indexes of the history and the journal; and, for bonus, the lots (one more statement).
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable
from itertools import count
from pathlib import Path
from typing import Final

from tests.kit.books import Books, open_books

from bench.figure import Figure
from isotope.domain.wallet import MoneyKind, get_standing
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.embedded import EmbeddedPostgres
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId

AT_ONCE: Final = 8
GROWN: Final = 100_000

Call = Callable[[int], Awaitable[None]]

_BARE: Final = """
create table bare_transaction as select * from ledger_transaction with no data;
create table bare_entry as select * from ledger_entry with no data;
create sequence bare_id;
alter table bare_transaction add primary key (operator_id, id), add unique (operator_id, cause, reason);
alter table bare_entry add primary key (operator_id, transaction_id, nr);
"""


async def measure(url: str, seconds: float) -> list[Figure]:
    db = Database(url, min_size=AT_ONCE, max_size=AT_ONCE)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
        books = await open_books(rt, riders=2 * AT_ONCE + 2)
        riders, with_bonus = books.riders[:AT_ONCE], books.riders[AT_ONCE:-2]
        grown, fresh = books.riders[-2:]
        for rider in books.riders:
            await books.add(10**12, MoneyKind.BONUS if rider in with_bonus else MoneyKind.BALANCE, rider=rider)
        await _grow(books, grown)
        async with db.write() as tx:
            await tx.execute("analyze ledger_account, ledger_transaction, ledger_entry")

        bare, apart, by_bonus, together = await _rates(
            seconds,
            lambda worker: _insert_bare(books, riders[worker]),
            lambda worker: _charge(books, riders[worker]),
            lambda worker: _charge(books, with_bonus[worker]),
            lambda _worker: _charge(books, riders[0]),
        )
        read_fresh, read_grown = await _rates(
            seconds / 2, lambda _worker: _read(books, fresh), lambda _worker: _read(books, grown)
        )
        if differences := await books.differences():
            raise RuntimeError(f"the ledger is wrong: {differences[:3]}")
    finally:
        await db.close()
    return [
        Figure(f"charges, {AT_ONCE} riders at once", apart, "1/s", "the same rows inserted bare", bare),
        Figure(
            f"charges paid by bonus, {AT_ONCE} riders at once", by_bonus, "1/s", "the same rows inserted bare", bare
        ),
        Figure(f"charges, one rider {AT_ONCE} times at once", together, "1/s", "the same rows inserted bare", bare),
        Figure(f"wallets read, each with {GROWN:,} entries", read_grown, "1/s", "each with one entry", read_fresh),
    ]


async def _charge(books: Books, rider: RiderId) -> None:
    await books.charge(240, tax_minor=40, rider=rider)


async def _read(books: Books, rider: RiderId) -> None:
    async with books.rt.db.read() as tx:
        await get_standing(tx, books.operator.id, rider, books.operator.currency)


_numbers = count()


async def _insert_bare(books: Books, rider: RiderId) -> None:
    async with books.rt.db.write() as tx:
        await tx.execute(
            """
            with header as (
                insert into bare_transaction (operator_id, id, currency, reason, actor, cause, at)
                values (%(operator_id)s, nextval('bare_id'), 'EUR', 'ride_charged', 'system', %(cause)s, %(now)s)
                returning id
            )
            insert into bare_entry (operator_id, transaction_id, nr, account_id, amount_minor)
            select %(operator_id)s, header.id, side.nr, side.account_id, side.amount
              from header, (values (1, %(rider)s, -240), (2, 1, 200), (3, 2, 40)) side (nr, account_id, amount)
            """,
            {
                "operator_id": books.operator.id,
                "cause": f"ride:bare{next(_numbers)}",
                "now": books.rt.clock.now(),
                "rider": rider,
            },
        )


async def _grow(books: Books, rider: RiderId) -> None:
    """Give one wallet its many entries, a part at a time: every entry makes a version of the account that the next one walks past."""
    part = 1_000
    for done in range(0, GROWN, part):
        async with books.rt.db.write() as tx:
            await tx.execute(
                """
                with header as (
                    insert into ledger_transaction (operator_id, currency, reason, actor, cause, at)
                    select %(operator_id)s, 'EUR', 'grown', 'system', 'grown:' || nr, %(now)s
                      from generate_series(%(done)s::int + 1, %(done)s::int + %(part)s) nr
                    returning id
                ), account as (
                    select id, kind from ledger_account
                     where operator_id = %(operator_id)s and (rider_id = %(rider)s or kind = 'ADJUSTMENTS')
                )
                insert into ledger_entry (operator_id, transaction_id, nr, account_id, amount_minor)
                select %(operator_id)s, header.id, side.nr, account.id, side.amount
                  from header, (values ('RIDER_BALANCE', 1, 5), ('ADJUSTMENTS', 2, -5)) side (kind, nr, amount)
                  join account on account.kind = side.kind
                """,
                {
                    "operator_id": books.operator.id,
                    "rider": rider,
                    "now": books.rt.clock.now(),
                    "done": done,
                    "part": part,
                },
            )


async def _rates(seconds: float, *calls: Call) -> list[float]:
    """Calls a second of each, measured in turns, so that what else the machine does falls on all of them."""
    turns = 5
    for call in calls:
        for worker in range(AT_ONCE):
            await call(worker)
    taken = [[await _turn(seconds / turns, call) for call in calls] for _turn_nr in range(turns)]
    return [sum(rates) / turns for rates in zip(*taken, strict=True)]


async def _turn(seconds: float, call: Call) -> float:
    """Workers that each begin the next call when the last is done."""
    start = time.perf_counter()

    async def work(worker: int) -> int:
        done = 0
        while time.perf_counter() < start + seconds:
            await call(worker)
            done += 1
        return done

    done = sum(await asyncio.gather(*(work(worker) for worker in range(AT_ONCE))))
    return done / (time.perf_counter() - start)


def main(seconds: float = 5.0) -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.url)
        return asyncio.run(_prepared(server.url, seconds))


async def _prepared(url: str, seconds: float) -> list[Figure]:
    db = Database(url)
    await db.open()
    async with db.write() as tx:
        await tx.execute(_BARE)
    await db.close()
    return await measure(url, seconds)


if __name__ == "__main__":
    from rich.console import Console

    from bench.figure import show

    show(Console(), "the ledger", main())

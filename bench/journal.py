"""The journal of a month exported: the memory that 2,000,000 entries take beside 20,000, and lines a second.

Each export is a process of its own, `isotope ledger export`, that writes a file. Its memory is the most that the system
saw it hold. The floor of memory is the export of the small month; the floor of the speed is `copy` of the same columns
by psql's protocol with nobody looking at the lines.
"""

import asyncio
import json
import os
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

import psycopg
from tests.kit.books import Books, open_books
from tests.kit.journal import fill_journal

from bench.figure import Figure
from isotope.domain.wallet import MoneyKind
from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.embedded import EmbeddedPostgres
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.migrate import migrate
from isotope.infra.runtime import Runtime

SMALL: Final = 20_000
LARGE: Final = 2_000_000
RIDERS: Final = 200

_MONTHS: Final = {SMALL: datetime(2025, 1, 1, tzinfo=UTC), LARGE: datetime(2025, 3, 1, tzinfo=UTC)}


def main() -> list[Figure]:
    with tempfile.TemporaryDirectory(prefix="isotope-bench-") as folder, EmbeddedPostgres(Path(folder)) as server:
        migrate(server.url)
        slug = asyncio.run(_fill(server.url))
        small_mib, _small_s = _export(server.url, slug, SMALL, Path(folder))
        large_mib, large_s = _export(server.url, slug, LARGE, Path(folder))
        bare_s = _copy_bare(server.url)
    return [
        Figure(f"memory of an export of {LARGE:,} entries", large_mib, "MiB", f"of {SMALL:,} entries", small_mib, 1),
        Figure(f"{LARGE:,} entries exported", LARGE / large_s, "1/s", "the same lines copied bare", LARGE / bare_s),
    ]


async def _fill(url: str) -> str:
    db = Database(url, max_size=2)
    await db.open()
    try:
        books = await open_books(Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs()), riders=RIDERS)
        for rider in books.riders:
            await books.add(10, MoneyKind.BONUS, rider=rider)
            await books.charge(20, tax_minor=3, rider=rider)
        for entries, begin in _MONTHS.items():
            await _fill_month(books, entries, begin)
        async with db.glance() as tx:
            await tx.execute("vacuum analyze ledger_transaction, ledger_entry, ledger_account")
    finally:
        await db.close()
    return books.operator.slug


async def _fill_month(books: Books, entries: int, begin: datetime) -> None:
    async with books.rt.db.write() as tx:
        await fill_journal(tx, books.operator.id, entries, begin + timedelta(days=1), begin + timedelta(days=27))


def _export(url: str, slug: str, entries: int, folder: Path) -> tuple[float, float]:
    """Peak memory in MiB, and seconds."""
    file = folder / f"{entries}.csv"
    begin = _MONTHS[entries]
    days = ["--from", f"{begin:%Y-%m-%d}", "--to", f"{begin + timedelta(days=28):%Y-%m-%d}"]
    command = [sys.executable, "-m", "isotope", "ledger", "export", "--operator", slug, *days, "--output", str(file)]
    start = time.perf_counter()
    silent = [(os.POSIX_SPAWN_OPEN, 2, os.devnull, os.O_WRONLY, 0)]
    pid = os.posix_spawn(sys.executable, command, os.environ | {"ISOTOPE_DATABASE_URL": url}, file_actions=silent)
    _pid, status, usage = os.wait4(pid, 0)
    seconds = time.perf_counter() - start
    lines = json.loads(file.with_name(f"{file.name}.totals.json").read_text())["totals"]["lines"] if status == 0 else 0
    if lines != entries:
        raise RuntimeError(f"the export ended with {status} after {lines} of {entries} lines")
    return usage.ru_maxrss / 1024, seconds


def _copy_bare(url: str) -> float:
    """Seconds for the same rows and columns, thrown away as they come."""
    begin = _MONTHS[LARGE]
    start = time.perf_counter()
    with (
        psycopg.connect(url) as connection,
        connection.cursor().copy(
            """
            copy (select t.id, t.at, t.reason, t.cause, t.actor, a.kind, a.rider_id, a.currency, e.amount_minor
                    from ledger_transaction t
                    join ledger_entry e on e.operator_id = t.operator_id and e.transaction_id = t.id
                    join ledger_account a on a.operator_id = e.operator_id and a.id = e.account_id
                   where t.at >= %s and t.at < %s
                   order by t.at, t.id, e.nr) to stdout
            """,
            (begin, begin + timedelta(days=28)),
        ) as copy,
    ):
        for _block in copy:
            pass
    return time.perf_counter() - start


if __name__ == "__main__":
    from rich.console import Console

    from bench.figure import show

    show(Console(), "the journal", main())

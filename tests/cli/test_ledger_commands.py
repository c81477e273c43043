"""`isotope ledger export` and `balance`: files that bookkeepers read, and what they add up to."""

import asyncio
import csv
import io
import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Awaitable, Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from typer.testing import CliRunner

from isotope.cli import build
from isotope.cli._failures import CommandError
from isotope.cli._journal import COLUMNS, cell
from isotope.cli._period import Period, period_of_days
from isotope.domain.receipts import issue_later
from isotope.domain.wallet import AccountKind, Entry, MoneyKind, post, trial_balance
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.kernel.money import to_minor
from tests.kit.books import Books, open_books
from tests.kit.clock import SettableClock
from tests.kit.journal import fill_journal
from tests.kit.receipts import ride_draft
from tests.kit.waiting import wait_until

T = TypeVar("T")
JUNE = ("--from", "2026-06-01", "--to", "2026-07-01")
# Helsinki's summer time.
SINCE = datetime(2026, 5, 31, 21, tzinfo=UTC)
UNTIL = datetime(2026, 6, 30, 21, tzinfo=UTC)


@pytest.fixture
def environ(database_url: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("ISOTOPE_DATABASE_URL", database_url)
    return database_url


def with_books(url: str, use: Callable[[Books], Awaitable[T]], currency: str = "EUR", riders: int = 1) -> tuple[str, T]:
    """The slug of a new operator, and what was done with its books."""

    async def done() -> tuple[str, T]:
        database = Database(url, max_size=2)
        await database.open()
        try:
            books = await open_books(
                Runtime(db=database, clock=SettableClock(), hub=Hub(url), jobs=Jobs()), currency=currency, riders=riders
            )
            return books.operator.slug, await use(books)
        finally:
            await database.close()

    return asyncio.run(done())


def run(*arguments: str) -> tuple[str, str]:
    """Standard output and standard error."""
    ended = CliRunner().invoke(build(["ledger"]), ["ledger", *arguments], catch_exceptions=False)
    assert ended.exit_code == 0, ended.output
    return ended.stdout, ended.stderr


def read_csv(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


async def rides_and_money(books: Books) -> None:
    await books.add(200, MoneyKind.BONUS)
    await books.add(500)
    await books.charge(800, tax_minor=163, cause="ride:1")
    await books.charge(50, cause="ride:2", on_card=True)


async def long_month(books: Books) -> dict[AccountKind, int]:
    """20,000 entries between the days, on top of what the riders did before; the sums of those 20,000 alone."""
    for rider in books.riders:
        await books.add(10, MoneyKind.BONUS, rider=rider)
        await books.charge(20, tax_minor=3, rider=rider)
    async with books.rt.db.write() as tx:
        before = await trial_balance(tx, books.operator.id)
        await fill_journal(tx, books.operator.id, 20_000, SINCE + 30 * timedelta(days=1), UNTIL + timedelta(days=30))
        after = await trial_balance(tx, books.operator.id)
    return {kind: after[kind] - before[kind] for kind in AccountKind if after[kind] != before[kind]}


def test_a_long_month_adds_up_to_its_trial_balance(environ: str, tmp_path: Path) -> None:
    slug, expected = with_books(environ, long_month, riders=7)
    file = tmp_path / "july.csv"
    july = ("--from", "2026-07-01", "--to", "2026-08-01")

    _out, told = run("export", "--operator", slug, *july, "--output", str(file))

    rows = read_csv(file.read_text(encoding="utf-8"))
    assert len(rows) == 20_000
    assert tuple(rows[0]) == COLUMNS
    summed: Counter[str] = Counter()
    for row in rows:
        summed[row["account"]] += to_minor(Decimal(row["credit"]) - Decimal(row["debit"]), "EUR")
    assert summed == expected
    assert [(row["at"], int(row["transaction_id"])) for row in rows] == sorted(
        (row["at"], int(row["transaction_id"])) for row in rows
    )
    totals = json.loads((tmp_path / "july.csv.totals.json").read_text())["totals"]
    assert (totals["lines"], totals["transactions"], totals["time_zone"]) == (20_000, 5_000, "Europe/Helsinki")
    assert {
        account["account"]: to_minor(Decimal(account["credit"]) - Decimal(account["debit"]), "EUR")
        for account in totals["accounts"]
    } == expected
    assert sum(Decimal(one["credit"]) for one in totals["accounts"]) == sum(
        Decimal(one["debit"]) for one in totals["accounts"]
    )
    in_store, _told = run("balance", "--operator", slug, *july)
    assert told.startswith(in_store)
    assert told.endswith("20000 lines of 5000 transactions\n")
    assert sorted(one.name for one in tmp_path.iterdir()) == ["july.csv", "july.csv.totals.json"]


def test_every_side_of_every_posting_is_one_line(environ: str) -> None:
    slug, _done = with_books(environ, rides_and_money)
    out, _told = run("export", "--operator", slug, *JUNE)
    rows = read_csv(out)
    ride = [row for row in rows if row["cause"] == "ride:1"]
    assert len(rows) == 11
    assert {(row["reason"], row["at"], row["currency"], row["actor"]) for row in ride} == {
        ("ride_charged", "2026-06-01T12:00:00.000000Z", "EUR", "system")
    }
    assert [(row["account"], row["debit"], row["credit"], bool(row["rider_id"])) for row in ride] == [
        ("RIDER_BONUS", "2.00", "0.00", True),
        ("RIDER_BALANCE", "5.00", "0.00", True),
        ("RIDER_DEBT", "1.00", "0.00", True),
        ("REVENUE", "0.00", "6.37", False),
        ("TAX", "0.00", "1.63", False),
    ]


def test_json_lines_end_with_their_totals(environ: str) -> None:
    slug, _done = with_books(environ, rides_and_money)
    out, _told = run("export", "--operator", slug, *JUNE, "--format", "jsonl")
    *lines, last = [json.loads(line) for line in out.splitlines()]
    rows = read_csv(run("export", "--operator", slug, *JUNE)[0])
    assert [{key: "" if value is None else str(value) for key, value in line.items()} for line in lines] == rows
    assert (last["totals"]["operator"], last["totals"]["lines"]) == (slug, 11)


@pytest.mark.parametrize(("currency", "text"), [("JPY", "1001"), ("EUR", "10.01"), ("KWD", "1.001")])
def test_amounts_have_the_decimals_of_their_currency(environ: str, currency: str, text: str) -> None:
    slug, _done = with_books(environ, lambda books: books.add(1001), currency)
    rows = read_csv(run("export", "--operator", slug, *JUNE)[0])
    assert {row["debit"] for row in rows} | {row["credit"] for row in rows} == {text, f"{Decimal(text) * 0}"}


def test_days_are_the_operators_and_the_last_is_left_out(environ: str) -> None:
    async def at_the_edges(books: Books) -> None:
        for at, cause in (
            (SINCE - timedelta(microseconds=1), "before"),
            (SINCE, "first"),
            (UNTIL - timedelta(microseconds=1), "last"),
            (UNTIL, "after"),
        ):
            await post_at(books, at, cause)

    slug, _done = with_books(environ, at_the_edges)
    rows = read_csv(run("export", "--operator", slug, *JUNE)[0])
    assert [row["cause"] for row in rows] == ["first", "first", "last", "last"]


@pytest.mark.parametrize(
    ("days", "zone", "period"),
    [
        (("2026-06-01", "2026-07-01"), "Europe/Helsinki", Period(SINCE, UNTIL)),
        # Clocks are put forward within the period: it is an hour shorter.
        (
            ("2026-03-01", "2026-04-01"),
            "Europe/Riga",
            Period(datetime(2026, 2, 28, 22, tzinfo=UTC), datetime(2026, 3, 31, 21, tzinfo=UTC)),
        ),
        (
            ("2026-01-01", "2026-01-02"),
            "UTC",
            Period(datetime(2026, 1, 1, tzinfo=UTC), datetime(2026, 1, 2, tzinfo=UTC)),
        ),
    ],
)
def test_a_period_begins_and_ends_at_local_midnight(days: tuple[str, str], zone: str, period: Period) -> None:
    first, end = map(date.fromisoformat, days)
    assert period_of_days(first, end, zone) == period


async def post_at(books: Books, at: datetime, cause: str, reason: str = "test") -> None:
    posting = books.posting(
        Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=5, rider_id=books.rider),
        Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-5),
        cause=cause,
    )
    fields: dict[str, Any] = {name: getattr(posting, name) for name in posting.__struct_fields__}
    async with books.rt.db.write() as tx:
        await post(tx, type(posting)(**fields | {"now": at, "reason": reason}))


@pytest.mark.parametrize("text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1"])
def test_no_cell_is_a_formula(text: str) -> None:
    assert cell(text) == f"'{text}"
    assert cell(f"x{text}") == f"x{text}"


def test_causes_are_quoted_and_no_formulas(environ: str) -> None:
    cause = '=HYPERLINK("http://x.test", "a,b")\nsecond line'
    slug, _done = with_books(environ, lambda books: post_at(books, SINCE, cause, reason="@odd"))
    rows = read_csv(run("export", "--operator", slug, *JUNE)[0])
    assert {(row["cause"], row["reason"]) for row in rows} == {(f"'{cause}", "'@odd")}


def start(url: str, *arguments: str, **more: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [sys.executable, "-m", "isotope", "ledger", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={"ISOTOPE_DATABASE_URL": url, "PATH": os.environ["PATH"], **more},
    )


def test_the_bytes_do_not_depend_on_the_machine(environ: str) -> None:
    slug, _done = with_books(environ, lambda books: post_at(books, SINCE, "rīga:1"))
    expected = run("export", "--operator", slug, *JUNE)[0].encode()
    odd = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0", "TZ": "Asia/Tokyo", "PGTZ": "Asia/Tokyo"}
    with start(environ, "export", "--operator", slug, *JUNE, **odd) as process:
        out, told = process.communicate(timeout=60)
    assert (process.returncode, out) == (0, expected), told
    assert "rīga".encode() in out


def test_who_stops_it_finds_no_half_file(environ: str, tmp_path: Path) -> None:
    slug, _done = with_books(environ, rides_and_money)
    file = tmp_path / "journal.csv"
    with psycopg.connect(environ) as somebody:
        somebody.execute("lock table ledger_entry in access exclusive mode")
        with start(environ, "export", "--operator", slug, *JUNE, "--output", str(file)) as process:
            wait_until((tmp_path / "journal.csv.part").exists)
            process.send_signal(signal.SIGINT)
            _out, told = process.communicate(timeout=60)
    assert (process.returncode, told.decode().strip()) == (130, "stopped")
    assert list(tmp_path.iterdir()) == []


def test_who_reads_only_the_head_gets_no_trace(environ: str) -> None:
    slug, _sums = with_books(environ, long_month, riders=2)
    with start(environ, "export", "--operator", slug, "--from", "2026-06-01", "--to", "2026-09-01") as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().decode().strip().split(",") == list(COLUMNS)
        process.stdout.close()
        told = process.stderr.read()
    assert (process.returncode, told) == (1, b"")


def test_mistakes_are_told(environ: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="operator"):
        run("export", "--operator", "nobody", *JUNE)
    for wrong in (
        ("--from", "2026-06-01", "--to", "2026-06-01"),
        ("--from", "1.6.2026", "--to", "2026-06-02"),
        (*JUNE, "--output", str(tmp_path / "no" / "folder.csv")),
    ):
        ended = CliRunner().invoke(build(["ledger"]), ["ledger", "export", "--operator", "x", *wrong])
        assert ended.exit_code == 2, ended.output


def test_check_tells_of_a_missing_receipt_number(fresh_database_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def number_wrongly(books: Books) -> None:
        async with books.rt.db.write() as tx:
            await issue_later(tx, ride_draft(books.operator, books.rider))
            await tx.execute(
                "update receipt set number = 2, numbered_at = issued_at where operator_id = %s", [books.operator.id]
            )

    monkeypatch.setenv("ISOTOPE_DATABASE_URL", fresh_database_url)
    slug, _ = with_books(fresh_database_url, number_wrongly)
    result = CliRunner().invoke(build(["ledger"]), ["ledger", "check"])
    assert result.exit_code == 1
    assert f"{slug}: receipt number 2 of 2026: gap" in result.stderr.splitlines()

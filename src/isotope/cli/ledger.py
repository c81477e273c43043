"""`isotope ledger`: the books."""

import asyncio
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isotope.cli._period import DAY_FORMATS, period_of_days
from isotope.infra.config import load_config

if TYPE_CHECKING:
    from isotope.domain.wallet import AccountTotal
    from isotope.infra.runtime import Runtime

_STOPPED = 130

app = typer.Typer(help="The books of every operator.", no_args_is_help=True)


@app.command("check")
def check() -> None:
    """Look for anything wrong in the books: every transaction is zero, every balance the sum of its entries.

    And every receipt's number: none is missing in any year. Exit code 1 if something is.

    Example:

        isotope ledger check
    """
    from isotope.cli._books import check_books
    from isotope.infra.embedded import database_url

    config = load_config()
    with database_url(Path(config.data), config.database_url) as url:
        books = asyncio.run(check_books(url))
    for line in books.lines:
        typer.echo(line)
    if books.faults:
        for fault in books.faults:
            typer.echo(fault, err=True)
        raise typer.Exit(1)


class Form(StrEnum):
    """How lines are written (`_journal.JournalFormat`, which is heavy to import)."""

    CSV = "csv"
    JSONL = "jsonl"


_Slug = Annotated[str, typer.Option("--operator", help="the operator's short name")]
_From = Annotated[
    datetime, typer.Option("--from", formats=DAY_FORMATS, help="first day, as the operator's clocks tell")
]
_To = Annotated[datetime, typer.Option("--to", formats=DAY_FORMATS, help="the day after the last one")]


@app.command("export")
def export(
    operator: _Slug,
    first: _From,
    end: _To,
    form: Annotated[Form, typer.Option("--format", help="one line an entry, either way")] = Form.CSV,
    output: Annotated[Path | None, typer.Option("--output", help="a file; else standard output")] = None,
) -> None:
    """Write the journal of a period: every entry of the ledger, in order, and what they add up to.

    Columns: transaction_id, at (UTC), reason, cause, actor, account, rider_id (a pseudonym), currency, debit, credit.
    The totals by account are printed on standard error; they are also the last of JSON lines, and stand beside a file
    in FILE.totals.json. `isotope ledger balance` adds the same up in the store.

    A period that ended a minute ago changes no more. Can be stopped at any time: FILE is there whole or not at all.
    A cell that a spreadsheet would take for a formula gets a ' in front.

    Example:

        isotope ledger export --operator riga --from 2026-11-01 --to 2026-12-01 --output november.csv

        isotope ledger export --operator riga --from 2026-11-01 --to 2026-12-01 --format jsonl | gzip > november.gz
    """
    _check_days(first, end)
    from isotope.cli._export import Export, export
    from isotope.cli._journal import JournalFormat, totals_text
    from isotope.cli._store import run_use_case

    if output is not None and not output.parent.is_dir():
        raise typer.BadParameter(f"there is no folder {output.parent}", param_hint="--output")
    what = Export(slug=operator, first=first.date(), end=end.date(), form=JournalFormat(form.value), output=output)
    try:
        totals = run_use_case(lambda rt: export(rt, what))
    except KeyboardInterrupt:
        typer.echo("stopped", err=True)
        raise typer.Exit(_STOPPED) from None
    typer.echo(totals_text(totals.totals), err=True)
    typer.echo(f"{totals.lines} lines of {totals.transactions} transactions", err=True)


@app.command("balance")
def balance(operator: _Slug, first: _From, end: _To) -> None:
    """What was posted in a period, by currency and account: the trial balance. Debits and credits are equal.

    Example:

        isotope ledger balance --operator riga --from 2026-11-01 --to 2026-12-01
    """
    _check_days(first, end)
    from isotope.cli._journal import totals_text
    from isotope.cli._store import run_use_case

    typer.echo(totals_text(run_use_case(lambda rt: _balance(rt, operator, first, end))))


def _check_days(first: datetime, end: datetime) -> None:
    if first >= end:
        raise typer.BadParameter("must be a later day than --from", param_hint="--to")


async def _balance(rt: "Runtime", slug: str, first: datetime, end: datetime) -> "list[AccountTotal]":
    from isotope.domain.tenants import get_operator_by_slug
    from isotope.domain.wallet import total_period

    async with rt.db.read() as tx:
        operator = await get_operator_by_slug(tx, slug)
        period = period_of_days(first.date(), end.date(), operator.time_zone)
        return await total_period(tx, operator.id, period.since, period.until)

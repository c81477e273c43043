"""`isotope ledger`: the books."""

import asyncio
from pathlib import Path

import typer

from isotope.infra.config import load_config

app = typer.Typer(help="The books of every operator.", no_args_is_help=True)


@app.command("check")
def check() -> None:
    """Look for anything wrong in the books: every transaction is zero, every balance the sum of its entries.

    Exit code 1 if something is.

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

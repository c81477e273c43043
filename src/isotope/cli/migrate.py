"""`isotope migrate`."""

from pathlib import Path
from typing import Annotated

import typer

from isotope.infra.config import load_config


def command(
    check: Annotated[
        bool, typer.Option("--check", help="change nothing; exit code 1 if something is to be applied")
    ] = False,
) -> None:
    """Bring the database to the state of this version: apply what is missing, once, forward only.

    Example:

        ISOTOPE_DATABASE_URL=postgresql://isotope@db/isotope isotope migrate
    """
    from isotope.infra.embedded import database_url
    from isotope.infra.migrate import migrate, pending

    config = load_config()
    with database_url(Path(config.data), config.database_url) as url:
        if check:
            names = pending(url)
            for name in names:
                typer.echo(f"to apply: {name}")
            if names:
                raise typer.Exit(1)
            typer.echo("up to date")
            return
        for name in migrate(url):
            typer.echo(f"applied {name}")
        typer.echo("up to date")

"""`isotope db`: a look into the store."""

import os
import subprocess
from pathlib import Path
from typing import Annotated

import typer

from isotope.infra.config import load_config

app = typer.Typer(help="A look into the store.", no_args_is_help=True)


@app.command("url")
def url() -> None:
    """Print the store's address, for psql and other tools.

    Example:

        isotope db url
    """
    from isotope.cli._process import with_store

    typer.echo(with_store(load_config()).database_url)


@app.command("shell", context_settings={"allow_extra_args": True, "ignore_unknown_options": True})
def shell(arguments: Annotated[list[str] | None, typer.Argument(help="passed on to psql")] = None) -> None:
    """Open psql on the store (the embedded one is started if it does not run).

    Example:

        isotope db shell -c "select slug from operator"
    """
    from isotope.infra.embedded import binaries, database_url

    config = load_config()
    with database_url(Path(config.data), config.database_url) as address:
        done = subprocess.run([str(binaries() / "psql"), address, *(arguments or [])], check=False, env=os.environ)
    raise typer.Exit(done.returncode)

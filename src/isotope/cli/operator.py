"""`isotope operator`: tenants of this installation."""

from typing import Annotated

import typer

app = typer.Typer(help="Operators (tenants) of this installation.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Operators (tenants) of this installation."""


@app.command("create")
def create(
    slug: Annotated[str, typer.Argument(help="short name in commands and logs: a-z, 0-9 and -")],
    name: Annotated[str, typer.Option(help="what riders read")],
    currency: Annotated[str, typer.Option(help="ISO 4217 code")] = "EUR",
    time_zone: Annotated[str, typer.Option(help="IANA name")] = "UTC",
    language: Annotated[list[str] | None, typer.Option(help="ISO 639 code, the first is the default; repeat")] = None,
) -> None:
    """Make an operator and print its two keys, which are shown this once: the store keeps hashes.

    Vehicles, zones and prices come from its folder, with `isotope apply`.

    Example:

        isotope operator create riga --name "Riga Rides" --time-zone Europe/Riga --language lv --language en
    """
    from isotope.cli._store import run_use_case
    from isotope.domain.tenants import CreateOperator, create_operator

    made = run_use_case(
        lambda rt: create_operator(
            rt,
            CreateOperator(
                slug=slug, name=name, currency=currency, time_zone=time_zone, languages=tuple(language or ["en"])
            ),
        )
    )
    typer.echo(f"App-Public-Key: {made.public_key}")
    typer.echo(f"secret key: {made.secret_key}")
    typer.echo("Keep the secret key now: it is not shown again. `isotope keys rotate` makes another.", err=True)

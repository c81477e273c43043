"""`isotope keys`: the keys of operators."""

from typing import Annotated, Final

import typer

from isotope.domain.tenants.model import KeyKind

app = typer.Typer(help="Public and secret keys of operators.", no_args_is_help=True)

_HOUR_S: Final = 3600


@app.callback()
def _group() -> None:
    """Public and secret keys of operators."""


@app.command("rotate")
def rotate(
    slug: Annotated[str, typer.Argument(help="the operator")],
    kind: Annotated[KeyKind, typer.Option(help="which of its keys")],
    grace_hours: Annotated[
        int, typer.Option(min=0, max=8760, help="hours for which old keys go on working; 0 ends them now")
    ] = 24,
) -> None:
    """Make a new key and print it, this once. The old ones end after the grace.

    Example:

        isotope keys rotate riga --kind secret --grace-hours 0
    """
    from isotope.cli._store import run_use_case
    from isotope.domain.tenants import RotateKey, rotate_key

    command = RotateKey(slug=slug, kind=kind, grace_s=grace_hours * _HOUR_S)
    typer.echo(run_use_case(lambda rt: rotate_key(rt, command)))

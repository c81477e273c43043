"""`isotope staff`: logins to the dashboard."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from isotope.cli._failures import CommandError
from isotope.domain.tenants.model import Role

app = typer.Typer(help="Logins of operators' staff.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Logins of operators' staff."""


@app.command("add")
def add(
    slug: Annotated[str, typer.Argument(help="the operator")],
    email: Annotated[str, typer.Argument(help="the address to log in with; unique in the installation")],
    role: Annotated[Role, typer.Option(help="what they may do")] = Role.READ_ONLY,
    name: Annotated[str, typer.Option(help="their name")] = "",
    password_file: Annotated[
        Path | None, typer.Option(help="a file whose first line is the password; - reads standard input")
    ] = None,
) -> None:
    """Give somebody a login. The password is asked for twice, unless a file or standard input has it.

    Example:

        isotope staff add riga anna@example.com --role manager --password-file /run/secrets/anna
    """
    from isotope.cli._store import run_use_case
    from isotope.domain.tenants import AddStaff, add_staff

    command = AddStaff(slug=slug, email=email, password=_password(password_file), role=role, name=name)
    member = run_use_case(lambda rt: add_staff(rt, command))
    typer.echo(f"{member.email} can log in as {member.role.value}")


def _password(file: Path | None) -> str:
    """Never an argument: those stand in the shell's history and in the list of processes."""
    if file is None and sys.stdin.isatty():
        asked: str = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
        return asked
    if file is None or str(file) == "-":
        return sys.stdin.readline().rstrip("\r\n")
    try:
        with file.open(encoding="utf-8") as lines:
            return lines.readline().rstrip("\r\n")
    except (OSError, UnicodeDecodeError) as error:
        raise CommandError(f"no password can be read from {file}: {error}") from error

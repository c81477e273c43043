"""`isotope apply`."""

import asyncio
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from isotope.cli._failures import CommandError
from isotope.infra.config import load_config

if TYPE_CHECKING:
    from isotope.infra.runtime import Runtime
    from isotope.provisioning import Applied, Folder, Plan

# Larger folders show a bar: they take more than a second.
_LARGE = 2_000


def command(
    folder: Annotated[
        Path,
        typer.Argument(
            help="has operator.yaml, pricing.yaml, models.yaml, zones.geojson, vehicles.csv, and for rentals rental.yaml"
        ),
    ],
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show the plan and change nothing")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="apply without asking")] = False,
) -> None:
    """Make the store match an operator's folder: show what would change, ask, and do all of it or nothing.

    Applying a folder again changes nothing. What the folder no longer names is retired, never deleted, and a vehicle
    that somebody rides is left alone until the next time.

    Exit codes: 0 done, nothing to do, or only shown; 1 refused (every fault is listed with file and line);
    2 wrong use of the command; 3 not confirmed.

    Example:

        isotope apply operators/helsinki --dry-run
        isotope apply operators/helsinki --yes
    """
    from isotope.infra.embedded import database_url
    from isotope.infra.migrate import pending
    from isotope.provisioning import read_folder

    config = load_config()
    # The folder first: where it is wrong no store is needed to say so.
    read = read_folder(folder)
    with database_url(Path(config.data), config.database_url) as url:
        if missing := pending(url):
            raise CommandError(f"the database lacks {missing[0]}: bring it up to date with `isotope migrate`")
        code = asyncio.run(_apply(url, read, is_dry=dry_run, is_agreed=yes))
    raise typer.Exit(code)


async def _apply(url: str, folder: "Folder", *, is_dry: bool, is_agreed: bool) -> int:
    from isotope.cli._plan import show_plan
    from isotope.infra.clock import SystemClock
    from isotope.infra.db import Database
    from isotope.infra.hub import Hub
    from isotope.infra.jobs import Jobs
    from isotope.infra.runtime import Runtime
    from isotope.provisioning import plan_folder

    db = Database(url, max_size=2)
    await db.open()
    try:
        rt = Runtime(db=db, clock=SystemClock(), hub=Hub(url), jobs=Jobs())
        plan = await plan_folder(rt, folder)
        show_plan(plan)
        if is_dry or plan.is_empty:
            return 0
        if not is_agreed:
            if not sys.stdin.isatty():
                raise CommandError("nobody is there to be asked: give --yes to apply, or --dry-run to look")
            if not typer.confirm("Apply?"):
                return 3
        _show_applied(await _write(rt, folder, plan))
    finally:
        await db.close()
    return 0


async def _write(rt: "Runtime", folder: "Folder", plan: "Plan") -> "Applied":
    from rich.progress import Progress

    from isotope.provisioning import PlanOutdatedError, apply_folder

    with Progress(disable=len(folder.vehicles) < _LARGE, transient=True) as progress:
        task = progress.add_task("vehicles", total=None)
        try:
            return await apply_folder(
                rt,
                folder,
                expected=plan,
                on_progress=lambda done, total: progress.update(task, completed=done, total=total),
            )
        except PlanOutdatedError as error:
            raise CommandError(str(error)) from None


def _show_applied(applied: "Applied") -> None:
    for kind, key in applied.made_keys.items():
        typer.echo(f"{kind} key (shown this once): {key}")
    typer.echo(f"applied to {applied.plan.slug}")

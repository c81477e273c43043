"""The command `isotope`.

One file a command: a module of this package is a command by being here. It has either a function `command` (the
command bears the module's name, underscores as dashes) or a `typer.Typer` named `app` (a group such as
`isotope keys rotate`). Names with a leading underscore are helpers. Only the module that is asked for is imported,
and modules import what is heavy inside their functions: four processes start from here at once.
"""

import importlib
import pkgutil
import sys
from typing import Final

import typer

from isotope.infra import lifeline

_FIRST: Final = ("up", "apply", "simulate", "migrate", "api", "gateway", "worker")

HELP: Final = "Isotope: shared mobility that an operator can own. Settings are read from ISOTOPE_* (see the docs)."


def names() -> list[str]:
    """Every command, the usual ones first."""
    found = [module.name for module in pkgutil.iter_modules(__path__) if not module.name.startswith("_")]
    return sorted(found, key=lambda name: (_FIRST.index(name) if name in _FIRST else len(_FIRST), name))


def build(asked: list[str]) -> typer.Typer:
    """The command line with those commands."""
    root = typer.Typer(
        name="isotope", help=HELP, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False
    )

    @root.callback()
    def _root() -> None:
        """Keep sub-commands even when there is one only."""

    for name in asked:
        module = importlib.import_module(f"{__name__}.{name}")
        title = name.replace("_", "-")
        if hasattr(module, "app"):
            root.add_typer(module.app, name=title)
        else:
            root.command(title)(module.command)
    root.info.help = HELP
    return root


def main() -> None:
    """Run the command line; expected failures are one message, never a trace."""
    lifeline.watch()
    asked = sys.argv[1].replace("-", "_") if len(sys.argv) > 1 else ""
    known = names()
    from isotope.cli._failures import told

    with told():
        build([asked] if asked in known else known)()

"""A measured figure and the floor that it stands on."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Figure:
    """One row of a table.

    Attributes:
        floor: the same work without our system, in the same unit; None: there is no such thing.
    """

    what: str
    value: float
    unit: str
    floor_what: str = ""
    floor: float | None = None
    digits: int = 0

    @property
    def ratio(self) -> float | None:
        return None if not self.floor else self.value / self.floor


def show(console: Console, title: str, figures: Sequence[Figure], note: str = "") -> None:
    """A table of figures."""
    table = Table(title=title, caption=note or None, title_justify="left", caption_justify="left")
    table.add_column("what")
    table.add_column("measured", justify="right")
    table.add_column("floor", justify="right")
    table.add_column("of the floor", justify="right")
    table.add_column("what the floor is")
    for figure in figures:
        floor = "" if figure.floor is None else f"{figure.floor:,.{figure.digits}f} {figure.unit}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.0%}"
        table.add_row(figure.what, f"{figure.value:,.{figure.digits}f} {figure.unit}", floor, ratio, figure.floor_what)
    console.print(table)

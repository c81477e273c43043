"""A plan on the terminal."""

from collections import Counter
from typing import Any, Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from isotope.provisioning import Action, Change, FieldChange, Kind, Plan

_SHOWN_OF_A_KIND: Final = 12
_SHOWN_FIELDS: Final = 6
_SHOWN_LENGTH: Final = 48
_COLORS: Final = {
    Action.CREATED: "green",
    Action.CHANGED: "yellow",
    Action.RETIRED: "red",
    Action.RESTORED: "green",
    Action.WAITING: "blue",
}


def show_plan(plan: Plan, console: Console | None = None) -> None:
    """What would change, kind by kind; long lists are cut and counted."""
    out = Console(soft_wrap=True) if console is None else console
    if not plan.changes:
        out.print(f"{plan.slug}: nothing to change")
        return
    for kind in Kind:
        changes = [change for change in plan.changes if change.kind is kind]
        for action in Action:
            _show(out, [change for change in changes if change.action is action])
    out.print(_summary(plan))
    if plan.is_empty:
        out.print("nothing to change now")


def _show(out: Console, changes: list[Change]) -> None:
    for change in changes[:_SHOWN_OF_A_KIND]:
        color = _COLORS[change.action]
        note = f" ({escape(change.note)})" if change.note else ""
        out.print(f"[{color}]{change.action:>8}[/] {change.kind} [bold]{escape(change.name)}[/]{note}", highlight=False)
        if change.action is Action.CHANGED:
            for field in change.fields[:_SHOWN_FIELDS]:
                out.print(f"           {_field(field)}", highlight=False)
            if len(change.fields) > _SHOWN_FIELDS:
                out.print(f"           ... and {len(change.fields) - _SHOWN_FIELDS} more fields", highlight=False)
    if len(changes) > _SHOWN_OF_A_KIND:
        rest = changes[_SHOWN_OF_A_KIND:]
        color = _COLORS[rest[0].action]
        out.print(f"[{color}]{rest[0].action:>8}[/] ... and {len(rest)} more of {rest[0].kind}", highlight=False)


def _field(change: FieldChange) -> str:
    return f"{escape(change.field)}: {_value(change.before)} -> {_value(change.after)}"


def _value(value: Any) -> str:
    text = "-" if value is None else str(value)
    return escape(text if len(text) <= _SHOWN_LENGTH else text[: _SHOWN_LENGTH - 3] + "...")


def _summary(plan: Plan) -> Table:
    counted = Counter((change.kind, change.action) for change in plan.changes)
    table = Table(box=None, pad_edge=False)
    table.add_column(plan.slug)
    for action in Action:
        table.add_column(action.value, justify="right")
    table.add_column("unchanged", justify="right")
    for kind in Kind:
        counts = [counted[kind, action] for action in Action]
        unchanged = plan.unchanged.get(kind, 0)
        if any(counts) or unchanged:
            table.add_row(kind.value, *(str(count or "") for count in counts), str(unchanged or ""))
    return table

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
    Action.LEFT: "blue",
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
    """One action on one kind: what has nothing to be told stands in one line, the rest one line each."""
    if not changes:
        return
    head = f"[{_COLORS[changes[0].action]}]{changes[0].action:>8}[/] {changes[0].kind}"
    plain = [change for change in changes if not _details(change)]
    if plain:
        names = ", ".join(escape(change.name) for change in plain[:_SHOWN_OF_A_KIND])
        more = f" and {len(plain) - _SHOWN_OF_A_KIND} more" if len(plain) > _SHOWN_OF_A_KIND else ""
        out.print(f"{head} [bold]{names}[/]{more}", highlight=False)
    told = [change for change in changes if _details(change)]
    for change in told[:_SHOWN_OF_A_KIND]:
        note = f" ({escape(change.note)})" if change.note else ""
        out.print(f"{head} [bold]{escape(change.name)}[/]{note}", highlight=False)
        for field in change.fields[:_SHOWN_FIELDS]:
            out.print(f"           {_field(field)}", highlight=False)
        if len(change.fields) > _SHOWN_FIELDS:
            out.print(f"           ... and {len(change.fields) - _SHOWN_FIELDS} more fields", highlight=False)
    if len(told) > _SHOWN_OF_A_KIND:
        out.print(f"{head} ... and {len(told) - _SHOWN_OF_A_KIND} more", highlight=False)


def _details(change: Change) -> bool:
    return bool(change.note or change.fields)


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

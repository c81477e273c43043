"""The page for operators of what each role of staff may do, made of the table and of the registry.

python -m isotope.api.docs.roles docs/operate/roles.md
"""

import sys
from collections import defaultdict
from pathlib import Path

from isotope.api.operation import Operation
from isotope.api.sections import operations
from isotope.domain.tenants import MEANS, ROLES, Right
from isotope.domain.tenants.model import Role

_HEAD = """# Roles of staff

A member of staff has one role (`operator.yaml`, `isotope staff`). What a role may not do is refused with 403
`role_not_allowed`, before anything else is looked at. Who may not *see people* is shown initials, the last three digits of
phones and the first letter of e-mail addresses, in lists and in exports, and finds nobody by what is hidden. Amounts that
support may give or ask for are limited by the operator's settings (`payments.support_refund_minor`).

Staff of a subaccount see and change nothing but what belongs to it; operations that are marked "whole operator" are
refused to them with 403 `whole_operator_only`.
"""


def render() -> str:
    """The page, in Markdown."""
    lines = [_HEAD, "## What each role may do", ""]
    lines.append("| right | what it is | " + " | ".join(role.value for role in Role) + " |")
    lines.append("|---|---|" + "---|" * len(Role))
    for right in Right:
        marks = " | ".join("yes" if role in ROLES[right] else "no" for role in Role)
        lines.append(f"| `{right.value}` | {MEANS[right]} | {marks} |")
    lines += ["", "## What each operation needs", "", "| operation | right | for |", "|---|---|---|"]
    by_right: dict[Right, list[Operation]] = defaultdict(list)
    for operation in operations():
        if operation.right is not None:
            by_right[operation.right].append(operation)
    for right in Right:
        for operation in by_right[right]:
            who = "subaccounts, too" if operation.subaccounts else "whole operator"
            lines.append(f"| `{operation.method} {operation.path}` | `{right.value}` | {who} |")
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(render(), encoding="utf-8")

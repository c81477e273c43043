"""Conditions of a list, collected one by one: what is not asked for does not stand in the query."""

from datetime import datetime
from typing import Any, LiteralString

from isotope.dashboards.ranges import Range


class Where:
    """`sql` joins the conditions by `and`; `params` has what they name."""

    def __init__(self, first: LiteralString) -> None:
        self._parts: list[LiteralString] = [first]
        self.params: dict[str, Any] = {}

    def add(self, part: LiteralString, **params: Any) -> None:
        """One more condition."""
        self._parts.append(part)
        self.params |= params

    def days(self, column: LiteralString, since: datetime | None, until: datetime | None) -> None:
        """From `since`, until before `until`."""
        if since is not None:
            self.add(f"{column} >= %(since)s", since=since)
        if until is not None:
            self.add(f"{column} < %(until)s", until=until)

    def bounds(self, value: LiteralString, wanted: Range | None, name: LiteralString, unit: float = 1.0) -> None:
        """The range, times `unit`, of a value; `name` is that of its parameters."""
        if wanted is not None and wanted.low is not None:
            self.add(f"{value} >= %({name}_low)s", **{f"{name}_low": wanted.low * unit})
        if wanted is not None and wanted.high is not None:
            self.add(f"{value} <= %({name}_high)s", **{f"{name}_high": wanted.high * unit})

    @property
    def sql(self) -> LiteralString:
        """Without the word `where`."""
        return " and ".join(self._parts)

"""Pages by key: the rows after a place, or before it, newest first. Pure.

A list is sorted by an instant and an id, both falling (`order by at desc, id desc`), by an index of the same order: so page
1,000 costs what page 1 costs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Generic, LiteralString, TypeVar

T = TypeVar("T")

MOST_SHOWN: Final = 100


class Side(StrEnum):
    """Which way from a row: AFTER are the older ones, BEFORE the newer ones."""

    AFTER = "a"
    BEFORE = "b"


@dataclass(frozen=True, slots=True)
class Place:
    """Between two pages: after or before the row with this key."""

    side: Side
    at: datetime
    id: int


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """What a page shows, newest first, and whether there is more on either side."""

    rows: Sequence[T]
    has_next: bool
    has_previous: bool


@dataclass(frozen=True, slots=True)
class Paging:
    """How many rows, and from where; `place` None: the newest."""

    length: int
    place: Place | None = None

    def where(self, at: LiteralString, id: LiteralString) -> LiteralString:
        """The condition on the key's columns, beginning with `and`; empty for the first page."""
        match self.place:
            case None:
                return ""
            case Place(side=Side.AFTER):
                return f" and ({at}, {id}) < (%(place_at)s, %(place_id)s)"
            case _:
                return f" and ({at}, {id}) > (%(place_at)s, %(place_id)s)"

    def order(self, at: LiteralString, id: LiteralString) -> LiteralString:
        """`order by` and `limit`: one row more than is shown tells whether there is another page."""
        return f" order by {at} {self.direction}, {id} {self.direction} limit %(place_limit)s"

    @property
    def direction(self) -> LiteralString:
        """Which way the rows come; `slice` turns them round."""
        return "asc" if self.place is not None and self.place.side is Side.BEFORE else "desc"

    @property
    def params(self) -> dict[str, Any]:
        """What `where` and `order` name."""
        at, row_id = (None, None) if self.place is None else (self.place.at, self.place.id)
        return {"place_at": at, "place_id": row_id, "place_limit": self.length + 1}

    def slice(self, found: Sequence[T]) -> Slice[T]:
        """The page in what the query with `where` and `order` returned."""
        more = len(found) > self.length
        rows = list(found[: self.length])
        if self.place is not None and self.place.side is Side.BEFORE:
            rows.reverse()
            return Slice(rows, has_next=True, has_previous=more)
        return Slice(rows, has_next=more, has_previous=self.place is not None)

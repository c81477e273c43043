"""Bookmarks of lists that are walked by a key of their rows, newest first, forwards and backwards.

A bookmark says: the rows after (or before) this key. It is signed with the operator's own key for one list, operator and
subaccount, so that nobody makes one up, and one of another list or operator is as unknown as noise. It does not run out.
A row's key never changes, so each row that was there at the first page comes exactly once, whatever is added meanwhile.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Final, Generic, TypeVar

from isotope.api.bookmarks import bookmark_unknown, chosen_bookmark
from isotope.api.operation import Call
from isotope.dashboards.paging import Place, Side, Slice

T = TypeVar("T")

_SIGNED: Final = 12
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Marked(Generic[T]):
    """A page, with where the pages around it begin."""

    rows: Sequence[T]
    bookmark_next: str | None
    bookmark_previous: str | None

    @property
    def has_next_page(self) -> bool:
        return self.bookmark_next is not None

    @property
    def has_previous_page(self) -> bool:
        return self.bookmark_previous is not None


@dataclass(frozen=True, slots=True)
class Marks:
    """Reads and writes the bookmarks of one list for one call. Make it by `marks_of`."""

    name: str
    key: bytes

    def read(self, page_bookmark: str | None, bookmark_next: str | None, bookmark: str | None) -> Place | None:
        """Where the page begins, from whichever of the three fields was sent; None: the first page.

        Raises:
            Refusal: `validation_failed`: it is none of ours, or two of them differ.
        """
        chosen = chosen_bookmark(page_bookmark, bookmark_next, bookmark)
        if chosen is None:
            return None
        field, text = chosen
        try:
            data = urlsafe_b64decode((text + "=" * (-len(text) % 4)).encode("ascii"))
        except (Base64Error, UnicodeError, ValueError):
            raise bookmark_unknown(field) from None
        said, signature = data[:-_SIGNED], data[-_SIGNED:]
        if not hmac.compare_digest(signature, self._sign(said)) or self._text(data) != text:
            raise bookmark_unknown(field)
        side, micros, row_id = said.decode("ascii").split(":")
        return Place(Side(side), _EPOCH + timedelta(microseconds=int(micros)), int(row_id))

    def write(self, place: Place) -> str:
        micros = (place.at - _EPOCH) // timedelta(microseconds=1)
        said = f"{place.side}:{micros}:{place.id}".encode("ascii")
        return self._text(said + self._sign(said))

    def page(self, found: Slice[T], key: Callable[[T], tuple[datetime, int]]) -> Marked[T]:
        """The bookmarks around what was found; `key` of a row is what it is sorted by."""
        if not found.rows:
            return Marked([], None, None)
        first, last = key(found.rows[0]), key(found.rows[-1])
        return Marked(
            found.rows,
            self.write(Place(Side.AFTER, *last)) if found.has_next else None,
            self.write(Place(Side.BEFORE, *first)) if found.has_previous else None,
        )

    def _sign(self, said: bytes) -> bytes:
        return hmac.digest(self.key, self.name.encode() + b":" + said, "sha256")[:_SIGNED]

    @staticmethod
    def _text(data: bytes) -> str:
        return urlsafe_b64encode(data).decode("ascii").rstrip("=")


async def marks_of(call: Call[Any], name: str) -> Marks:
    """The bookmarks of the list `name` for the operator and the subaccount of who calls."""
    key = await call.services.operators.get_token_key(call.operator)
    return Marks(f"{name}:{call.staff().subaccount_id or 0}", key)

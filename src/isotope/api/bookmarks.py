"""Bookmarks of lists: where the next page begins.

A bookmark names the last row of the page before. It is opaque to clients, and nobody gains anything by making one up:
whoever uses it must check that the row is one of the caller's own list (`bookmark_unknown` if not), and it stands in
the list that it was made for only.
"""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from typing import Final

from isotope.kernel.errors import Fault, Refusal, invalid
from isotope.kernel.ids import MAX_ID

MOST_BOOKMARK: Final = 200


def bookmark_unknown(field: str) -> Refusal:
    """No page of this list ended there."""
    return invalid(Fault(field, "a bookmark of an earlier answer to the same list is expected"))


def write_bookmark(of: str, row_id: int) -> str:
    """`of` names the list: `entries:EUR`."""
    return urlsafe_b64encode(f"{of}:{row_id}".encode()).decode("ascii").rstrip("=")


def read_bookmark(text: str, of: str, field: str) -> int:
    """The row that a bookmark of the list `of` names.

    Raises:
        Refusal: `validation_failed`.
    """
    padded = text + "=" * (-len(text) % 4)
    try:
        name, _, digits = urlsafe_b64decode(padded.encode("ascii")).decode("ascii").rpartition(":")
    except (Base64Error, UnicodeError, ValueError):
        raise bookmark_unknown(field) from None
    is_number = digits.isascii() and digits.isdigit() and len(digits) <= len(str(MAX_ID))
    # The same row has one bookmark: no second spelling of it is taken.
    if name != of or not is_number or int(digits) > MAX_ID or write_bookmark(of, int(digits)) != text:
        raise bookmark_unknown(field)
    return int(digits)


def chosen_bookmark(
    page_bookmark: str | None, bookmark_next: str | None, bookmark: str | None
) -> tuple[str, str] | None:
    """Clients send any of the three: which one counts, with its name; None: the first page.

    Raises:
        Refusal: `validation_failed`: two of them do not say the same.
    """
    named = {"page_bookmark": page_bookmark, "bookmark_next": bookmark_next, "bookmark": bookmark}
    sent = {name: value for name, value in named.items() if value}
    if not sent:
        return None
    name, value = next(iter(sent.items()))
    if len(set(sent.values())) > 1:
        raise invalid(Fault(name, f"only one bookmark is expected, and {', '.join(sent)} differ"))
    return name, value

"""What people type into the search of a list, as patterns. Pure.

Words are searched for each on its own, in any order and in any place, whatever their case. What looks like a phone number
(`+358 40 123-4567`) is one word of its digits.
"""

import re
from typing import Final

from isotope.kernel.ids import MAX_ID

_PHONE: Final = re.compile(r"\+?[\d\s().-]{4,}")
_SPECIAL: Final = re.compile(r"([\\%_])")
MOST_WORDS: Final = 8


def patterns_of(search: str) -> list[str]:
    """For `like all`; empty: everything is meant."""
    text = search.strip().lower()
    words = [re.sub(r"\D", "", text)] if _PHONE.fullmatch(text) else text.split()[:MOST_WORDS]
    return ["%" + _SPECIAL.sub(r"\\\1", word) + "%" for word in words if word]


def number_of(search: str) -> int | None:
    """The id that is meant, if it is one."""
    text = search.strip()
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_ID)):
        return None
    return int(text) if 0 < int(text) <= MAX_ID else None

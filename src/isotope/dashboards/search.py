"""What people type into the search of a list, as conditions. Pure.

Words are searched for each on its own, in any order and in any place; case and accents do not count (the store's `fold`).
What looks like a phone number (`+358 40 123-4567`) is one word of its digits. A search whose words all have fewer than
`SHORTEST` characters is too common for an index: it finds the number (of a ride, a vehicle, a task) that is exactly it,
and nothing else.
"""

import re
from dataclasses import dataclass
from typing import Any, Final, LiteralString

from isotope.kernel.ids import MAX_ID

MOST_WORDS: Final = 8
SHORTEST: Final = 3
MOST_SEARCH: Final = 200

_PHONE: Final = re.compile(r"\+?[\d\s().-]{4,}")
_SPECIAL: Final = re.compile(r"([\\%_])")


@dataclass(frozen=True, slots=True)
class Search:
    """A search: its words as patterns, and the number that it is, if it is one."""

    text: str
    patterns: tuple[str, ...]
    number: int | None

    @property
    def is_short(self) -> bool:
        """Whether it finds exact numbers only."""
        return all(len(pattern.strip("%")) < SHORTEST for pattern in self.patterns)

    def matches(self, folded: LiteralString) -> LiteralString:
        """The condition that a folded text has all words; `params` has their patterns."""
        parts: tuple[LiteralString, ...] = tuple(
            f"{folded} like fold(%(word_{nr})s::text)" for nr in range(len(self.patterns))
        )
        return "(" + " and ".join(parts) + ")"

    @property
    def params(self) -> dict[str, Any]:
        words: dict[str, Any] = {f"word_{nr}": pattern for nr, pattern in enumerate(self.patterns)}
        return {**words, "searched": self.text, "searched_number": self.number}


def read_search(search: str | None) -> Search | None:
    """None: everything is meant."""
    text = (search or "").replace("\x00", "").strip()
    words = [re.sub(r"\D", "", text)] if _PHONE.fullmatch(text) else text.split()[:MOST_WORDS]
    patterns = tuple("%" + _SPECIAL.sub(r"\\\1", word) + "%" for word in words if word)
    if not patterns:
        return None
    return Search(text, patterns, _number(text))


def _number(text: str) -> int | None:
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(MAX_ID)):
        return None
    return int(text) if 0 < int(text) <= MAX_ID else None

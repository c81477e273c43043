"""How what people type becomes comparable with what is written on the spot. Pure."""

import re
from dataclasses import dataclass
from typing import Final
from unicodedata import combining, normalize

# Letters that are no letter with an accent, as they are typed where a keyboard has none of them.
_SPELT: Final = str.maketrans(
    {"ß": "ss", "ø": "o", "æ": "ae", "œ": "oe", "ł": "l", "đ": "d", "ð": "d", "þ": "th", "ı": "i"}
)
_NUMBER: Final = re.compile(r"\d{1,4}[^\W\d_]?")
_LETTER: Final = re.compile(r"[^\W\d_]")
_DIGITS: Final = re.compile(r"\d{1,6}")
_MOST_FOLDED: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What was typed, taken apart.

    Attributes:
        text: all of it, folded.
        words: without the house number; the name of a street or a place.
        number: the house number, folded; None: there is none.
    """

    text: str
    words: str
    number: str | None


def fold(text: str) -> str:
    """Small letters and digits without accents, one space between words; at most 100 characters."""
    plain = "".join(char for char in normalize("NFKD", text.casefold().translate(_SPELT)) if not combining(char))
    kept = "".join(char if char.isalnum() else " " for char in plain.translate(_SPELT))
    return " ".join(kept.split())[:_MOST_FOLDED].strip()


def take_apart(text: str) -> Asked:
    """The house number is the last word like one after a name, else the first one before it.

    A letter may stand apart (12 B). What follows a comma says where: it is searched for, but is no number.

    | typed                    | words             | number |
    |--------------------------|-------------------|--------|
    | Mannerheimintie 12       | mannerheimintie   | 12     |
    | Mannerheimintie 12 B     | mannerheimintie   | 12b    |
    | 12 Main Street           | main street       | 12     |
    | Rue du 11 Novembre 4     | rue du 11 novembre| 4      |
    | Kaivokatu 1, 00100 Hki   | kaivokatu         | 1      |
    | Kauppatori               | kauppatori        | none   |
    | 12                       | 12                | none   |
    """
    whole = fold(text)
    first, comma, _rest = text.partition(",")
    tokens = (fold(first) or whole).split()
    at, number = _number_in(tokens)
    if number is None:
        return Asked(whole, " ".join(tokens) if comma and tokens else whole, None)
    kept = tokens[: at[0]] + ([] if at[0] else tokens[at[1] :])
    return Asked(whole, " ".join(kept), number)


def _number_in(tokens: list[str]) -> tuple[tuple[int, int], str | None]:
    """Where the number stands (from, to), and the number."""
    if len(tokens) < 2:  # noqa: PLR2004 - a name and a number
        return (0, 0), None
    for nr in range(len(tokens) - 1, -1, -1):
        if not _NUMBER.fullmatch(tokens[nr]) or (0 < nr < len(tokens) - 1 and not _ends(tokens, nr)):
            continue
        after = tokens[nr + 1] if nr + 1 < len(tokens) else ""
        # In front of a name a letter apart is the beginning of the name.
        if nr and tokens[nr].isdecimal() and len(after) == 1 and _LETTER.fullmatch(after):
            return (nr, nr + 2), tokens[nr] + after
        return (nr, nr + 1), tokens[nr]
    return (0, 0), None


def _ends(tokens: list[str], nr: int) -> bool:
    """Whether nothing but a letter or another number (of a flat, a postcode) follows."""
    return all(len(token) == 1 or _DIGITS.fullmatch(token) for token in tokens[nr + 1 :])


def span_of(number: str) -> tuple[int, int] | None:
    """The whole numbers of a house number: 12 and 12b are 12, 12-16 is 12 to 16; None: it has none."""
    found = [int(digits) for digits in _DIGITS.findall(number)[:2]]
    if not found:
        return None
    low, high = found[0], found[-1]
    # 12/1 and 12-3: the second one is a stair or a flat.
    return (low, high) if low <= high <= low + 200 else (low, low)

"""Telling card numbers from other digits, so that none is ever taken. Nothing here keeps one."""

import re
from typing import Final

# As cards print them: in one run, in fours, or as American Express and Diners do. Not within words and longer ids.
_SHAPE: Final = re.compile(
    r"(?<![0-9A-Za-z_.-])"
    r"(?:[0-9]{13,19}|[0-9]{4}([ -])[0-9]{4}\1[0-9]{4}\1[0-9]{4}(?:\1[0-9]{1,3})?|[0-9]{4}([ -])[0-9]{6}\2[0-9]{4,5})"
    r"(?![0-9A-Za-z_-])"
)
# What card schemes issue (ISO/IEC 7812): Visa, Mastercard, American Express, Diners, JCB, Maestro, Discover, UnionPay.
_ISSUED: Final = re.compile(
    r"4|5[0-8]|2(?:22[1-9]|2[3-9]|[3-6]|7[01]|720)|3(?:[47]|0[0-59]|[689]|5(?:2[89]|[3-8]))|6(?:0|2|3|4|5|7|8|9)"
)
_LEAST: Final = 13


def has_card_number(text: str) -> bool:
    """Whether a Luhn-valid number of 13 to 19 digits that a card scheme issues stands in a text."""
    if len(text) < _LEAST:
        return False
    return any(_is_one(found) for found in _SHAPE.finditer(text))


def mask_card_numbers(text: str) -> str:
    """The text with `***` for each card number."""
    if len(text) < _LEAST:
        return text
    return _SHAPE.sub(lambda found: "***" if _is_one(found) else found[0], text)


def _is_one(found: re.Match[str]) -> bool:
    return is_card_number(re.sub("[ -]", "", found[0]))


def is_card_number(digits: str) -> bool:
    """Whether a card scheme issues such a number and its check digit is right (ISO/IEC 7812-1, annex B)."""
    if _ISSUED.match(digits) is None:
        return False
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit)
        total += value if place % 2 == 0 else value * 2 - 9 * (value > 4)  # noqa: PLR2004 - its double has two digits
    return total % 10 == 0

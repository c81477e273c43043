"""How lines get their texts: a function from a code of the catalogue and its parameters to words."""

from typing import Protocol

from isotope.texts import FALLBACK_LANGUAGE, catalogue


class Words(Protocol):
    """Says the text of a code; the caller binds language and the operator's own wording."""

    def __call__(self, code: str, /, **params: str | int) -> str: ...


def english(code: str, /, **params: str | int) -> str:
    """The catalogue that ships with Isotope."""
    return catalogue(FALLBACK_LANGUAGE)[code].format(**params)

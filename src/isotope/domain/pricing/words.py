"""How lines get their texts: a function from a code of the catalogue and its parameters to words."""

from typing import Final, Protocol

from isotope.kernel.texts import Texts

_TEXTS: Final = Texts()


class Words(Protocol):
    """Says the text of a code; the caller binds language and the operator's own wording."""

    def __call__(self, code: str, /, **params: str | int) -> str: ...


def english(code: str, /, **params: str | int) -> str:
    """The catalogue that ships with Isotope."""
    return _TEXTS.render(code, params)

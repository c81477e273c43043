"""The operator's wording: its own text, else the language's catalogue, else English."""

from collections.abc import Mapping

from isotope.domain.tenants.model import Operator
from isotope.texts import catalogue


def text_for(
    operator: Operator, code: str, params: Mapping[str, str | int] | None = None, language: str | None = None
) -> str:
    """The text of `code` filled with `params`, in `language` (None: the operator's first).

    A wording of the operator's that asks for a parameter there is none of gives way to the catalogue's.

    Raises:
        LookupError: no catalogue has the code; a bug.
    """
    chosen = language or operator.languages[0]
    values = params or {}
    own = operator.settings.texts.get(chosen, {}).get(code)
    if own is not None:
        try:
            return own.format_map(values)
        except (LookupError, ValueError, AttributeError):
            pass
    return catalogue(chosen)[code].format_map(values)

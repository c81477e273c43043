"""Texts that people read, by code and language.

A text is looked up in this order, and the first one found is filled in:

1. the operator's own wording in the languages that the reader takes,
2. the catalogue (`texts/<language>.toml`) of those languages,
3. the operator's own English wording, then the English catalogue,
4. the code itself as words, so that a missing text never hides a refusal.

Within one language the operator's wording comes before the catalogue's.
"""

import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib import resources
from typing import Final

Catalogue = Mapping[str, str]

FALLBACK_LANGUAGE: Final = "en"

_PLACEHOLDER: Final = re.compile(r"\{(\w+)\}")
_LANGUAGE_RANGE: Final = re.compile(r"^([A-Za-z]{1,8})(?:-[A-Za-z0-9]{1,8})*$")
_MOST_RANGES: Final = 16


def load_catalogues() -> dict[str, Catalogue]:
    """Every catalogue that is shipped: language to code to text. Read once, at start."""
    folder = resources.files("isotope.texts")
    return {
        entry.name.removesuffix(".toml"): tomllib.loads(entry.read_text(encoding="utf-8"))
        for entry in folder.iterdir()
        if entry.name.endswith(".toml")
    }


class Texts:
    """Renders texts. Immutable, one for the process."""

    def __init__(self, catalogues: Mapping[str, Catalogue] | None = None) -> None:
        self._catalogues = load_catalogues() if catalogues is None else catalogues

    def render(
        self,
        code: str,
        params: Mapping[str, str | int] | None = None,
        *,
        languages: Sequence[str] = (),
        overrides: Mapping[str, Catalogue] | None = None,
    ) -> str:
        """The text of `code` in the first of `languages` that has it, filled in with `params`.

        Args:
            code: the key of the text.
            params: what stands for each `{name}`; a name that is not given stays as it is.
            languages: ISO 639 codes, the reader's favourite first; English is always the last resort.
            overrides: the operator's own wording, language to code to text.
        """
        template = self._find(code, languages, overrides or {})
        values = params or {}
        return _PLACEHOLDER.sub(lambda match: str(values.get(match[1], match[0])), template)

    def _find(self, code: str, languages: Sequence[str], overrides: Mapping[str, Catalogue]) -> str:
        for language in (*languages, FALLBACK_LANGUAGE):
            for catalogue in (overrides.get(language), self._catalogues.get(language)):
                if catalogue is not None and code in catalogue:
                    return catalogue[code]
        return code.replace("_", " ").capitalize() + "."


def accepted_languages(header: str, spoken: Sequence[str]) -> tuple[str, ...]:
    """What of `spoken` the reader takes, best first, by an `Accept-Language` header.

    Args:
        header: such as `fi-FI,fi;q=0.9,en;q=0.5`; anything malformed in it is passed over.
        spoken: the operator's languages, its own first. They follow after what was asked for.
    """
    asked: list[tuple[float, str]] = []
    for part in header.split(",")[:_MOST_RANGES]:
        name, _, parameter = part.strip().partition(";")
        match = _LANGUAGE_RANGE.match(name.strip())
        quality = _quality(parameter)
        if match is not None and quality > 0:
            asked.append((quality, match[1].lower()))
    asked.sort(key=lambda pair: -pair[0])
    wanted = [language for _quality, language in asked if language in spoken]
    return tuple(dict.fromkeys([*wanted, *spoken]))


def _quality(parameter: str) -> float:
    name, _, value = parameter.strip().partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

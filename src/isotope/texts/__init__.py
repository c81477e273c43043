"""User-facing texts, one catalogue file per language."""

import tomllib
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Final

FALLBACK_LANGUAGE: Final = "en"


@cache
def catalogue(language: str) -> Mapping[str, str]:
    """Every text by its code; English stands in for what the language lacks."""
    found = files(__name__).joinpath(f"{language}.toml")
    own = tomllib.loads(found.read_text("utf-8")) if language.replace("-", "").isalnum() and found.is_file() else {}
    return own if language == FALLBACK_LANGUAGE else {**catalogue(FALLBACK_LANGUAGE), **own}

"""Where the words of lines and quotes come from."""

import pytest

from isotope.domain.pricing import english
from isotope.texts import catalogue


def test_the_catalogue_fills_in_what_it_is_told() -> None:
    assert english("line_tax", rate_pct="25.5") == "Tax 25.5 %"


@pytest.mark.parametrize("language", ["xx", "pt-BR", "", "..", "../en", "en.toml", "en\0"])
def test_a_language_that_is_not_there_reads_english(language: str) -> None:
    assert catalogue(language) == catalogue("en")


def test_every_text_is_one_line_of_words() -> None:
    for code, text in catalogue("en").items():
        assert text.strip() == text, code
        assert text, code

"""What people type, taken apart."""

import pytest

from isotope.domain.maps.folding import Asked, fold, span_of, take_apart


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("Mannerheimvägen", "mannerheimvagen"),
        ("  Ærøskøbing  STRAẞE ", "aeroskobing strasse"),
        ("Łódź, Đakovo", "lodz dakovo"),
        ("Невский проспект", "невскии проспект"),
        ("K-Market (Kamppi)", "k market kamppi"),
        ("!?%_|", ""),
        ("x" * 300, "x" * 100),
    ],
)
def test_fold(text: str, folded: str) -> None:
    assert fold(text) == folded
    assert fold(folded) == folded


@pytest.mark.parametrize(
    ("typed", "words", "number"),
    [
        ("Mannerheimintie 12", "mannerheimintie", "12"),
        ("Mannerheimintie 12 B", "mannerheimintie", "12b"),
        ("Mannerheimintie 12b", "mannerheimintie", "12b"),
        ("12 Main Street", "main street", "12"),
        ("12 A Street", "a street", "12"),
        ("Rue du 11 Novembre 4", "rue du 11 novembre", "4"),
        ("Kaivokatu 1, 00100 Helsinki", "kaivokatu", "1"),
        ("Kaivokatu 1 00100", "kaivokatu", "1"),
        ("Kauppatori", "kauppatori", None),
        ("Kauppatori, Helsinki", "kauppatori", None),
        ("12", "12", None),
        (", Helsinki", "helsinki", None),
        ("", "", None),
        ("?", "", None),
    ],
)
def test_taken_apart(typed: str, words: str, number: str | None) -> None:
    assert take_apart(typed) == Asked(fold(typed), words, number)


@pytest.mark.parametrize(
    ("number", "span"),
    [("12", (12, 12)), ("12b", (12, 12)), ("12 16", (12, 16)), ("12 3", (12, 12)), ("12 900", (12, 12)), ("b", None)],
)
def test_what_a_number_spans(number: str, span: tuple[int, int] | None) -> None:
    assert span_of(number) == span

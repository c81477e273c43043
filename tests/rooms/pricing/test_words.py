"""Where the words of lines and quotes come from."""

from isotope.domain.pricing import english


def test_the_catalogue_fills_in_what_it_is_told() -> None:
    assert english("line_tax", rate_pct="25.5") == "Tax 25.5 %"

"""Money at its edges."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.kernel.money import Money, exponent, to_decimal, to_minor

CURRENCIES = st.sampled_from(["EUR", "JPY", "KWD", "USD"])


@pytest.mark.parametrize(("currency", "decimals"), [("EUR", 2), ("JPY", 0), ("KWD", 3), ("ISK", 0), ("SEK", 2)])
def test_a_currency_has_its_decimals(currency: str, decimals: int) -> None:
    assert exponent(currency) == decimals


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(150, "EUR", "1.50 EUR"), (150, "JPY", "150 JPY"), (1500, "KWD", "1.500 KWD"), (-5, "EUR", "-0.05 EUR")],
)
def test_texts_are_exact(minor: int, currency: str, text: str) -> None:
    assert Money(minor, currency).text() == text


@given(minor=st.integers(-(10**15), 10**15), currency=CURRENCIES)
def test_to_the_edge_and_back_is_the_same(minor: int, currency: str) -> None:
    assert to_minor(to_decimal(minor, currency), currency) == minor


@pytest.mark.parametrize(
    ("amount", "currency"), [("0.001", "EUR"), ("0.1", "JPY"), ("NaN", "EUR"), ("Infinity", "EUR"), ("1e-30", "KWD")]
)
def test_what_is_no_amount_is_refused(amount: str, currency: str) -> None:
    with pytest.raises(ValueError, match=r"decimals|finite"):
        to_minor(Decimal(amount), currency)


def test_two_currencies_do_not_add() -> None:
    assert Money(1, "EUR") + Money(2, "EUR") - Money(5, "EUR") == -Money(2, "EUR")
    with pytest.raises(ValueError, match="EUR and SEK do not add"):
        Money(1, "EUR") + Money(1, "SEK")

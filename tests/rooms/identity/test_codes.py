"""Codes: six digits, kept so that the store alone does not tell them."""

from collections import Counter

from isotope.domain.identity.codes import hash_code, is_code, is_same_code, new_code


def test_codes_are_six_digits_and_every_first_digit_comes() -> None:
    codes = [new_code() for _ in range(2_000)]
    assert all(is_code(code) for code in codes)
    assert len(Counter(code[0] for code in codes)) == 10  # a code may begin with 0


def test_what_could_be_a_code() -> None:
    assert is_code("012345")
    assert not any(is_code(text) for text in ("", "12345", "1234567", "12345a", " 12345", "12345\n", "١٢٣٤٥٦"))


def test_a_code_is_right_under_its_own_token_only() -> None:
    kept = hash_code("token", "123456")
    assert is_same_code("token", "123456", kept)
    assert not is_same_code("token", "123457", kept)
    assert not is_same_code("other", "123456", kept)

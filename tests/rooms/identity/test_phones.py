"""Numbers as they are typed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.identity import read_phone
from isotope.kernel.errors import Refusal


@pytest.mark.parametrize(
    ("prefix", "number", "digits"),
    [
        ("358", "401234567", ("358", "401234567")),
        ("+358", "040 123 4567", ("358", "401234567")),
        ("00358", "(040) 123-4567", ("358", "401234567")),
        (" + 358 ", " 40.123/4567 ", ("358", "401234567")),
        ("371", "21234567", ("371", "21234567")),
        ("39", "06 698 12345", ("39", "0669812345")),
        ("1", "(202) 555-0123", ("1", "2025550123")),
        ("44", "07400 123456", ("44", "7400123456")),
    ],
)
def test_numbers_are_read_as_digits(prefix: str, number: str, digits: tuple[str, str]) -> None:
    phone = read_phone(prefix, number)
    assert (phone.prefix, phone.number) == digits
    assert phone.digits == "".join(digits)


@pytest.mark.parametrize(
    ("prefix", "number", "fields"),
    [
        ("999", "401234567", ["phone_prefix"]),
        ("", "401234567", ["phone_prefix"]),
        ("abc", "401234567", ["phone_prefix"]),
        ("0", "401234567", ["phone_prefix"]),
        ("3580", "401234567", ["phone_prefix"]),
        ("٣٥٨", "401234567", ["phone_prefix"]),
        ("358", "", ["phone"]),
        ("358", "12", ["phone"]),
        ("358", "401234567890123", ["phone"]),
        ("358", "+358401234567", ["phone"]),
        ("358", "4012E4567", ["phone"]),
        ("358", "401234567;ext=1", ["phone"]),
        ("358", "٤٠١٢٣٤٥٦٧", ["phone"]),
        ("358", "40123\x004567", ["phone"]),
        ("358", "4" * 33, ["phone"]),
        ("1", "9005550123", ["phone"]),  # premium
        ("44", "9098790123", ["phone"]),  # premium
        ("1", "8005550123", ["phone"]),  # toll-free
        ("999", "x", ["phone_prefix", "phone"]),
    ],
)
def test_what_is_no_persons_number_is_refused(prefix: str, number: str, fields: list[str]) -> None:
    with pytest.raises(Refusal) as refused:
        read_phone(prefix, number)
    assert [fault.field for fault in refused.value.faults] == fields


def test_only_the_operators_countries_are_served() -> None:
    assert read_phone("358", "401234567", ("358", "46")).prefix == "358"
    with pytest.raises(Refusal) as refused:
        read_phone("371", "21234567", ("358", "46"))
    assert "358, 46" in refused.value.faults[0].info


@given(st.text(max_size=8), st.text(max_size=40))
def test_any_text_is_read_or_refused(prefix: str, number: str) -> None:
    try:
        phone = read_phone(prefix, number)
    except Refusal:
        return
    assert read_phone(phone.prefix, phone.number) == phone


@given(st.sampled_from(["358", "371", "44", "39", "1", "49"]), st.text("0123456789 -()", min_size=4, max_size=14))
def test_what_was_read_is_read_the_same_again(prefix: str, number: str) -> None:
    try:
        phone = read_phone(prefix, number)
    except Refusal:
        return
    assert phone.digits.isascii()
    assert phone.digits.isdecimal()
    assert read_phone("+" + phone.prefix, " ".join(phone.number)) == phone

"""What is a card number and what only looks like one."""

import json
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.kernel.card_numbers import has_card_number, is_card_number, mask_card_numbers

# The numbers that providers publish for tests.
KNOWN = [
    "4242424242424242",
    "4000056655665556",
    "4222222222222",
    "5555555555554444",
    "2223003122003222",
    "5105105105105100",
    "378282246310005",
    "371449635398431",
    "6011111111111117",
    "6011000990139424",
    "3056930009020004",
    "36227206271667",
    "3566002020360505",
    "6200000000000005",
    "6205500000000000004",
]


@pytest.mark.parametrize("number", KNOWN)
def test_a_card_number_is_found_as_people_write_it(number: str) -> None:
    assert is_card_number(number)
    fours = [number[at : at + 4] for at in range(0, len(number), 4)]
    for text in (number, f"my card {number}, please", f"({number})", f"№{number}", json.dumps({"a": number})):
        assert has_card_number(text), text
    if len(number) == 16:
        for text in (" ".join(fours), "-".join(fours), f"Rita {' '.join(fours)} Rider"):
            assert has_card_number(text), text
        assert not has_card_number(number[:-1] + str((int(number[-1]) + 1) % 10)), "another check digit"
    assert mask_card_numbers(f"card {number}!") == "card ***!"


def test_as_american_express_prints_it() -> None:
    assert has_card_number("3782 822463 10005")
    assert mask_card_numbers("3782-822463-10005 and 4242 4242 4242 4242") == "*** and ***"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Rita Rider",
        "+358 40 123 4567",
        "card_4242424242424242",
        "4242",
        "1780000000000000000",
        "1780000000000",
        "2026-06-01T12:00:00",
        "42424242424242424242",
        "0000000000000000",
        "9999999999999995",
        "4242.4242.4242.4242",
        "60.1699000000000004",
    ],
)
def test_other_digits_are_left_alone(text: str) -> None:
    assert not has_card_number(text)
    assert mask_card_numbers(text) == text


@given(st.uuids())
def test_no_uuid_is_a_card(value: object) -> None:
    assert not has_card_number(str(value))


def test_no_random_uuid_is_a_card() -> None:
    assert not any(has_card_number(str(uuid4())) for _number in range(20_000))


@given(st.text(max_size=400))
def test_any_text_is_judged(text: str) -> None:
    assert has_card_number(text) == (mask_card_numbers(text) != text)


def test_long_texts_are_judged_fast() -> None:
    assert not has_card_number("1242 " * 200_000)
    assert not has_card_number("4" * 1_000_000)

"""When debts are tried, with which card, and when money is charged by itself: the tables."""

from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.payments.debt_rules import card_to_charge, next_try
from isotope.domain.payments.model import AutoTopUp, Card, CardId, CardStatus
from isotope.domain.payments.topup_rules import TopUpFacts, may_set_amount, may_set_threshold, why_no_top_up
from isotope.domain.tenants.model import PaymentSettings
from isotope.kernel.ids import OperatorId, RiderId

NOON = datetime(2026, 6, 1, 12, tzinfo=UTC)
OFFSETS = (0, 60, 1_440)


def at(minutes: float) -> datetime:
    return NOON + timedelta(minutes=minutes)


@pytest.mark.parametrize(
    ("after", "expected"),
    [
        (None, at(0)),
        (at(0), at(60)),
        (at(30), at(60)),
        (at(60), at(1_440)),
        (at(120), at(1_440)),
        (at(1_440), None),
        (at(9_999), None),
    ],
)
def test_when_a_debt_is_tried_next(after: datetime | None, expected: datetime | None) -> None:
    assert next_try(OFFSETS, NOON, after) == expected


def test_without_a_schedule_nothing_is_tried() -> None:
    assert next_try((), NOON, None) is None


@given(st.lists(st.integers(0, 100_000), unique=True, max_size=20).map(sorted), st.data())
def test_every_time_of_a_schedule_is_tried_once_by_who_comes_in_time(offsets: list[int], data: st.DataObject) -> None:
    tried, after = [], None
    while (next_at := next_try(offsets, NOON, after)) is not None:
        tried.append(next_at)
        after = next_at
    assert tried == [at(minutes) for minutes in offsets]
    late = at(data.draw(st.integers(0, 100_000)))
    assert next_try(offsets, NOON, late) == min((time for time in tried if time > late), default=None)


def card(number: int, status: CardStatus = CardStatus.ACTIVE, provider: str = "sandbox") -> Card:
    return Card(
        operator_id=OperatorId(1),
        id=CardId(number),
        rider_id=RiderId(1),
        provider=provider,
        customer_ref="c",
        card_ref=f"card{number}",
        brand="Visa",
        last4="4242",
        exp_month=1,
        exp_year=2030,
        status=status,
    )


@pytest.mark.parametrize(
    ("chosen", "asked", "expected"),
    [
        (None, None, 9),
        (3, None, 3),
        (5, None, 9),  # the chosen one is lost
        (4, None, 9),  # or of a provider that was left
        (77, None, 9),
        (3, 9, 9),
        (3, 5, None),
        (3, 4, None),
        (3, 77, None),
    ],
)
def test_which_card_is_charged(chosen: int | None, asked: int | None, expected: int | None) -> None:
    cards = [card(9), card(5, CardStatus.LOST), card(4, provider="left"), card(3)]
    found = card_to_charge(
        cards,
        "sandbox",
        chosen=None if chosen is None else CardId(chosen),
        asked=None if asked is None else CardId(asked),
    )
    assert (None if found is None else found.id) == expected
    assert card_to_charge([], "sandbox", chosen=None) is None


WANTED = AutoTopUp(
    operator_id=OperatorId(1), rider_id=RiderId(1), currency="EUR", is_on=True, threshold_minor=500, amount_minor=1_000
)
DUE = TopUpFacts(wanted=WANTED, balance_minor=499, on_its_way=False, has_card=True, skip=False)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({}, None),
        ({"balance_minor": -300}, None),
        ({"wanted": None}, "off"),
        ({"wanted": msgspec.structs.replace(WANTED, is_on=False)}, "off"),
        ({"wanted": msgspec.structs.replace(WANTED, suspended_at=NOON, suspended_code="card_declined")}, "suspended"),
        ({"skip": True}, "skipped"),
        ({"balance_minor": 500}, "enough"),
        ({"on_its_way": True}, "on_its_way"),
        ({"has_card": False}, "no_card"),
        # What comes first is said.
        ({"on_its_way": True, "has_card": False}, "on_its_way"),
        ({"skip": True, "balance_minor": 500}, "skipped"),
    ],
)
def test_why_money_is_not_charged_by_itself(change: dict[str, Any], expected: str | None) -> None:
    facts = {name: getattr(DUE, name) for name in DUE.__slots__} | change
    assert why_no_top_up(TopUpFacts(**facts)) == expected


@pytest.mark.parametrize(("amount", "is_allowed"), [(99, False), (100, True), (50_000, True), (50_001, False)])
def test_how_much_may_be_charged_at_once(amount: int, is_allowed: bool) -> None:
    assert (may_set_amount(PaymentSettings(), amount, "EUR") is None) == is_allowed


@pytest.mark.parametrize(("threshold", "is_allowed"), [(-1, False), (0, True), (50_000, True), (50_001, False)])
def test_which_thresholds_may_be_set(threshold: int, is_allowed: bool) -> None:
    assert (may_set_threshold(PaymentSettings(), threshold, "EUR") is None) == is_allowed

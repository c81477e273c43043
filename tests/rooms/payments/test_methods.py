"""With what a rider can pay: the table of `payments.methods`."""

from datetime import UTC, datetime

import pytest

from isotope.domain.payments import Card, CardId, is_expired, list_methods
from isotope.domain.wallet import Flow, Standing
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import START

STANDING = Standing(currency="EUR", balance_minor=1_850, bonus_minor=200)


def card(number: int, exp: tuple[int, int] = (12, 2034)) -> Card:
    return Card(
        operator_id=OperatorId(1),
        id=CardId(number),
        rider_id=RiderId(1),
        provider="sandbox",
        customer_ref="cus",
        card_ref=f"card-{number}",
        brand="Visa",
        last4="4242",
        exp_month=exp[0],
        exp_year=exp[1],
    )


CARDS = [card(9), card(4, exp=(1, 2020))]


@pytest.mark.parametrize(
    ("flow", "choice", "expected"),
    [
        (Flow.SHARING, None, ["wallet", "card_9", "card_4"]),
        (Flow.SHARING, "wallet", ["wallet", "card_9", "card_4"]),
        (Flow.SHARING, "card_9", ["card_9", "wallet", "card_4"]),
        (Flow.SHARING, "card_4", ["card_4", "wallet", "card_9"]),
        (Flow.SHARING, "card_7", ["wallet", "card_9", "card_4"]),
        (Flow.SHARING, "cash", ["wallet", "card_9", "card_4"]),
        (Flow.RENTAL, "cash", ["wallet", "card_9", "card_4"]),
        (Flow.TAXI, "cash", ["cash", "wallet", "card_9", "card_4"]),
        (Flow.TAXI, None, ["wallet", "card_9", "card_4", "cash"]),
    ],
)
def test_the_selected_one_comes_first(flow: Flow, choice: str | None, expected: list[str]) -> None:
    methods = list_methods(STANDING, CARDS, flow, choice, START)
    assert [method.id for method in methods] == expected
    assert [method.is_selected for method in methods] == [True] + [False] * (len(expected) - 1)


def test_only_the_wallet_holds_money_and_only_cards_expire() -> None:
    by_id = {method.id: method for method in list_methods(STANDING, CARDS, Flow.TAXI, None, START)}
    assert (by_id["wallet"].balance_minor, by_id["wallet"].bonus_minor) == (1_850, 200)
    assert [by_id[name].balance_minor for name in ("card_9", "card_4", "cash")] == [None] * 3
    assert [by_id[name].is_expired for name in ("wallet", "cash", "card_9", "card_4")] == [None, None, False, True]


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (datetime(2026, 5, 31, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 6, 30, 23, 59, 59, tzinfo=UTC), False),
        (datetime(2026, 7, 1, tzinfo=UTC), True),
        (datetime(2027, 1, 1, tzinfo=UTC), True),
    ],
)
def test_a_card_is_good_to_the_end_of_its_month(now: datetime, *, expected: bool) -> None:
    assert is_expired(card(1, exp=(6, 2026)), now) is expected

"""In which order money is taken and given: the pure rules, row by row."""

import pytest

from isotope.domain.wallet import (
    MAX_AMOUNT_MINOR,
    MAX_BALANCE_MINOR,
    Charge,
    Charged,
    Entry,
    MoneyKind,
    Standing,
    credit_entries,
)
from isotope.domain.wallet.model import AccountKind
from isotope.domain.wallet.rules import gift_entries, may_add, may_charge, may_move, settle_entries, split_charge
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import OperatorId, RiderId
from tests.kit.clock import START

RIDER = RiderId(7)


def standing(balance: int = 0, bonus: int = 0, debt: int = 0, transit: int = 0) -> Standing:
    return Standing(currency="EUR", balance_minor=balance, bonus_minor=bonus, debt_minor=debt, in_transit_minor=transit)


def price(total: int, *, on_card: bool = False, from_bonus: bool = True) -> Charge:
    return Charge(
        operator_id=OperatorId(1),
        rider_id=RIDER,
        currency="EUR",
        total_minor=total,
        tax_minor=0,
        reason="ride_charged",
        actor=SYSTEM,
        cause="ride:1",
        now=START,
        on_card=on_card,
        from_bonus=from_bonus,
    )


@pytest.mark.parametrize(
    ("has", "total", "bonus", "balance", "rest"),
    [
        (standing(transit=-300), 800, 0, 0, 800),
        (standing(balance=100, transit=300), 800, 0, 100, 700),
        (standing(), 800, 0, 0, 800),
        (standing(balance=500), 800, 0, 500, 300),
        (standing(balance=800), 800, 0, 800, 0),
        (standing(balance=900), 800, 0, 800, 0),
        (standing(bonus=900), 800, 800, 0, 0),
        (standing(balance=500, bonus=200), 600, 200, 400, 0),
        (standing(balance=500, bonus=200), 700, 200, 500, 0),
        (standing(balance=500, bonus=200), 800, 200, 500, 100),
        (standing(bonus=200, debt=50), 300, 200, 0, 100),
    ],
)
def test_a_charge_takes_bonus_then_balance_then_makes_debt_or_asks_the_card(
    has: Standing, total: int, bonus: int, balance: int, rest: int
) -> None:
    paid = Charged(bonus_minor=bonus, balance_minor=balance, debt_minor=rest)
    assert split_charge(has, price(total)) == paid
    asked = Charged(bonus_minor=bonus, balance_minor=balance, card_minor=rest)
    assert split_charge(has, price(total, on_card=True)) == asked


@pytest.mark.parametrize(
    ("has", "total", "balance", "rest"),
    [
        (standing(bonus=900), 800, 0, 800),
        (standing(balance=500, bonus=200), 400, 400, 0),
        (standing(balance=500, bonus=200), 600, 500, 100),
    ],
)
def test_what_bonus_may_not_pay_leaves_it_alone(has: Standing, total: int, balance: int, rest: int) -> None:
    owed = Charged(balance_minor=balance, debt_minor=rest)
    assert split_charge(has, price(total, from_bonus=False)) == owed
    asked = Charged(balance_minor=balance, card_minor=rest)
    assert split_charge(has, price(total, from_bonus=False, on_card=True)) == asked


@pytest.mark.parametrize(
    ("has", "amount", "moves"),
    [
        (standing(), 500, {"RIDER_BALANCE": 500}),
        (standing(balance=5, bonus=5, transit=-5), 500, {"RIDER_BALANCE": 500}),
        (standing(debt=300), 500, {"RIDER_DEBT": 300, "RIDER_BALANCE": 200}),
        (standing(debt=500), 500, {"RIDER_DEBT": 500}),
        (standing(debt=800), 500, {"RIDER_DEBT": 500}),
    ],
)
def test_money_of_a_card_settles_debt_first(has: Standing, amount: int, moves: dict[str, int]) -> None:
    entries = credit_entries(RIDER, has, amount)
    assert {entry.kind: entry.amount_minor for entry in entries} == moves
    assert {entry.rider_id for entry in entries} == {RIDER}


@pytest.mark.parametrize(
    ("has", "amount", "kind", "moves"),
    [
        (standing(), 500, MoneyKind.BALANCE, {"RIDER_BALANCE": 500}),
        (standing(debt=300), 500, MoneyKind.BALANCE, {"RIDER_DEBT": 300, "RIDER_BALANCE": 200}),
        (standing(debt=500), 500, MoneyKind.BALANCE, {"RIDER_DEBT": 500}),
        (standing(debt=800), 500, MoneyKind.BALANCE, {"RIDER_DEBT": 500}),
        (standing(debt=300), 500, MoneyKind.BONUS, {"RIDER_BONUS": 500}),
    ],
)
def test_added_balance_settles_debt_first_and_bonus_never(
    has: Standing, amount: int, kind: MoneyKind, moves: dict[str, int]
) -> None:
    entries = gift_entries(RIDER, has, amount, kind)
    assert {entry.kind: entry.amount_minor for entry in entries} == {**moves, "ADJUSTMENTS": -amount}
    assert Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-amount) in entries


@pytest.mark.parametrize(
    ("has", "settled"),
    [
        (standing(), 0),
        (standing(balance=500, bonus=900), 0),
        (standing(debt=500, bonus=900), 0),
        (standing(balance=300, debt=500), 300),
        (standing(balance=500, debt=300), 300),
        (standing(balance=500, debt=500, transit=-10), 500),
    ],
)
def test_balance_settles_debt_beside_it(has: Standing, settled: int) -> None:
    moved = {entry.kind: entry.amount_minor for entry in settle_entries(RIDER, has)}
    assert moved == ({"RIDER_BALANCE": -settled, "RIDER_DEBT": settled} if settled else {})


@pytest.mark.parametrize(("amount", "fits"), [(-1, False), (0, False), (1, True), (10**12, True), (10**12 + 1, False)])
def test_one_posting_moves_something_and_not_everything(amount: int, fits: bool) -> None:
    no = may_move(amount, "EUR")
    assert (no is None) == fits
    if no is not None:
        assert [(fault.field, fault.info) for fault in no.faults] == [
            ("amount", "must be more than 0 and at most 10000000000.00 EUR")
        ]


def test_no_wallet_outgrows_what_clients_read_exactly() -> None:
    brim = standing(balance=MAX_BALANCE_MINOR - 1, bonus=MAX_BALANCE_MINOR - 1)
    for kind in MoneyKind:
        assert may_add(brim, 1, kind) is None
        refused = may_add(brim, 2, kind)
        assert refused is not None
        assert refused.code == "wallet_limit_reached"
    indebted = standing(debt=MAX_BALANCE_MINOR - MAX_AMOUNT_MINOR)
    assert may_charge(indebted, price(MAX_AMOUNT_MINOR)) is None
    assert may_charge(standing(debt=MAX_BALANCE_MINOR), price(1)) is not None


@pytest.mark.parametrize("on_card", [False, True])
def test_what_is_awaited_of_a_card_counts_as_the_debt_that_it_may_become(on_card: bool) -> None:
    awaiting = standing(debt=MAX_AMOUNT_MINOR, transit=2 * MAX_AMOUNT_MINOR - MAX_BALANCE_MINOR)
    assert may_charge(awaiting, price(MAX_AMOUNT_MINOR, on_card=on_card)) is None
    brim = standing(debt=MAX_AMOUNT_MINOR, transit=MAX_AMOUNT_MINOR - MAX_BALANCE_MINOR)
    assert may_charge(brim, price(1, on_card=on_card)) is not None
    assert may_charge(standing(balance=1, debt=0, transit=-MAX_BALANCE_MINOR), price(1, on_card=on_card)) is None
    assert may_charge(standing(transit=MAX_BALANCE_MINOR), price(1, on_card=on_card)) is None

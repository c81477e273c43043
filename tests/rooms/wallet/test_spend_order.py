"""In which order money is taken and given: the pure rules, row by row."""

import pytest

from isotope.domain.wallet import MAX_AMOUNT_MINOR, MAX_BALANCE_MINOR, Charged, Entry, MoneyKind, Standing
from isotope.domain.wallet.model import AccountKind
from isotope.domain.wallet.rules import gift_entries, may_add, may_charge, may_move, split_charge
from isotope.kernel.ids import RiderId

RIDER = RiderId(7)


def standing(balance: int = 0, bonus: int = 0, debt: int = 0) -> Standing:
    return Standing(currency="EUR", balance_minor=balance, bonus_minor=bonus, debt_minor=debt)


@pytest.mark.parametrize(
    ("has", "total", "bonus", "balance", "debt"),
    [
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
def test_a_charge_takes_bonus_then_balance_then_makes_debt(
    has: Standing, total: int, bonus: int, balance: int, debt: int
) -> None:
    assert split_charge(has, total) == Charged(bonus_minor=bonus, balance_minor=balance, debt_minor=debt)


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
    assert may_charge(indebted, MAX_AMOUNT_MINOR) is None
    assert may_charge(standing(debt=MAX_BALANCE_MINOR), 1) is not None

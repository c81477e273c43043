"""In which order money is taken and given. Pure.

=====================  ==================================  =====================
what                   first                               what remains
=====================  ==================================  =====================
charge                 bonus, then balance                 becomes debt
add money, BALANCE     settles debt                        becomes balance
add money, BONUS       becomes bonus                       (nothing)
=====================  ==================================  =====================

Source: domain rules, section Wallet (spend order; a later top-up settles debt before it becomes spendable; bonus is
never money, so it settles nothing).
"""

from isotope.domain.wallet.errors import amount_out_of_range, wallet_limit_reached
from isotope.domain.wallet.model import (
    MAX_AMOUNT_MINOR,
    MAX_BALANCE_MINOR,
    AccountKind,
    Charge,
    Charged,
    Entry,
    MoneyKind,
    Standing,
    without_zeros,
)
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RiderId


def split_charge(standing: Standing, total_minor: int) -> Charged:
    """Bonus, balance, debt."""
    bonus = min(standing.bonus_minor, total_minor)
    balance = min(standing.balance_minor, total_minor - bonus)
    return Charged(bonus_minor=bonus, balance_minor=balance, debt_minor=total_minor - bonus - balance)


def charge_entries(charge: Charge, split: Charged) -> tuple[Entry, ...]:
    """The rider pays, revenue and tax receive."""
    rider = charge.rider_id
    return without_zeros(
        (
            Entry(kind=AccountKind.RIDER_BONUS, amount_minor=-split.bonus_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-split.balance_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-split.debt_minor, rider_id=rider),
            Entry(kind=AccountKind.REVENUE, amount_minor=charge.total_minor - charge.tax_minor),
            Entry(kind=AccountKind.TAX, amount_minor=charge.tax_minor),
        )
    )


def gift_entries(rider: RiderId, standing: Standing, amount_minor: int, kind: MoneyKind) -> tuple[Entry, ...]:
    """The rider receives, the operator's adjustments pay."""
    if kind is MoneyKind.BONUS:
        bonus, debt, balance = amount_minor, 0, 0
    else:
        debt = min(standing.debt_minor, amount_minor)
        bonus, balance = 0, amount_minor - debt
    return without_zeros(
        (
            Entry(kind=AccountKind.RIDER_BONUS, amount_minor=bonus, rider_id=rider),
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=debt, rider_id=rider),
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=balance, rider_id=rider),
            Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-amount_minor),
        )
    )


def may_move(amount_minor: int, currency: str) -> Refusal | None:
    """Refuses amounts that are none and those above what one posting moves."""
    return None if 0 < amount_minor <= MAX_AMOUNT_MINOR else amount_out_of_range(currency)


def may_charge(standing: Standing, total_minor: int) -> Refusal | None:
    """Refuses what the ledger cannot hold."""
    if standing.debt_minor + split_charge(standing, total_minor).debt_minor > MAX_BALANCE_MINOR:
        return wallet_limit_reached(standing.currency)
    return None


def may_add(standing: Standing, amount_minor: int, kind: MoneyKind) -> Refusal | None:
    """Refuses what the ledger cannot hold."""
    has = standing.bonus_minor if kind is MoneyKind.BONUS else standing.balance_minor
    if has + amount_minor > MAX_BALANCE_MINOR:
        return wallet_limit_reached(standing.currency)
    return None

"""In which order money is taken and given. Pure.

==========================  ===========================  ============================
what                        first                        what remains
==========================  ===========================  ============================
charge                      bonus, then balance          becomes debt
charge, on card             bonus, then balance          is awaited from the card
charge, not from bonus      balance                      becomes debt, or is awaited
credit (a card paid)        settles debt                 becomes balance
add money, BALANCE          settles debt                 becomes balance
add money, BONUS            becomes bonus                (nothing)
settle (debt beside money)  balance pays debt            stays as it is
==========================  ===========================  ============================

What a card is awaited for can become debt, and counts as debt against the limit of what the ledger holds.

Source: domain rules, section Wallet (spend order; a later top-up settles debt before it becomes spendable; bonus is
never money, so it settles nothing).
"""

from datetime import datetime, timedelta

from isotope.domain.tenants.model import PaymentSettings
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


def split_charge(standing: Standing, charge: Charge) -> Charged:
    """Bonus, balance, and the rest on the card or as debt."""
    bonus = min(standing.bonus_minor, charge.total_minor) if charge.from_bonus else 0
    balance = min(standing.balance_minor, charge.total_minor - bonus)
    rest = charge.total_minor - bonus - balance
    return Charged(
        bonus_minor=bonus,
        balance_minor=balance,
        debt_minor=0 if charge.on_card else rest,
        card_minor=rest if charge.on_card else 0,
    )


def charge_entries(charge: Charge, split: Charged) -> tuple[Entry, ...]:
    """The rider pays, revenue and tax receive."""
    rider = charge.rider_id
    return without_zeros(
        (
            Entry(kind=AccountKind.RIDER_BONUS, amount_minor=-split.bonus_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-split.balance_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=-split.debt_minor, rider_id=rider),
            Entry(kind=AccountKind.RIDER_IN_TRANSIT, amount_minor=-split.card_minor, rider_id=rider),
            Entry(kind=AccountKind.REVENUE, amount_minor=charge.total_minor - charge.tax_minor),
            Entry(kind=AccountKind.TAX, amount_minor=charge.tax_minor),
        )
    )


def credit_entries(rider_id: RiderId, standing: Standing, amount_minor: int) -> tuple[Entry, ...]:
    """The rider's sides of money that came in: it settles debt, the rest is balance. The other side is the caller's."""
    debt = min(standing.debt_minor, amount_minor)
    return without_zeros(
        (
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=debt, rider_id=rider_id),
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=amount_minor - debt, rider_id=rider_id),
        )
    )


def settle_entries(rider_id: RiderId, standing: Standing) -> tuple[Entry, ...]:
    """Balance pays debt; empty when the rider does not have both."""
    amount = min(standing.balance_minor, standing.debt_minor)
    return without_zeros(
        (
            Entry(kind=AccountKind.RIDER_BALANCE, amount_minor=-amount, rider_id=rider_id),
            Entry(kind=AccountKind.RIDER_DEBT, amount_minor=amount, rider_id=rider_id),
        )
    )


def gift_entries(rider: RiderId, standing: Standing, amount_minor: int, kind: MoneyKind) -> tuple[Entry, ...]:
    """The rider receives, the operator's adjustments pay."""
    received = (
        (Entry(kind=AccountKind.RIDER_BONUS, amount_minor=amount_minor, rider_id=rider),)
        if kind is MoneyKind.BONUS
        else credit_entries(rider, standing, amount_minor)
    )
    return *received, Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-amount_minor)


def bonus_expiry(settings: PaymentSettings, now: datetime) -> datetime | None:
    """When bonus that is given now ends; None: never."""
    return None if settings.bonus_days is None else now + timedelta(days=settings.bonus_days)


def may_move(amount_minor: int, currency: str) -> Refusal | None:
    """Refuses amounts that are none and those above what one posting moves."""
    return None if 0 < amount_minor <= MAX_AMOUNT_MINOR else amount_out_of_range(currency)


def may_charge(standing: Standing, charge: Charge) -> Refusal | None:
    """Refuses what the ledger cannot hold."""
    split = split_charge(standing, charge)
    awaited = max(0, -standing.in_transit_minor)
    if standing.debt_minor + awaited + split.debt_minor + split.card_minor > MAX_BALANCE_MINOR:
        return wallet_limit_reached(standing.currency)
    return None


def may_add(standing: Standing, amount_minor: int, kind: MoneyKind) -> Refusal | None:
    """Refuses what the ledger cannot hold."""
    has = standing.bonus_minor if kind is MoneyKind.BONUS else standing.balance_minor
    if has + amount_minor > MAX_BALANCE_MINOR:
        return wallet_limit_reached(standing.currency)
    return None

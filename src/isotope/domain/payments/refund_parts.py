"""Which parts of what paid something come back first. Pure.

What was owed, then card, balance, bonus. What was owed and what came from the balance goes where money goes that comes in
(debt first, then balance); the card's part goes back to the card, or there too if staff want it so; bonus becomes bonus
again and never money.

Source: domain rules, Wallet and Rental ("refund goes back by the way it was paid, bonus to bonus").
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """Where an amount came from, or is to go back to."""

    bonus_minor: int = 0
    balance_minor: int = 0
    card_minor: int = 0
    debt_minor: int = 0

    @property
    def total_minor(self) -> int:
        return self.bonus_minor + self.balance_minor + self.card_minor + self.debt_minor

    def minus(self, other: "Parts") -> "Parts":
        """What is left of it."""
        return Parts(
            bonus_minor=self.bonus_minor - other.bonus_minor,
            balance_minor=self.balance_minor - other.balance_minor,
            card_minor=self.card_minor - other.card_minor,
            debt_minor=self.debt_minor - other.debt_minor,
        )


def split_refund(left: Parts, amount_minor: int) -> Parts:
    """Which parts come back.

    Raises:
        ValueError: more than is left; a bug of the caller.
    """
    if not 0 <= amount_minor <= left.total_minor:
        raise ValueError(f"{amount_minor} of {left.total_minor}")
    debt = min(left.debt_minor, amount_minor)
    card = min(left.card_minor, amount_minor - debt)
    balance = min(left.balance_minor, amount_minor - debt - card)
    return Parts(
        debt_minor=debt, card_minor=card, balance_minor=balance, bonus_minor=amount_minor - debt - card - balance
    )

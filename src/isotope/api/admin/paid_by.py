"""Which parts paid something, or what was given back became, as staff see it."""

from isotope.api.admin.ride_money_types import PaidBy
from isotope.kernel.money import to_decimal


def paid_by(currency: str, *, bonus: int = 0, balance: int, card: int, pending: int, debt: int) -> PaidBy:
    """Of amounts in minor units."""
    return PaidBy(
        bonus=to_decimal(bonus, currency),
        balance=to_decimal(balance, currency),
        card=to_decimal(card, currency),
        card_pending=to_decimal(pending, currency),
        debt=to_decimal(debt, currency),
    )

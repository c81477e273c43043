"""Amounts of requests."""

from decimal import Decimal

from isotope.kernel.errors import Fault, invalid
from isotope.kernel.money import exponent, to_minor


def amount_minor_of(amount: Decimal, currency: str, field: str = "amount") -> int:
    """In the currency's minor unit.

    Raises:
        Refusal: `validation_failed`.
    """
    try:
        return to_minor(amount, currency)
    except ValueError:
        decimals = exponent(currency)
        raise invalid(Fault(field, f"an amount of at most {decimals} decimals is expected")) from None

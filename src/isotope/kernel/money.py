"""Money: integer minor units and an ISO 4217 currency. Never a float, never two currencies in one sum."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Final

# Currencies whose minor unit is not a hundredth (ISO 4217).
_EXPONENTS: Final = dict.fromkeys(
    (
        "BIF",
        "CLP",
        "DJF",
        "GNF",
        "ISK",
        "JPY",
        "KMF",
        "KRW",
        "PYG",
        "RWF",
        "UGX",
        "UYI",
        "VND",
        "VUV",
        "XAF",
        "XOF",
        "XPF",
    ),
    0,
) | dict.fromkeys(("BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"), 3)


def exponent(currency: str) -> int:
    """How many decimals the currency has: 0 for JPY, 2 for EUR, 3 for KWD."""
    return _EXPONENTS.get(currency, 2)


def to_decimal(amount_minor: int, currency: str) -> Decimal:
    """For the HTTP edge: 150 EUR minor units are `Decimal("1.50")`."""
    return Decimal(amount_minor).scaleb(-exponent(currency))


def to_minor(amount: Decimal, currency: str) -> int:
    """From the HTTP edge.

    Raises:
        ValueError: the amount is not finite or has more decimals than the currency.
    """
    if not amount.is_finite():
        raise ValueError("not a finite amount")
    scaled = amount.scaleb(exponent(currency))
    if scaled != scaled.to_integral_value():
        raise ValueError(f"{currency} has {exponent(currency)} decimals")
    return int(scaled)


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount of one currency."""

    amount_minor: int
    currency: str

    def __add__(self, other: "Money") -> "Money":
        return Money(self.amount_minor + self._same(other), self.currency)

    def __sub__(self, other: "Money") -> "Money":
        return Money(self.amount_minor - self._same(other), self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.amount_minor, self.currency)

    def _same(self, other: "Money") -> int:
        if other.currency != self.currency:
            raise ValueError(f"{self.currency} and {other.currency} do not add")
        return other.amount_minor

    def to_decimal(self) -> Decimal:
        return to_decimal(self.amount_minor, self.currency)

    def text(self) -> str:
        """`1.50 EUR`: exact, for receipts and messages."""
        return f"{self.to_decimal():f} {self.currency}"

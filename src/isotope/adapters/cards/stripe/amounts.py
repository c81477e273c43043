"""Amounts as Stripe counts them. Pure. Source: docs.stripe.com/currencies, minor units and special cases.

| currency | our minor unit (ISO 4217) | Stripe's | ours to Stripe's |
|---|---|---|---|
| EUR and most | hundredth | hundredth | the same |
| JPY and other zero-decimal ones | whole | whole | the same |
| ISK, UGX | whole | hundredth, always of a whole | times 100 |
| MGA | hundredth | whole | divided by 100, must be whole |
| KWD, BHD, JOD, OMR, TND | thousandth | thousandth, last digit 0 | the same, must be a multiple of 10 |
"""

from typing import Final

_HUNDREDTHS_AT_STRIPE: Final = frozenset({"ISK", "UGX"})
_WHOLE_AT_STRIPE: Final = frozenset({"MGA"})
_THOUSANDTHS: Final = frozenset({"BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"})
_HUNDRED: Final = 100
_TEN: Final = 10


class AmountNotPossible(Exception):  # noqa: N818 - an outcome that callers handle
    """Stripe has no way to say this amount."""


def to_stripe(amount_minor: int, currency: str) -> int:
    """What Stripe is told for an amount of ours.

    Raises:
        AmountNotPossible: it is finer than what Stripe moves in this currency.
    """
    if currency in _HUNDREDTHS_AT_STRIPE:
        return amount_minor * _HUNDRED
    if currency in _WHOLE_AT_STRIPE:
        return _divided(amount_minor, _HUNDRED, currency)
    if currency in _THOUSANDTHS:
        return _divided(amount_minor, _TEN, currency) * _TEN
    return amount_minor


def from_stripe(amount: int, currency: str) -> int:
    """What an amount of Stripe's is for us.

    Raises:
        AmountNotPossible: it is finer than our minor unit.
    """
    if currency in _HUNDREDTHS_AT_STRIPE:
        return _divided(amount, _HUNDRED, currency)
    return amount * _HUNDRED if currency in _WHOLE_AT_STRIPE else amount


def _divided(amount: int, by: int, currency: str) -> int:
    whole, rest = divmod(amount, by)
    if rest:
        raise AmountNotPossible(f"{currency} moves in steps of {by} at Stripe")
    return whole

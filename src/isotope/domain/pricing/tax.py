"""Tax: rounded once per rate on a bill, and shared out exactly when only a part of it is given back."""

from collections.abc import Iterable, Sequence
from decimal import Decimal
from fractions import Fraction

from isotope.domain.pricing.model import TaxLine


def same_rate(rate: str) -> str:
    """The one way of writing a rate: `0.10` and `0.1` are taxed together."""
    return f"{Decimal(rate).normalize():f}"


def tax_lines(amounts: Iterable[tuple[str, int]], *, inclusive: bool) -> tuple[TaxLine, ...]:
    """The tax of a bill: one line a rate, by rising rate, each rounded half up once.

    Args:
        amounts: (rate, amount in minor units, not negative), in any order; amounts of one rate are summed first.
        inclusive: whether the amounts contain the tax.

    ==========  ===========================  ==============  ===============
    amounts     tax                          net             gross
    ==========  ===========================  ==============  ===============
    inclusive   amount * rate / (1 + rate)   amount - tax    amount
    exclusive   amount * rate                amount          amount + tax
    ==========  ===========================  ==============  ===============
    """
    sums: dict[str, int] = {}
    for rate, amount_minor in amounts:
        key = same_rate(rate)
        sums[key] = sums.get(key, 0) + amount_minor
    return tuple(_tax_line(rate, sums[rate], inclusive=inclusive) for rate in sorted(sums, key=Decimal))


def proportional_tax(taxes: Sequence[TaxLine], refunded_before_minor: int, amount_minor: int) -> tuple[TaxLine, ...]:
    """What of each rate is in the next `amount_minor` that is given back, after `refunded_before_minor` was.

    Each refund is the difference of two roundings of the whole, so a row of partial refunds up to the total gives
    back exactly the tax that was charged, per rate; none is ever negative. Rates that get nothing are left out.

    Args:
        taxes: of the bill that is being refunded.
        refunded_before_minor: given back earlier, tax included.
        amount_minor: given back now, tax included.

    Raises:
        ValueError: less than nothing, or more than is left, would be given back.
    """
    total_minor = sum(tax.gross_minor for tax in taxes)
    if refunded_before_minor < 0 or not 0 <= amount_minor <= total_minor - refunded_before_minor:
        raise ValueError(f"cannot refund {amount_minor} after {refunded_before_minor} of {total_minor}")
    before = _shared_out(taxes, refunded_before_minor)
    after = _shared_out(taxes, refunded_before_minor + amount_minor)
    parts = (_part(tax, old, new) for tax, old, new in zip(taxes, before, after, strict=True))
    return tuple(part for part in parts if part.gross_minor)


def round_half_up(exact: Fraction) -> int:
    """Of a non-negative amount in minor units: 0.5 becomes 1."""
    return (2 * exact.numerator + exact.denominator) // (2 * exact.denominator)


def _tax_line(rate: str, amount_minor: int, *, inclusive: bool) -> TaxLine:
    exact = Fraction(rate)
    if inclusive:
        tax_minor = round_half_up(amount_minor * exact / (1 + exact))
        net_minor = amount_minor - tax_minor
    else:
        tax_minor = round_half_up(amount_minor * exact)
        net_minor = amount_minor
    return TaxLine(rate=rate, net_minor=net_minor, tax_minor=tax_minor, gross_minor=net_minor + tax_minor)


def _shared_out(taxes: Sequence[TaxLine], amount_minor: int) -> list[int]:
    """The amount parted among the rates as their gross amounts are, in whole minor units that sum to it.

    By highest quotients (d'Hondt): with a larger amount no rate ever gets less, which largest remainders cannot say,
    and the whole amount gives each its whole.
    """
    total_minor = sum(tax.gross_minor for tax in taxes)
    if total_minor == 0:
        return [0] * len(taxes)
    # Nobody gets less than the whole part of its share, so that only the rest, less than one each, is given singly.
    shares = [amount_minor * tax.gross_minor // total_minor for tax in taxes]
    for _ in range(amount_minor - sum(shares)):
        best = max(range(len(taxes)), key=lambda nr: Fraction(taxes[nr].gross_minor, shares[nr] + 1))
        shares[best] += 1
    return shares


def _part(tax: TaxLine, before_minor: int, after_minor: int) -> TaxLine:
    tax_minor = _tax_within(tax, after_minor) - _tax_within(tax, before_minor)
    gross_minor = after_minor - before_minor
    return TaxLine(rate=tax.rate, net_minor=gross_minor - tax_minor, tax_minor=tax_minor, gross_minor=gross_minor)


def _tax_within(tax: TaxLine, gross_minor: int) -> int:
    return round_half_up(Fraction(gross_minor * tax.tax_minor, tax.gross_minor)) if gross_minor else 0

"""Lines of a bill, and what they say."""

from typing import Final

from isotope.domain.pricing.model import Line, Unit
from isotope.domain.pricing.tiers import Portion
from isotope.domain.pricing.words import Words

# Of these what costs nothing is shown, and called free.
_FREE: Final = frozenset({"ride_minutes", "pause_minutes", "km"})
# Lines whose text needs nothing but the catalogue; what a correction is called does not either.
_BARE: Final = frozenset(
    {
        *_FREE,
        "unlock",
        "minimum",
        "ride_cap",
        "day_cap",
        "reservation_credit",
        "refund",
        "failed_ride",
        "late_report",
        "booking_cancelled",
        "early_return",
        "rental_months",
        "rental_weeks",
        "rental_days",
        "rental_hours",
        "rental_minutes",
        "rental_extension",
        "rental_late_fee",
        "rental_energy",
        "rental_energy_service",
        "rental_claim",
        "taxi_base",
        "taxi_minimum",
        "taxi_schedule",
        "taxi_cancel_fee",
        "taxi_no_show_fee",
    }
)
_CORRECTION: Final = "correction_"


def line(
    words: Words,
    code: str,
    portion: Portion,
    unit: Unit = "once",
    tax_rate: str | None = None,
    **params: str | int,
) -> Line:
    """`params` are what the code's text is filled in with; they are kept, for readers of another language."""
    return Line(
        code=code,
        text=_text(words, code, portion.unit_price_minor, params),
        unit=unit,
        quantity=portion.quantity,
        unit_price_minor=portion.unit_price_minor,
        amount_minor=portion.amount_minor,
        tax_rate=tax_rate,
        params=params,
    )


def line_text(stored: Line, words: Words) -> str:
    """What a stored line says to its reader.

    ================================================  ========================================
    it has params, or its code needs none             the catalogue's text for its code
    else: a reason, a title, a line without params    as it was stored
    ================================================  ========================================
    """
    if stored.params or stored.code in _BARE or stored.code.startswith(_CORRECTION):
        return _text(words, stored.code, stored.unit_price_minor, stored.params)
    return stored.text


def _text(words: Words, code: str, unit_price_minor: int, params: dict[str, str | int]) -> str:
    is_free = code in _FREE and unit_price_minor == 0
    return words(f"line_{code}_free" if is_free else f"line_{code}", **params)

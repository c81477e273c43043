"""Room: pricing. Pure: what a ride costs is a function of its tariff and of what was recorded.

`usage` reads the meter, `bill` prices it (running price, final bill and quote alike), `quote_texts` tells a tariff.
"""

from isotope.domain.pricing.meter import usage
from isotope.domain.pricing.model import (
    AddonKind,
    AddonPrice,
    Bill,
    Line,
    Quote,
    QuoteItem,
    Tariff,
    Tier,
    Usage,
    UsageEvent,
    UsageKind,
)
from isotope.domain.pricing.quote import quote_texts
from isotope.domain.pricing.rules import bill, minutes
from isotope.domain.pricing.words import Words, english

__all__ = [
    "AddonKind",
    "AddonPrice",
    "Bill",
    "Line",
    "Quote",
    "QuoteItem",
    "Tariff",
    "Tier",
    "Usage",
    "UsageEvent",
    "UsageKind",
    "Words",
    "bill",
    "english",
    "minutes",
    "quote_texts",
    "usage",
]

"""Room: pricing. Pure: what a ride costs is a function of its tariff and of what was recorded.

`usage` reads the meter, `bill` prices it (running price, final bill and quote alike), `quote_texts` tells a tariff,
`proportional_tax` says what tax is in a part of a bill that is given back.
"""

from isotope.domain.pricing.meter import usage
from isotope.domain.pricing.model import (
    AddonKind,
    AddonPrice,
    Agreed,
    AgreedPackage,
    AgreedSubscription,
    AppliedSurcharge,
    AtEnd,
    Bill,
    Correction,
    Discount,
    KmTier,
    Line,
    Quota,
    Quote,
    QuoteItem,
    ReservationFee,
    Surcharge,
    Tariff,
    TaxLine,
    Tier,
    Usage,
    UsageEvent,
    UsageKind,
    ZoneCharge,
    rate_pct,
)
from isotope.domain.pricing.quote import quote_texts
from isotope.domain.pricing.rules import NOTHING_AT_END, bill, minutes
from isotope.domain.pricing.tax import proportional_tax, same_rate, tax_lines
from isotope.domain.pricing.words import Words, english

__all__ = [
    "NOTHING_AT_END",
    "AddonKind",
    "AddonPrice",
    "Agreed",
    "AgreedPackage",
    "AgreedSubscription",
    "AppliedSurcharge",
    "AtEnd",
    "Bill",
    "Correction",
    "Discount",
    "KmTier",
    "Line",
    "Quota",
    "Quote",
    "QuoteItem",
    "ReservationFee",
    "Surcharge",
    "Tariff",
    "TaxLine",
    "Tier",
    "Usage",
    "UsageEvent",
    "UsageKind",
    "Words",
    "ZoneCharge",
    "bill",
    "english",
    "minutes",
    "proportional_tax",
    "quote_texts",
    "rate_pct",
    "same_rate",
    "tax_lines",
    "usage",
]

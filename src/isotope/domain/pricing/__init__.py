"""Room: pricing. Pure: what a ride costs is a function of its tariff and of what was recorded.

`usage` reads the meter, `bill` prices it (running price, final bill and quote alike), `least` is what a ride costs as
it begins, `quote_texts` tells a price before the ride, `surcharges_in_force` says which surcharges it would begin with,
`proportional_tax` says what tax is in a part of a bill that is given back.
"""

from isotope.domain.pricing.lines import line_text
from isotope.domain.pricing.meter import usage
from isotope.domain.pricing.model import (
    LINE_CODES,
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
from isotope.domain.pricing.quote import package_items, quote_texts
from isotope.domain.pricing.rules import NOTHING_AT_END, bill, least
from isotope.domain.pricing.surcharges import surcharges_in_force
from isotope.domain.pricing.tax import proportional_tax, same_rate, tax_lines
from isotope.domain.pricing.tiers import free_minutes, kilometres, minutes
from isotope.domain.pricing.words import Words, english

__all__ = [
    "LINE_CODES",
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
    "free_minutes",
    "kilometres",
    "least",
    "line_text",
    "minutes",
    "package_items",
    "proportional_tax",
    "quote_texts",
    "rate_pct",
    "same_rate",
    "surcharges_in_force",
    "tax_lines",
    "usage",
]

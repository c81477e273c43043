"""Which surcharges a ride begins with."""

from collections.abc import Collection
from datetime import datetime

from isotope.domain.pricing.model import AppliedSurcharge, Tariff
from isotope.kernel.time_windows import is_open


def surcharges_in_force(tariff: Tariff, local: datetime, zones: Collection[str]) -> tuple[AppliedSurcharge, ...]:
    """All that fit time and place, in the tariff's order.

    Args:
        tariff: of the ride.
        local: the instant by the operator's clock.
        zones: refs of the zones in which the vehicle stands and that are in force.

    =======================  ====================================
    a surcharge's windows    none, or one of them is open
    a surcharge's zones      none, or the vehicle stands in one
    =======================  ====================================
    """
    return tuple(
        AppliedSurcharge(
            title=surcharge.title,
            pct=surcharge.pct,
            amount_minor=surcharge.amount_minor,
            per_minute_minor=surcharge.per_minute_minor,
        )
        for surcharge in tariff.surcharges
        if is_open(surcharge.windows, local) and (not surcharge.zones or not set(surcharge.zones).isdisjoint(zones))
    )

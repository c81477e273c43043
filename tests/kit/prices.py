"""Random tariffs, agreements and rides, for Hypothesis."""

from collections.abc import Callable
from decimal import Decimal
from typing import TypeVar

from hypothesis import strategies as st

from isotope.domain.pricing import (
    AddonKind,
    AddonPrice,
    Agreed,
    AgreedPackage,
    AgreedSubscription,
    AppliedSurcharge,
    AtEnd,
    Correction,
    Discount,
    KmTier,
    Quota,
    ReservationFee,
    Tariff,
    Tier,
    Usage,
    ZoneCharge,
)

T = TypeVar("T")

prices = st.one_of(st.integers(0, 500), st.integers(0, 1_000_000_000))
seconds = st.one_of(st.integers(0, 1_500), st.integers(0, 10**9))
metres = st.one_of(st.integers(0, 25_000), st.integers(0, 10**8))
rates = st.integers(0, 1_000_000).map(lambda millionths: f"{Decimal(millionths) / 1_000_000:f}")
own_rates = st.none() | st.sampled_from(["0", "0.1", "0.10"]) | rates
percents = st.integers(0, 100)
units = st.one_of(st.integers(0, 25), st.integers(0, 1_000_000))


@st.composite
def tiers(draw: st.DrawFn, make: Callable[[int | None, int], T], *, least: int) -> tuple[T, ...]:
    """Tiers that rise and end with an open one; the first ones are often free."""
    bounds = sorted(draw(st.sets(st.integers(1, 20), max_size=4)))
    if least == 0 and draw(st.booleans()):
        return ()
    price = st.just(0) | prices
    return (*(make(bound, draw(price)) for bound in bounds), make(None, draw(price)))


def minute_tier(upto: int | None, price_minor: int) -> Tier:
    return Tier(upto_min=upto, price_minor=price_minor)


def km_tier(upto: int | None, price_minor: int) -> KmTier:
    return KmTier(upto_km=upto, price_minor=price_minor)


@st.composite
def tariffs(draw: st.DrawFn) -> Tariff:
    minimum, ride_cap, day_cap = sorted(draw(st.lists(prices, min_size=3, max_size=3)))
    return Tariff(
        unlock_minor=draw(prices),
        minute_tiers=draw(tiers(minute_tier, least=1)),
        pause_tiers=draw(tiers(minute_tier, least=0)),
        km_tiers=draw(tiers(km_tier, least=0)),
        minimum_minor=draw(st.sampled_from([0, minimum])),
        ride_cap_minor=draw(st.sampled_from([None, ride_cap])),
        day_cap_minor=draw(st.sampled_from([None, day_cap])),
        tax_rate=draw(rates),
        tax_inclusive=draw(st.booleans()),
    )


addons = st.lists(
    st.builds(
        AddonPrice,
        kind=st.sampled_from(AddonKind),
        price_minor=prices,
        title=st.sampled_from(["Helmet", "Child seat"]),
        tax_rate=own_rates,
    ),
    max_size=3,
)
quotas = st.builds(Quota, unlocks=st.integers(0, 2), ride_min=units, pause_min=units, km=units)
surcharges = st.lists(
    st.builds(
        AppliedSurcharge,
        title=st.just("Night"),
        pct=st.integers(0, 500),
        amount_minor=prices,
        per_minute_minor=prices,
    ),
    max_size=2,
)
discounts = st.lists(
    st.builds(
        Discount, kind=st.sampled_from(["group", "promo"]), id=st.just(1), title=st.just("Students"), pct=percents
    ),
    max_size=3,
)
packages = st.builds(
    AgreedPackage, id=st.just(1), title=st.just("Half hour"), price_minor=prices, quota=quotas, tax_rate=own_rates
)
subscriptions = st.builds(AgreedSubscription, id=st.just(1), title=st.just("Commuter"), pct=percents)
reservations = st.builds(
    ReservationFee, id=st.just(1), minutes=st.integers(0, 60), amount_minor=prices, credited=st.booleans()
)
agreements = st.builds(
    Agreed,
    tariff=tariffs(),
    addons=addons.map(tuple),
    surcharges=surcharges.map(tuple),
    package=st.none() | packages,
    subscription=st.none() | subscriptions,
    discounts=discounts.map(tuple),
    free_minutes_used=st.integers(0, 25),
    reservation=st.none() | reservations,
)

usages = st.builds(Usage, ride_s=seconds, pause_s=seconds, distance_m=metres)
short_usages = st.builds(
    Usage, ride_s=st.integers(0, 1_800), pause_s=st.integers(0, 1_800), distance_m=st.integers(0, 30_000)
)
zone_charges = st.lists(
    st.builds(
        ZoneCharge,
        code=st.sampled_from(["paid_parking", "parking_fine"]),
        title=st.just("Harbour"),
        amount_minor=prices,
        tax_rate=own_rates,
    ),
    max_size=2,
)
corrections = st.builds(
    Correction, code=st.sampled_from(["failed_ride", "repark_grace"]), counted=st.none() | short_usages | usages
)
ends = st.builds(
    AtEnd,
    zone_charges=zone_charges.map(tuple),
    quota_left=quotas,
    spent_today_minor=prices,
    correction=st.none() | corrections,
)

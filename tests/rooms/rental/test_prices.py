"""What rentals cost, by tables."""

from datetime import UTC, datetime, timedelta

import msgspec
import pytest

from isotope.domain.pricing import english
from isotope.domain.rental.model import (
    AddonKind,
    AgreedRentalAddon,
    AgreedRentalPackage,
    BookingPrice,
    BookingTerms,
    CancelTier,
    Interval,
    Rates,
    RentalAddonId,
    RentalAddonSpec,
    RentalPackageId,
    RentalPackageSpec,
    RentalTariff,
)
from isotope.domain.rental.prices import (
    SettlementFacts,
    booking_price,
    cancel_fee_minor,
    early_return_minor,
    extension_price,
    no_show_fee_minor,
    settlement_price,
)
from isotope.domain.rental.rates import spans
from tests.rooms.rental.bookings import START, TERMS

HOUR = timedelta(hours=1)
FULL = Rates(minute_minor=20, hour_minor=1_000, day_minor=4_000, week_minor=20_000, month_minor=60_000)


def agreed(asked: Rates | None = None, *, package: RentalPackageSpec | None = None, **tariff: object) -> BookingTerms:
    """TERMS with another tariff, and a package of this kind."""
    return msgspec.structs.replace(
        TERMS,
        tariff=RentalTariff(rates=asked or TERMS.tariff.rates, **tariff),  # type: ignore[arg-type]
        package=None if package is None else AgreedRentalPackage(id=RentalPackageId(1), title="Weekend", spec=package),
    )


def hours(count: float) -> Interval:
    return Interval(START, START + count * HOUR)


def told(price: BookingPrice | None) -> list[tuple[str, int, int]]:
    return [] if price is None else [(line.code, line.quantity, line.amount_minor) for line in price.lines]


@pytest.mark.parametrize(
    ("asked", "length", "expected"),
    [
        (Rates(hour_minor=1_000, day_minor=4_000), 30, [("rental_days", 2, 8_000)]),
        (Rates(hour_minor=1_000, day_minor=4_000), 27, [("rental_days", 1, 4_000), ("rental_hours", 3, 3_000)]),
        # The same price: one line is told sooner than two.
        (Rates(hour_minor=1_000, day_minor=4_000), 28, [("rental_days", 2, 8_000)]),
        (Rates(hour_minor=1_000, day_minor=4_000), 4, [("rental_days", 1, 4_000)]),
        (Rates(hour_minor=1_000), 30, [("rental_hours", 30, 30_000)]),
        (Rates(hour_minor=1_000), 0.01, [("rental_hours", 1, 1_000)]),
        (Rates(day_minor=4_000), 24.1, [("rental_days", 2, 8_000)]),
        (Rates(minute_minor=20), 1.5, [("rental_minutes", 90, 1_800)]),
        (Rates(week_minor=20_000), 1, [("rental_weeks", 1, 20_000)]),
        (Rates(month_minor=60_000), 24 * 31, [("rental_months", 1, 60_000)]),
        (Rates(month_minor=60_000), 24 * 31 + 1, [("rental_months", 2, 120_000)]),
        (FULL, 0.5, [("rental_minutes", 30, 600)]),
        (FULL, 1.25, [("rental_hours", 1, 1_000), ("rental_minutes", 15, 300)]),
        (FULL, 24 * 6, [("rental_weeks", 1, 20_000)]),
        (FULL, 24 * 8, [("rental_weeks", 1, 20_000), ("rental_days", 1, 4_000)]),
        (FULL, 24 * 22, [("rental_months", 1, 60_000)]),
        (FULL, 24 * 32 + 1, [("rental_months", 1, 60_000), ("rental_days", 1, 4_000), ("rental_hours", 1, 1_000)]),
        (Rates(hour_minor=0), 5, [("rental_hours", 5, 0)]),
    ],
)
def test_the_price_of_time(asked: Rates, length: float, expected: list[tuple[str, int, int]]) -> None:
    assert told(booking_price(agreed(asked), hours(length), english)) == expected


@pytest.mark.parametrize(
    ("zone", "start", "end", "expected"),
    [
        # Spring and autumn: a day is a day, of 23 and of 25 hours; hours are as many as pass.
        ("Europe/Helsinki", "2026-03-28T10:00+02:00", "2026-03-29T10:00+03:00", [("rental_days", 1)]),
        ("Europe/Helsinki", "2026-10-24T10:00+03:00", "2026-10-25T10:00+02:00", [("rental_days", 1)]),
        (
            "Europe/Helsinki",
            "2026-10-24T10:00+03:00",
            "2026-10-25T11:00+02:00",
            [("rental_days", 1), ("rental_hours", 1)],
        ),
        ("Europe/Helsinki", "2026-03-29T02:00+02:00", "2026-03-29T05:00+03:00", [("rental_hours", 2)]),
        ("Europe/Helsinki", "2026-10-25T02:00+03:00", "2026-10-25T04:00+02:00", [("rental_hours", 3)]),
        # 03:30 does not exist on the 29th: the day ends at 04:30.
        ("Europe/Helsinki", "2026-03-28T03:30+02:00", "2026-03-29T04:30+03:00", [("rental_days", 1)]),
        # 03:30 comes twice on the 25th: the day ends at the first.
        ("Europe/Helsinki", "2026-10-24T03:30+03:00", "2026-10-25T03:30+03:00", [("rental_days", 1)]),
        (
            "Europe/Helsinki",
            "2026-10-24T03:30+03:00",
            "2026-10-25T03:30+02:00",
            [("rental_days", 1), ("rental_hours", 1)],
        ),
        ("America/New_York", "2026-03-07T12:00-05:00", "2026-03-08T12:00-04:00", [("rental_days", 1)]),
        ("America/New_York", "2026-10-31T12:00-04:00", "2026-11-01T12:00-05:00", [("rental_days", 1)]),
        ("America/New_York", "2026-11-01T01:30-04:00", "2026-11-01T01:30-05:00", [("rental_hours", 1)]),
        # Half an hour on Lord Howe: a started hour more, or less.
        ("Australia/Lord_Howe", "2026-10-03T12:00+10:30", "2026-10-04T12:00+11:00", [("rental_days", 1)]),
        ("Australia/Lord_Howe", "2026-04-04T12:00+11:00", "2026-04-05T12:00+10:30", [("rental_days", 1)]),
        ("Australia/Lord_Howe", "2026-04-05T01:00+11:00", "2026-04-05T03:00+10:30", [("rental_hours", 3)]),
        ("Australia/Lord_Howe", "2026-10-04T01:00+10:30", "2026-10-04T03:00+11:00", [("rental_hours", 2)]),
        # Months end on the last day that there is.
        ("Europe/Helsinki", "2026-01-31T10:00+02:00", "2026-02-28T10:00+02:00", [("rental_months", 1)]),
        (
            "Europe/Helsinki",
            "2026-02-28T10:00+02:00",
            "2026-03-31T10:00+03:00",
            [("rental_months", 1), ("rental_days", 3)],
        ),
    ],
)
def test_days_on_which_clocks_are_changed(zone: str, start: str, end: str, expected: list[tuple[str, int]]) -> None:
    terms = msgspec.structs.replace(
        agreed(Rates(hour_minor=1_000, day_minor=9_000, month_minor=90_000)), time_zone=zone
    )
    interval = Interval(datetime.fromisoformat(start).astimezone(UTC), datetime.fromisoformat(end).astimezone(UTC))
    assert [line[:2] for line in told(booking_price(terms, interval, english))] == expected


@pytest.mark.parametrize(
    ("length", "expected"),
    [
        (2, [("rental_package", 1, 9_000)]),
        (48, [("rental_package", 1, 9_000)]),
        (49, [("rental_package", 1, 9_000), ("rental_hours", 1, 1_000)]),
        (78, [("rental_package", 1, 9_000), ("rental_days", 2, 8_000)]),
    ],
)
def test_a_package_covers_its_hours(length: int, expected: list[tuple[str, int, int]]) -> None:
    terms = agreed(package=RentalPackageSpec(price_minor=9_000, hours=48))
    interval = hours(length)
    assert told(booking_price(terms, interval, english)) == expected
    assert booking_price(terms, interval, english, spans(interval, terms.time_zone)) == booking_price(
        terms, interval, english
    )


def test_addons_are_paid_once_or_by_started_day_each_with_its_tax() -> None:
    addons = (
        RentalAddonSpec(kind=AddonKind.FIXED, price_minor=500),
        RentalAddonSpec(kind=AddonKind.PER_DAY, price_minor=300, tax_rate="0.14"),
    )
    terms = msgspec.structs.replace(
        agreed(tax_rate="0.25", tax_inclusive=False),
        addons=tuple(
            AgreedRentalAddon(id=RentalAddonId(nr), title=f"Add-on {nr}", spec=spec) for nr, spec in enumerate(addons)
        ),
    )
    price = booking_price(terms, hours(49), english)
    assert told(price) == [
        ("rental_days", 2, 8_000),
        ("rental_hours", 1, 1_000),
        ("rental_addon", 1, 500),
        ("rental_addon_days", 3, 900),
        ("tax", 1, 126),
        ("tax", 1, 2_375),
    ]
    assert (price.net_minor, price.tax_minor, price.total_minor) == (10_400, 2_501, 12_901)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (30, 31, []),
        (27, 28, [("rental_extension", 1, 1_000)]),
        (24, 48, [("rental_extension", 1, 4_000)]),
    ],
)
def test_more_time_costs_the_difference(old: int, new: int, expected: list[tuple[str, int, int]]) -> None:
    assert told(extension_price(agreed(), hours(old), START + new * HOUR, english)) == expected


def used(**changes: object) -> SettlementFacts:
    """49 hours booked, and used as agreed; `changes` stand instead."""
    facts: dict[str, object] = {
        "booked": hours(49),
        "picked_up_at": START,
        "returned_at": START + 49 * HOUR,
        "distance_m": 10_000,
        "energy_missing_pct": 0,
    }
    return SettlementFacts(**(facts | changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (used(), []),
        (used(distance_m=None, energy_missing_pct=None), []),
        # 3 started days of 100 km each.
        (used(distance_m=300_000), []),
        (used(distance_m=300_001), [("rental_km", 1, 30)]),
        (used(distance_m=312_000), [("rental_km", 12, 360)]),
        (used(energy_missing_pct=10), []),
        (used(energy_missing_pct=13), [("rental_energy", 3, 150), ("rental_energy_service", 1, 1_500)]),
        (used(energy_missing_pct=-20), []),
        (used(returned_at=START + 40 * HOUR), []),
        (used(returned_at=START + 49.25 * HOUR), []),
        # Later than the grace all that is late is paid: a started hour, at 150 %.
        (used(returned_at=START + 49.3 * HOUR), [("rental_late", 1, 1_500), ("rental_late_fee", 1, 2_500)]),
        (used(returned_at=START + 55 * HOUR), [("rental_late", 1, 6_000), ("rental_late_fee", 1, 2_500)]),
    ],
)
def test_what_comes_up_by_the_end(facts: SettlementFacts, expected: list[tuple[str, int, int]]) -> None:
    terms = agreed(
        included_km_per_day=100,
        km_minor=30,
        energy_pct_minor=50,
        energy_service_minor=1_500,
        late_fee_minor=2_500,
    )
    assert told(settlement_price(terms, facts, english)) == expected


def test_kilometres_of_a_package_stand_instead_of_the_tariffs() -> None:
    terms = agreed(
        included_km_per_day=100, km_minor=30, package=RentalPackageSpec(price_minor=1, hours=48, included_km=9)
    )
    assert told(settlement_price(terms, used(), english)) == [("rental_km", 1, 30)]
    without = agreed(included_km_per_day=100, km_minor=30, package=RentalPackageSpec(price_minor=1, hours=48))
    assert settlement_price(without, used(), english) is None


@pytest.mark.parametrize(
    ("minutes_before", "fee_minor"),
    [(3_000, 1_000), (2_880, 1_000), (2_879, 5_001), (60, 5_001), (59, 10_001), (1, 10_001), (0, 10_001), (-5, 10_001)],
)
def test_the_fee_of_a_cancel(minutes_before: int, fee_minor: int) -> None:
    terms = agreed(cancel=(CancelTier(before_min=2_880, fee_pct=10), CancelTier(before_min=60, fee_pct=50)))
    assert cancel_fee_minor(terms, 10_001, START, START - timedelta(minutes=minutes_before)) == fee_minor


def test_the_fee_when_it_has_begun_is_all_whatever_the_tiers_say() -> None:
    terms = agreed(cancel=(CancelTier(before_min=0, fee_pct=0),))
    assert cancel_fee_minor(terms, 9_000, START, START - timedelta(seconds=1)) == 0
    assert cancel_fee_minor(terms, 9_000, START, START) == 9_000


def test_what_is_kept_when_nobody_comes() -> None:
    assert no_show_fee_minor(agreed(no_show_pct=75), 1_001) == 751
    assert no_show_fee_minor(agreed(), 1_001) == 1_001


@pytest.mark.parametrize(
    ("used_hours", "pct", "back_minor"),
    [(48, 50, 0), (50, 50, 0), (47, 50, 0), (24, 50, 2_000), (24, 0, 0), (25, 33, 990), (-1, 100, 7_000)],
)
def test_what_an_early_return_gives_back(used_hours: int, pct: int, back_minor: int) -> None:
    terms = agreed(early_return_pct=pct)
    assert early_return_minor(terms, hours(48), START + used_hours * HOUR) == back_minor

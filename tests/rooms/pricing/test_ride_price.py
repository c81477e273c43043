"""Each rule of a ride's price, row by row."""

from typing import Any

import msgspec
import pytest

from isotope.domain.pricing import (
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
    Quota,
    ReservationFee,
    Tariff,
    Tier,
    Usage,
    ZoneCharge,
    bill,
    free_minutes,
    kilometres,
    least,
)

# 3 minutes free, then 0.20 up to minute 6, then 0.10.
TIERS = (Tier(upto_min=3, price_minor=0), Tier(upto_min=6, price_minor=20), Tier(price_minor=10))
FLAT = (Tier(price_minor=20),)
FREE = (Tier(price_minor=0),)
KM = (KmTier(upto_km=2, price_minor=0), KmTier(upto_km=4, price_minor=30), KmTier(price_minor=15))
EIGHT_MINUTES = Usage(ride_s=480, pause_s=0)
TEN_MINUTES = Usage(ride_s=600, pause_s=0)


def tariff(minute_tiers: tuple[Tier, ...] = FLAT, **fields: Any) -> Tariff:
    return Tariff(minute_tiers=minute_tiers, **fields)


def package(price_minor: int = 300, **quota: int) -> AgreedPackage:
    return AgreedPackage(id=1, title="Half hour", price_minor=price_minor, quota=Quota(**quota))


def group(pct: int) -> Discount:
    return Discount(kind="group", id=1, title="Students", pct=pct)


def promo(pct: int) -> Discount:
    return Discount(kind="promo", id=2, title="Welcome", pct=pct)


def rows(made: Bill) -> list[tuple[str, int, int]]:
    """Code, quantity and unit price of each line."""
    return [(line.code, line.quantity, line.unit_price_minor) for line in made.lines]


def made(used: Usage = TEN_MINUTES, at_end: AtEnd | None = None, /, **agreed: Any) -> Bill:
    return bill(Agreed(**{"tariff": tariff(), **agreed}), used, at_end or AtEnd())


# -- Kilometres -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("metres", "started"), [(0, 0), (1, 1), (1000, 1), (1001, 2), (2000, 2), (12_345, 13)])
def test_a_started_kilometre_is_a_kilometre(metres: int, started: int) -> None:
    assert kilometres(metres) == started


@pytest.mark.parametrize(
    ("metres", "price"), [(0, 0), (2000, 0), (2001, 30), (3000, 30), (3001, 60), (4000, 60), (4001, 75), (6000, 90)]
)
def test_kilometres_are_summed_by_tier(metres: int, price: int) -> None:
    assert made(Usage(ride_s=0, pause_s=0, distance_m=metres), tariff=tariff(FREE, km_tiers=KM)).total_minor == price


def test_kilometres_have_a_line_a_tier() -> None:
    price = made(Usage(ride_s=60, pause_s=0, distance_m=4500), tariff=tariff(FREE, km_tiers=KM))
    assert rows(price) == [("ride_minutes", 1, 0), ("km", 2, 0), ("km", 2, 30), ("km", 1, 15)]
    assert [line.text for line in price.lines[1:]] == ["Free kilometres", "Kilometres", "Kilometres"]
    assert {line.unit for line in price.lines[1:]} == {"km"}


# -- Free minutes that were used before -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used_before", "price"),
    [
        (0, 80),  # 3 free + 3 x 0.20 + 2 x 0.10
        (1, 90),  # minute 1 is priced as minute 2: 2 free + 3 x 0.20 + 3 x 0.10
        (3, 110),  # 3 x 0.20 + 5 x 0.10
        (4, 110),  # only free minutes can be used up
        (60, 110),
    ],
)
def test_free_minutes_do_not_come_again(used_before: int, price: int) -> None:
    assert made(EIGHT_MINUTES, tariff=tariff(TIERS), free_minutes_used=used_before).total_minor == price


@pytest.mark.parametrize(
    ("tiers", "used", "free"),
    [
        (TIERS, 0, 0),
        (TIERS, 2, 2),
        (TIERS, 9, 3),
        (FLAT, 9, 0),
        # Every minute is free: nothing can be used up.
        (FREE, 9, 0),
        # Several free tiers at the beginning are one.
        ((Tier(upto_min=2, price_minor=0), Tier(upto_min=5, price_minor=0), Tier(price_minor=1)), 9, 5),
        # Only those at the beginning.
        ((Tier(upto_min=2, price_minor=1), Tier(upto_min=5, price_minor=0), Tier(price_minor=1)), 9, 0),
    ],
)
def test_which_minutes_were_free(tiers: tuple[Tier, ...], used: int, free: int) -> None:
    assert free_minutes(tariff(tiers), used) == free


# -- Surcharges -----------------------------------------------------------------------------------------------------


def test_a_surcharge_is_of_what_was_metered_once_and_per_minute() -> None:
    night = AppliedSurcharge(title="Night", pct=25, amount_minor=50, per_minute_minor=3)
    airport = AppliedSurcharge(title="Airport", amount_minor=500)
    price = made(
        Usage(ride_s=590, pause_s=60, distance_m=900),
        tariff=tariff(unlock_minor=100, pause_tiers=(Tier(price_minor=5),), km_tiers=(KmTier(price_minor=1),)),
        surcharges=(night, airport),
    )
    assert rows(price)[4:] == [
        ("surcharge_pct", 1, 77),  # a quarter of 1.00 + 10 x 0.20 + 0.05 + 0.01, 0.765 half up
        ("surcharge_fixed", 1, 50),
        ("surcharge_minutes", 10, 3),
        ("surcharge_fixed", 1, 500),
    ]
    assert [line.text for line in price.lines[4:]] == ["Night, 25 %", "Night", "Night, per minute", "Airport"]


def test_a_surcharge_is_of_the_price_before_quotas() -> None:
    night = AppliedSurcharge(title="Night", pct=50)
    price = made(surcharges=(night,), package=package(ride_min=30))
    assert rows(price) == [
        ("package", 1, 300),
        ("ride_minutes", 10, 20),
        ("surcharge_pct", 1, 100),
        ("package_minutes", 10, -20),
    ]
    assert (price.total_minor, price.ride_minor) == (400, 100)


# -- Packages and subscriptions -------------------------------------------------------------------------------------


def test_a_package_covers_the_first_that_costs_something() -> None:
    price = made(
        Usage(ride_s=600, pause_s=180, distance_m=5000),
        tariff=tariff(TIERS, unlock_minor=100, pause_tiers=FLAT, km_tiers=KM),
        package=package(unlocks=1, ride_min=4, pause_min=2, km=3),
    )
    assert rows(price) == [
        ("package", 1, 300),
        ("unlock", 1, 100),
        ("ride_minutes", 3, 0),
        ("ride_minutes", 3, 20),
        ("ride_minutes", 4, 10),
        ("pause_minutes", 3, 20),
        ("km", 2, 0),
        ("km", 2, 30),
        ("km", 1, 15),
        ("package_unlock", 1, -100),
        # The quota spans two tiers, and a free minute uses up none of it.
        ("package_minutes", 3, -20),
        ("package_minutes", 1, -10),
        ("package_pause_minutes", 2, -20),
        ("package_km", 2, -30),
        ("package_km", 1, -15),
    ]
    assert price.ride_minor == 30 + 20
    assert price.total_minor == 350
    assert price.quota_used == Quota()
    assert [line.text for line in price.lines if line.code.startswith("package")] == [
        "Half hour",
        "Half hour: unlock included",
        "Half hour: included minutes",
        "Half hour: included minutes",
        "Half hour: included pause minutes",
        "Half hour: included kilometres",
        "Half hour: included kilometres",
    ]


def test_a_package_has_a_tax_of_its_own() -> None:
    own = msgspec.structs.replace(package(ride_min=5), tax_rate="0.14")
    price = made(tariff=tariff(tax_rate="0.255"), package=own)
    assert [(tax.rate, tax.gross_minor) for tax in price.taxes] == [("0.14", 300), ("0.255", 100)]


def test_a_subscription_covers_what_the_package_does_not() -> None:
    commuter = AgreedSubscription(id=7, title="Commuter", pct=10)
    price = made(
        TEN_MINUTES,
        AtEnd(quota_left=Quota(unlocks=1, ride_min=3)),
        tariff=tariff(unlock_minor=100),
        package=package(unlocks=1, ride_min=5),
        subscription=commuter,
    )
    assert rows(price)[3:] == [
        ("package_unlock", 1, -100),
        ("package_minutes", 5, -20),
        ("subscription_minutes", 3, -20),
        ("subscription_discount", 1, -4),  # of 2 minutes
    ]
    assert price.quota_used == Quota(ride_min=3)
    assert price.total_minor == 300 + 36
    assert price.lines[-2].text == "Commuter: included minutes"
    assert price.lines[-1].text == "Commuter, 10 % off"


def test_a_quota_without_its_subscription_is_nothing() -> None:
    price = made(TEN_MINUTES, AtEnd(quota_left=Quota(ride_min=99)))
    assert (price.total_minor, price.quota_used) == (200, Quota())


@pytest.mark.parametrize(
    ("left", "used", "price"),
    [
        (Quota(), Quota(), 300),
        (Quota(unlocks=5), Quota(unlocks=1), 200),
        (Quota(unlocks=1, ride_min=9), Quota(unlocks=1, ride_min=9), 20),
        (Quota(unlocks=1, ride_min=500, km=3), Quota(unlocks=1, ride_min=10), 0),
    ],
)
def test_what_a_ride_uses_of_a_subscription(left: Quota, used: Quota, price: int) -> None:
    commuter = AgreedSubscription(id=7, title="Commuter")
    got = made(TEN_MINUTES, AtEnd(quota_left=left), tariff=tariff(unlock_minor=100), subscription=commuter)
    assert (got.quota_used, got.total_minor) == (used, price)


# -- Minimum, discounts, caps ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("agreed", "price"),
    [
        ({}, 500),
        ({"package": package(0, ride_min=5)}, 100),
        ({"subscription": AgreedSubscription(id=7, title="Commuter")}, 200),
    ],
)
def test_the_minimum_is_for_rides_without_package_and_subscription(agreed: dict[str, Any], price: int) -> None:
    assert made(tariff=tariff(minimum_minor=500), **agreed).ride_minor == price


def test_the_minimum_says_what_it_adds() -> None:
    assert rows(made(tariff=tariff(minimum_minor=500)))[1:] == [("minimum", 1, 300)]
    assert rows(made(tariff=tariff(minimum_minor=200)))[1:] == []


@pytest.mark.parametrize(
    ("discounts", "off"),
    [
        ((), []),
        ((group(25),), [("group_discount", 1, -50)]),
        # Of what is left, the group's first, in whatever order they were agreed.
        ((promo(50), group(25)), [("group_discount", 1, -50), ("promo_discount", 1, -75)]),
        ((group(100), promo(50)), [("group_discount", 1, -200)]),
        ((group(0),), []),
    ],
)
def test_discounts_are_of_what_is_left(discounts: tuple[Discount, ...], off: list[tuple[str, int, int]]) -> None:
    assert rows(made(discounts=discounts))[1:] == off


@pytest.mark.parametrize(("price", "pct", "off"), [(5, 10, 1), (4, 10, 0), (15, 50, 8), (1, 50, 1), (1, 49, 0)])
def test_a_discount_is_rounded_half_up(price: int, pct: int, off: int) -> None:
    assert made(tariff=tariff(FREE, unlock_minor=price), discounts=(group(pct),)).total_minor == price - off


def test_discounts_touch_the_ride_alone() -> None:
    helmet = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet")
    price = made(
        TEN_MINUTES,
        AtEnd(zone_charges=(ZoneCharge(code="paid_parking", title="Harbour", amount_minor=70),)),
        addons=(helmet,),
        package=package(300, ride_min=5),
        reservation=ReservationFee(id=1, minutes=10, amount_minor=90, credited=False),
        discounts=(group(100),),
    )
    assert price.ride_minor == 0
    assert price.total_minor == 300 + 150 + 90 + 70


@pytest.mark.parametrize(
    ("ride_cap", "day_cap", "spent", "off"),
    [
        (200, None, 0, []),
        (300, 300, 0, []),
        (199, None, 0, [("ride_cap", 1, -1)]),
        (0, None, 0, [("ride_cap", 1, -200)]),
        (None, 250, 50, []),
        (None, 250, 51, [("day_cap", 1, -1)]),
        (None, 250, 300, [("day_cap", 1, -200)]),
        (None, 0, 0, [("day_cap", 1, -200)]),
        (150, 250, 200, [("ride_cap", 1, -50), ("day_cap", 1, -100)]),
    ],
)
def test_caps(ride_cap: int | None, day_cap: int | None, spent: int, off: list[tuple[str, int, int]]) -> None:
    capped = tariff(ride_cap_minor=ride_cap, day_cap_minor=day_cap)
    assert rows(made(TEN_MINUTES, AtEnd(spent_today_minor=spent), tariff=capped))[1:] == off


def test_what_is_beside_the_ride_has_no_cap() -> None:
    seat = AddonPrice(kind=AddonKind.PER_KM, price_minor=7, title="Child seat")
    price = made(
        Usage(ride_s=600, pause_s=0, distance_m=2100),
        tariff=tariff(ride_cap_minor=50),
        addons=(seat,),
        package=package(9),
    )
    assert rows(price) == [("package", 1, 9), ("ride_minutes", 10, 20), ("ride_cap", 1, -150), ("addon_km", 3, 7)]
    assert price.lines[-1].text == "Child seat, per kilometre"


# -- Beside the ride ------------------------------------------------------------------------------------------------


def test_a_reservation_is_billed_and_credited() -> None:
    fee = ReservationFee(id=1, minutes=10, amount_minor=90, credited=True)
    assert rows(made(reservation=fee))[1:] == [("reservation_fee", 1, 90), ("reservation_credit", 1, -90)]
    kept = msgspec.structs.replace(fee, credited=False)
    assert rows(made(reservation=kept))[1:] == [("reservation_fee", 1, 90)]
    assert made(reservation=kept).lines[1].text == "Reservation, 10 min"
    assert rows(made(reservation=msgspec.structs.replace(fee, amount_minor=0)))[1:] == []


def test_zone_charges_bear_the_tariffs_tax_and_fines_none() -> None:
    charges = (
        ZoneCharge(code="paid_parking", title="Harbour", amount_minor=70),
        ZoneCharge(code="parking_fine", title="Old town", amount_minor=1000, tax_rate="0"),
    )
    price = made(TEN_MINUTES, AtEnd(zone_charges=charges), tariff=tariff(tax_rate="0.24"))
    assert [(line.text, line.tax_rate) for line in price.lines[1:]] == [
        ("Parking fee: Harbour", "0.24"),
        ("Fine for parking: Old town", "0"),
    ]
    assert [(tax.rate, tax.gross_minor) for tax in price.taxes] == [("0", 1000), ("0.24", 270)]


# -- Corrections ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("inclusive", [True, False])
def test_a_bill_shows_all_and_takes_off_what_is_not_asked_for(inclusive: bool) -> None:
    counted = Usage(ride_s=300, pause_s=0)
    kwargs = {"tariff": tariff(tax_rate="0.25", tax_inclusive=inclusive, unlock_minor=100)}
    price = made(TEN_MINUTES, AtEnd(correction=Correction(code="repark_grace", counted=counted)), **kwargs)
    alone = made(counted, **kwargs)
    assert rows(price)[:3] == [("unlock", 1, 100), ("ride_minutes", 10, 20), ("correction_repark_grace", 1, -100)]
    assert price.lines[2].text == "Moved to a legal place in time"
    assert (price.total_minor, price.taxes, price.ride_minor) == (alone.total_minor, alone.taxes, alone.ride_minor)


def test_a_free_ride_is_free_of_everything_rate_by_rate() -> None:
    snack = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Snack", tax_rate="0.14")
    at_end = AtEnd(
        zone_charges=(ZoneCharge(code="parking_fine", title="Old town", amount_minor=1000, tax_rate="0"),),
        quota_left=Quota(ride_min=4),
        correction=Correction(code="failed_ride"),
    )
    price = made(
        TEN_MINUTES,
        at_end,
        tariff=tariff(tax_rate="0.255"),
        addons=(snack,),
        package=package(300, ride_min=1),
        subscription=AgreedSubscription(id=7, title="Commuter"),
        reservation=ReservationFee(id=1, minutes=5, amount_minor=60, credited=False),
    )
    off = [(line.code, line.tax_rate, line.amount_minor) for line in price.lines[-3:]]
    assert off == [
        ("correction_failed_ride", "0.255", -(300 + 100 + 60)),
        ("correction_failed_ride", "0.14", -150),
        ("correction_failed_ride", "0", -1000),
    ]
    assert (price.total_minor, price.tax_minor, price.ride_minor, price.quota_used) == (0, 0, 0, Quota())


def test_a_correction_never_asks_for_more_than_was_metered() -> None:
    counted = Usage(ride_s=6000, pause_s=60, distance_m=9000)
    price = made(TEN_MINUTES, AtEnd(correction=Correction(code="late_report", counted=counted)))
    assert rows(price) == [("ride_minutes", 10, 20)]


# -- Beginning ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fields", "price"),
    [
        ({}, 20),
        ({"tariff": tariff(TIERS, unlock_minor=100)}, 100),
        ({"tariff": tariff(TIERS, unlock_minor=100), "free_minutes_used": 3}, 120),
        ({"package": package(300, ride_min=5)}, 300),
        ({"tariff": tariff(minimum_minor=150)}, 150),
        ({"tariff": tariff(tax_rate="0.5", tax_inclusive=False)}, 30),
    ],
)
def test_what_a_ride_costs_at_its_first_second(fields: dict[str, Any], price: int) -> None:
    assert least(Agreed(**{"tariff": tariff(), **fields})) == price


# -- The whole ------------------------------------------------------------------------------------------------------


def test_the_example_of_the_decision_record() -> None:
    """docs/adr/0015 shows this bill."""
    price = made(
        Usage(ride_s=25 * 60, pause_s=90, distance_m=7_300),
        AtEnd(
            zone_charges=(ZoneCharge(code="paid_parking", title="Harbour", amount_minor=100),),
            quota_left=Quota(ride_min=10),
        ),
        tariff=tariff(
            (Tier(upto_min=3, price_minor=0), Tier(upto_min=20, price_minor=22), Tier(price_minor=12)),
            unlock_minor=100,
            pause_tiers=(Tier(price_minor=5),),
            km_tiers=(KmTier(upto_km=5, price_minor=0), KmTier(price_minor=20)),
            ride_cap_minor=300,
            tax_rate="0.255",
        ),
        surcharges=(AppliedSurcharge(title="Night", pct=20),),
        subscription=AgreedSubscription(id=7, title="Commuter"),
        discounts=(group(10),),
        addons=(AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet"),),
    )
    assert [(line.code, line.quantity, line.unit_price_minor, line.amount_minor) for line in price.lines] == [
        ("unlock", 1, 100, 100),
        ("ride_minutes", 3, 0, 0),
        ("ride_minutes", 17, 22, 374),
        ("ride_minutes", 5, 12, 60),
        ("pause_minutes", 2, 5, 10),
        ("km", 5, 0, 0),
        ("km", 3, 20, 60),
        ("surcharge_pct", 1, 121, 121),
        ("subscription_minutes", 10, -22, -220),
        ("group_discount", 1, -51, -51),
        ("ride_cap", 1, -154, -154),
        ("addon_fixed", 1, 150, 150),
        ("paid_parking", 1, 100, 100),
    ]
    assert (price.ride_minor, price.total_minor, price.tax_minor) == (300, 550, 112)

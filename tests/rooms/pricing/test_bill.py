"""What a ride costs, row by row."""

from fractions import Fraction

import msgspec
import pytest

from isotope.domain.pricing import AddonKind, AddonPrice, Agreed, Bill, Line, Tariff, Tier, Usage, bill, minutes
from isotope.domain.pricing.tax import round_half_up

# 3 minutes free, then 0.20 up to minute 6, then 0.10.
TIERS = (Tier(upto_min=3, price_minor=0), Tier(upto_min=6, price_minor=20), Tier(price_minor=10))
HELMET = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet")
CHILD_SEAT = AddonPrice(kind=AddonKind.PER_MINUTE, price_minor=3, title="Child seat")


def total(tariff: Tariff, ride_s: int = 0, pause_s: int = 0, addons: tuple[AddonPrice, ...] = ()) -> int:
    return bill(Agreed(tariff=tariff, addons=tuple(addons)), Usage(ride_s=ride_s, pause_s=pause_s)).total_minor


def facts(made: Bill) -> list[tuple[str, int, int, int]]:
    return [(line.code, line.quantity, line.unit_price_minor, line.amount_minor) for line in made.lines]


@pytest.mark.parametrize(
    ("seconds", "price"),
    [
        (0, 0),
        (1, 0),
        (180, 0),
        (181, 20),
        (240, 20),
        (241, 40),
        (360, 60),
        (361, 70),
        (420, 70),
        (421, 80),
        (480, 80),  # 3 free + 3 x 0.20 + 2 x 0.10
        (481, 90),
        (3600, 600),
    ],
)
def test_tiers_are_summed(seconds: int, price: int) -> None:
    assert total(Tariff(minute_tiers=TIERS), seconds) == price


@pytest.mark.parametrize(
    ("seconds", "started"), [(0, 0), (1, 1), (59, 1), (60, 1), (61, 2), (119, 2), (120, 2), (121, 3), (3600, 60)]
)
def test_a_started_minute_is_a_minute(seconds: int, started: int) -> None:
    assert minutes(seconds) == started
    flat = (Tier(price_minor=7),)
    assert total(Tariff(minute_tiers=flat), seconds) == 7 * started
    assert total(Tariff(minute_tiers=(Tier(price_minor=0),), pause_tiers=flat), pause_s=seconds) == 7 * started


def test_every_part_has_its_line_in_order() -> None:
    tariff = Tariff(
        unlock_minor=100, minute_tiers=TIERS, pause_tiers=(Tier(upto_min=2, price_minor=0), Tier(price_minor=5))
    )
    made = bill(Agreed(tariff=tariff, addons=(HELMET, CHILD_SEAT)), Usage(ride_s=480, pause_s=181))
    assert facts(made) == [
        ("unlock", 1, 100, 100),
        ("ride_minutes", 3, 0, 0),
        ("ride_minutes", 3, 20, 60),
        ("ride_minutes", 2, 10, 20),
        ("pause_minutes", 2, 0, 0),
        ("pause_minutes", 2, 5, 10),
        ("addon_fixed", 1, 150, 150),
        ("addon_minutes", 8, 3, 24),
    ]
    assert made.total_minor == 364
    assert [line.text for line in made.lines] == [
        "Unlock",
        "Free riding minutes",
        "Riding minutes",
        "Riding minutes",
        "Free pause minutes",
        "Pause minutes",
        "Helmet",
        "Child seat, per minute",
    ]
    assert [line.unit for line in made.lines] == ["once", *["minute"] * 5, "once", "minute"]


def test_riding_and_pausing_round_up_apart() -> None:
    tariff = Tariff(minute_tiers=(Tier(price_minor=10),), pause_tiers=(Tier(price_minor=1),))
    assert total(tariff, ride_s=61, pause_s=61) == 22


def test_a_pause_without_a_price_is_free_and_has_no_line() -> None:
    made = bill(Agreed(tariff=Tariff(minute_tiers=(Tier(price_minor=10),))), Usage(ride_s=0, pause_s=7200))
    assert made == Bill(lines=(), net_minor=0, tax_minor=0, total_minor=0)


def test_an_add_on_by_the_minute_counts_riding_minutes_only() -> None:
    assert total(Tariff(minute_tiers=(Tier(price_minor=0),)), ride_s=61, pause_s=600, addons=(CHILD_SEAT,)) == 6


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "net", "tax"),
    [
        (100, "0", True, 100, 0),
        (100, "0", False, 100, 0),
        (1255, "0.255", True, 1000, 255),
        (1000, "0.255", False, 1000, 255),
        (190, "0.255", True, 151, 39),  # 38.605...
        (1, "0.255", True, 1, 0),  # 0.203...
        (2, "0.255", False, 2, 1),  # 0.51
        (10, "0.25", False, 10, 3),  # 2.5, half up
        (30, "0.05", False, 30, 2),  # 1.5, half up
        (50, "0.05", False, 50, 3),  # 2.5, half up: bankers would say 2
        (5, "0.25", True, 4, 1),
        (3, "1", True, 1, 2),  # 1.5, half up
        (3, "1", False, 3, 3),
        (0, "0.255", False, 0, 0),
    ],
)
def test_tax_is_rounded_half_up_once(amount: int, rate: str, inclusive: bool, net: int, tax: int) -> None:
    tariff = Tariff(unlock_minor=amount, minute_tiers=(Tier(price_minor=0),), tax_rate=rate, tax_inclusive=inclusive)
    made = bill(Agreed(tariff=tariff), Usage(ride_s=0, pause_s=0))
    assert (made.net_minor, made.tax_minor, made.total_minor) == (net, tax, net + tax)
    assert sum(line.amount_minor for line in made.lines) == made.total_minor


def test_what_was_not_used_has_no_line() -> None:
    tariff = Tariff(minute_tiers=TIERS, pause_tiers=TIERS, tax_rate="0", tax_inclusive=False)
    assert bill(Agreed(tariff=tariff, addons=(CHILD_SEAT,)), Usage(ride_s=0, pause_s=0)).lines == ()


def test_tax_that_is_added_has_a_line_and_tax_that_is_contained_has_none() -> None:
    tariff = Tariff(unlock_minor=1000, minute_tiers=(Tier(price_minor=0),), tax_rate="0.255", tax_inclusive=False)
    added = bill(Agreed(tariff=tariff), Usage(ride_s=0, pause_s=0))
    assert added.lines[-1] == Line(
        code="tax",
        text="Tax 25.5 %",
        unit="once",
        quantity=1,
        unit_price_minor=255,
        amount_minor=255,
        params={"rate_pct": "25.5"},
    )
    contained = bill(Agreed(tariff=msgspec.structs.replace(tariff, tax_inclusive=True)), Usage(ride_s=0, pause_s=0))
    assert [line.code for line in contained.lines] == ["unlock"]


@pytest.mark.parametrize(
    ("exact", "rounded"),
    [(Fraction(0), 0), (Fraction(49, 100), 0), (Fraction(1, 2), 1), (Fraction(3, 2), 2), (Fraction(5, 2), 3)],
)
def test_half_up(exact: Fraction, rounded: int) -> None:
    assert round_half_up(exact) == rounded


def test_the_largest_tariff_is_exact() -> None:
    """Ten years at the highest price, where a float would have lost the last digits."""
    seconds = 10 * 365 * 24 * 3600 + 1
    tariff = Tariff(
        unlock_minor=999_999_999,
        minute_tiers=(Tier(price_minor=999_999_999),),
        tax_rate="0.255001",
        tax_inclusive=False,
    )
    net = 999_999_999 * (10 * 365 * 24 * 60 + 2)
    made = bill(Agreed(tariff=tariff), Usage(ride_s=seconds, pause_s=0))
    assert made.net_minor == net
    assert made.tax_minor == (net * 255_001 * 2 + 1_000_000) // 2_000_000


def test_lines_speak_the_words_they_are_given() -> None:
    def shout(code: str, /, **params: str | int) -> str:
        return f"{code} {params}".upper()

    made = bill(
        Agreed(tariff=Tariff(unlock_minor=1, minute_tiers=(Tier(price_minor=0),)), addons=(HELMET,)),
        Usage(ride_s=0, pause_s=0),
        words=shout,
    )
    assert [line.text for line in made.lines] == ["LINE_UNLOCK {}", "LINE_ADDON_FIXED {'TITLE': 'HELMET'}"]

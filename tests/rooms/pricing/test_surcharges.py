"""Which surcharges a ride begins with."""

from datetime import datetime
from zoneinfo import ZoneInfo

import pytest

from isotope.domain.pricing import AppliedSurcharge, Surcharge, Tariff, Tier, surcharges_in_force
from isotope.kernel.time_windows import TimeWindow, Weekday

NIGHT = Surcharge(title="Night", windows=(TimeWindow(start="22:00", end="06:00"),), pct=20)
AIRPORT = Surcharge(title="Airport", zones=("airport", "airport-2"), amount_minor=300)
FRIDAY_CENTRE = Surcharge(
    title="Friday in the centre",
    windows=(TimeWindow(weekdays=(Weekday.FRI,), start="16:00", end="19:00"),),
    zones=("centre",),
    per_minute_minor=5,
)
ALWAYS = Surcharge(title="Energy", amount_minor=10)
TARIFF = Tariff(minute_tiers=(Tier(price_minor=20),), surcharges=(NIGHT, AIRPORT, FRIDAY_CENTRE, ALWAYS))


@pytest.mark.parametrize(
    ("local", "zones", "titles"),
    [
        ("2026-06-04 12:00", [], ["Energy"]),
        ("2026-06-04 22:00", [], ["Night", "Energy"]),
        ("2026-06-05 05:59", [], ["Night", "Energy"]),
        ("2026-06-05 06:00", [], ["Energy"]),
        ("2026-06-04 12:00", ["airport-2", "harbour"], ["Airport", "Energy"]),
        ("2026-06-04 23:00", ["airport"], ["Night", "Airport", "Energy"]),
        # Time and zone, both.
        ("2026-06-05 17:00", ["centre"], ["Friday in the centre", "Energy"]),
        ("2026-06-05 17:00", ["harbour"], ["Energy"]),
        ("2026-06-04 17:00", ["centre"], ["Energy"]),
    ],
)
def test_all_that_fit_time_and_place_are_asked(local: str, zones: list[str], titles: list[str]) -> None:
    at = datetime.fromisoformat(local).replace(tzinfo=ZoneInfo("Europe/Helsinki"))
    assert [applied.title for applied in surcharges_in_force(TARIFF, at, zones)] == titles


def test_what_is_agreed_is_what_was_in_force() -> None:
    at = datetime(2026, 6, 5, 17, 0, tzinfo=ZoneInfo("Europe/Helsinki"))
    assert surcharges_in_force(TARIFF, at, ["centre"]) == (
        AppliedSurcharge(title="Friday in the centre", per_minute_minor=5),
        AppliedSurcharge(title="Energy", amount_minor=10),
    )

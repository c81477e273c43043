"""What trips cost, by hand."""

from dataclasses import replace
from decimal import Decimal

import msgspec
import pytest

from isotope.domain.pricing import english
from isotope.domain.taxi.fares import Driven, earning_minor, fee_price, final_price, is_another_drive, quote_price
from isotope.domain.taxi.model import FarePrice, TaxiTariff, TripTerms
from isotope.domain.tenants.model import TaxiSettings
from tests.kit.trips import TARIFF

SETTINGS = TaxiSettings()
# 4.00 for getting in, 2 km for 1.00 each, 5 minutes for 0.30 each.
AS_QUOTED = Driven(distance_m=2_000.0, duration_s=300, waited_s=0, stops=0, planned_stops=0, at_destination=True)


def quote(
    tariff: TaxiTariff = TARIFF,
    *,
    distance_m: int = 2_000,
    duration_s: int = 300,
    stops: int = 0,
    surge: str = "1",
    is_scheduled: bool = False,
) -> FarePrice:
    return quote_price(
        tariff,
        distance_m=distance_m,
        duration_s=duration_s,
        stops=stops,
        surge=Decimal(surge),
        is_scheduled=is_scheduled,
        words=english,
    )


def terms(tariff: TaxiTariff = TARIFF, *, stops: int = 0, surge: str = "1") -> TripTerms:
    return TripTerms(
        class_ref="a",
        class_title="A",
        tariff=tariff,
        distance_m=2_000,
        duration_s=300,
        surge=surge,
        quoted=quote(tariff, stops=stops, surge=surge),
        time_zone="Europe/Helsinki",
        commission_pct="20",
    )


def lines(price: FarePrice) -> dict[str, int]:
    return {line.code: line.amount_minor for line in price.lines}


def final(driven: Driven, agreed: TripTerms | None = None) -> FarePrice:
    return final_price(agreed or terms(), driven, SETTINGS, english, is_scheduled=False)


def test_a_quote_is_made_of_its_lines() -> None:
    price = quote(stops=2, surge="1.4", is_scheduled=True)
    # (4.00 + 2.00 + 1.50 + 2.00) * 0.4 = 3.80 on top, then the fee for an order for later, which no surge raises.
    assert lines(price) == {
        "taxi_base": 400,
        "taxi_distance": 200,
        "taxi_time": 150,
        "taxi_stops": 200,
        "taxi_surge": 380,
        "taxi_schedule": 200,
    }
    assert (price.total_minor, price.tax_minor, price.net_minor) == (1_530, 139, 1_391)
    assert [line.text for line in price.lines if line.code == "taxi_surge"] == ["Busy now, fares times 1.4"]


def test_what_costs_nothing_has_no_line() -> None:
    assert lines(quote(TaxiTariff())) == {}
    assert quote(TaxiTariff()).total_minor == 0


def test_a_short_trip_costs_the_minimum_and_surge_raises_that() -> None:
    tariff = msgspec.structs.replace(TARIFF, minimum_minor=1_000)
    assert lines(quote(tariff, surge="1.5")) == {
        "taxi_base": 400,
        "taxi_distance": 200,
        "taxi_time": 150,
        "taxi_minimum": 250,
        "taxi_surge": 500,
    }


@pytest.mark.parametrize(("distance_m", "km_minor", "expected"), [(5, 100, 1), (4, 100, 0), (1_004, 100, 100)])
def test_amounts_are_rounded_half_up(distance_m: int, km_minor: int, expected: int) -> None:
    tariff = TaxiTariff(km_minor=km_minor)
    assert quote(tariff, distance_m=distance_m, duration_s=0).total_minor == expected


def test_tax_on_top_is_a_line_of_its_own() -> None:
    tariff = msgspec.structs.replace(TARIFF, tax_inclusive=False)
    price = quote(tariff)
    assert lines(price)["tax"] == 75
    assert (price.net_minor, price.tax_minor, price.total_minor) == (750, 75, 825)
    # And is not taxed again at the end.
    assert final(AS_QUOTED, terms(tariff)) == price


LIMIT_M, LOOP_M, TIME_S = SETTINGS.fare_distance_m, SETTINGS.fare_distance_loop_m, SETTINGS.fare_time_s


@pytest.mark.parametrize(
    ("change", "is_another"),
    [
        ({}, False),
        ({"distance_m": None, "duration_s": 9_999}, False),
        ({"distance_m": 2_000.0 + LOOP_M}, False),
        ({"distance_m": 2_001.0 + LOOP_M}, True),
        ({"distance_m": 1_999.0 - LOOP_M}, True),
        ({"distance_m": 2_000.0 + LIMIT_M, "at_destination": None}, False),
        ({"distance_m": 2_001.0 + LIMIT_M, "at_destination": None}, True),
        ({"at_destination": False}, True),
        ({"at_destination": False, "distance_m": None}, False),
        ({"duration_s": 300 + TIME_S}, False),
        ({"duration_s": 301 + TIME_S}, True),
        ({"planned_stops": 1}, True),
        ({"planned_stops": 1, "stops": 1}, False),
        ({"planned_stops": 1, "distance_m": None}, False),
    ],
)
def test_when_the_fare_is_made_anew(change: dict[str, float | None], is_another: bool) -> None:
    assert is_another_drive(terms(), replace(AS_QUOTED, **change), SETTINGS) is is_another  # type: ignore[arg-type]


def test_the_quote_holds_within_the_limits() -> None:
    assert final(replace(AS_QUOTED, distance_m=3_100.0, duration_s=1_100)) == terms().quoted


def test_another_drive_costs_what_was_driven_with_the_surge_of_the_quote() -> None:
    driven = replace(AS_QUOTED, distance_m=5_000.4, duration_s=600)
    # 12.00 by the metre and the minute, and half of it on top.
    assert lines(final(driven, terms(surge="1.5"))) == {
        "taxi_base": 400,
        "taxi_distance": 500,
        "taxi_time": 300,
        "taxi_surge": 600,
    }


def test_a_shorter_drive_that_ends_elsewhere_costs_less() -> None:
    assert final(replace(AS_QUOTED, distance_m=500.0, duration_s=60, at_destination=False)).total_minor == 480


def test_a_stop_that_was_not_reached_is_not_paid() -> None:
    agreed = terms(stops=2)
    assert final(replace(AS_QUOTED, planned_stops=2, stops=2), agreed).total_minor == 950
    assert final(replace(AS_QUOTED, planned_stops=2, stops=1), agreed).total_minor == 850


@pytest.mark.parametrize(("waited_s", "fee"), [(0, 0), (120, 0), (121, 50), (180, 50), (181, 100), (600, 400)])
def test_each_started_minute_of_waiting_after_the_free_ones_costs(waited_s: int, fee: int) -> None:
    """However the drive was, and not raised by surge."""
    driven = replace(AS_QUOTED, waited_s=waited_s)
    assert final(driven).total_minor == 750 + fee
    assert lines(final(driven, terms(surge="2"))).get("taxi_wait", 0) == fee
    assert final(replace(driven, distance_m=5_000.0)).total_minor == 1_050 + fee


def test_fees_contain_their_tax() -> None:
    price = fee_price(TARIFF, "taxi_no_show_fee", 800, english)
    assert (lines(price), price.total_minor, price.tax_minor) == ({"taxi_no_show_fee": 800}, 800, 73)
    assert fee_price(TARIFF, "taxi_cancel_fee", 0, english).total_minor == 0


@pytest.mark.parametrize(
    ("total", "pct", "earned"), [(750, "20", 600), (1, "50", 0), (3, "50", 1), (999, "0", 999), (999, "100", 0)]
)
def test_the_commission_is_rounded_half_up(total: int, pct: str, earned: int) -> None:
    assert earning_minor(total, Decimal(pct)) == earned

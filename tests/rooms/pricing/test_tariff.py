"""The JSON form of a tariff: what is provisioned and what is stored."""

from typing import Any

import msgspec
import pytest

from isotope.domain.pricing import (
    AddonPrice,
    Agreed,
    AgreedPackage,
    AgreedSubscription,
    AppliedSurcharge,
    Discount,
    KmTier,
    Quota,
    ReservationFee,
    Tariff,
    Tier,
    package_items,
    quote_texts,
)
from isotope.domain.pricing.model import AddonKind

WHOLE: dict[str, Any] = {
    "unlock_minor": 100,
    "minute_tiers": [{"upto_min": 3, "price_minor": 0}, {"upto_min": 6, "price_minor": 20}, {"price_minor": 10}],
    "pause_tiers": [{"price_minor": 5}],
    "tax_rate": "0.255",
    "tax_inclusive": True,
    "currency": "EUR",
}


def test_a_tariff_survives_the_store() -> None:
    tariff = msgspec.convert(WHOLE, Tariff)
    assert tariff.minute_tiers[1] == Tier(upto_min=6, price_minor=20)
    assert msgspec.convert(msgspec.to_builtins(tariff), Tariff) == tariff
    assert msgspec.json.decode(msgspec.json.encode(tariff), type=Tariff) == tariff


def test_a_tariff_with_everything_survives_the_store() -> None:
    whole = {
        **WHOLE,
        "km_tiers": [{"upto_km": 3, "price_minor": 0}, {"price_minor": 20}],
        "minimum_minor": 150,
        "ride_cap_minor": 1500,
        "day_cap_minor": 3000,
        "surcharges": [
            {
                "title": "Night",
                "windows": [{"weekdays": ["fri", "sat"], "from": "22:00", "to": "06:00"}],
                "zones": ["centre"],
                "pct": 20,
                "amount_minor": 50,
                "per_minute_minor": 2,
            }
        ],
    }
    tariff = msgspec.convert(whole, Tariff)
    assert msgspec.to_builtins(tariff) == msgspec.to_builtins(msgspec.convert(msgspec.to_builtins(tariff), Tariff))
    assert msgspec.json.decode(msgspec.json.encode(tariff), type=Tariff) == tariff
    assert tariff.surcharges[0].windows[0].end == "06:00"


@pytest.mark.parametrize(
    "limits",
    [
        {"minimum_minor": 500, "ride_cap_minor": 500, "day_cap_minor": 500},
        {"ride_cap_minor": 0},
        {"day_cap_minor": 0},
        {"minimum_minor": 500},
    ],
)
def test_limits_that_go_together(limits: dict[str, int]) -> None:
    msgspec.convert({**WHOLE, **limits}, Tariff)


def test_what_may_be_left_out() -> None:
    tariff = msgspec.convert({"minute_tiers": [{"price_minor": 10}]}, Tariff)
    assert tariff == Tariff(unlock_minor=0, minute_tiers=(Tier(price_minor=10),), pause_tiers=(), tax_rate="0")
    assert tariff.tax_inclusive


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"minute_tiers": None}, "minute_tiers"),
        ({"minute_tiers": []}, "length >= 1 - at `\\$.minute_tiers`"),
        ({"minute_tiers": [{"upto_min": 3, "price_minor": 1}]}, "minute_tiers: the last tier must be open"),
        ({"minute_tiers": [{"price_minor": 1}, {"price_minor": 1}]}, "minute_tiers: only the last tier may be open"),
        (
            {
                "minute_tiers": [
                    {"upto_min": 6, "price_minor": 1},
                    {"upto_min": 6, "price_minor": 2},
                    {"price_minor": 1},
                ]
            },
            "minute_tiers: upto_min must rise",
        ),
        (
            {"pause_tiers": [{"upto_min": 6, "price_minor": 1}, {"upto_min": 3, "price_minor": 2}, {"price_minor": 1}]},
            "pause_tiers: upto_min must rise",
        ),
        ({"pause_tiers": [{"upto_min": 3, "price_minor": 1}]}, "pause_tiers: the last tier must be open"),
        ({"km_tiers": [{"upto_km": 3, "price_minor": 1}]}, "km_tiers: the last tier must be open \\(upto_km null"),
        (
            {"km_tiers": [{"upto_km": 6, "price_minor": 1}, {"upto_km": 3, "price_minor": 2}, {"price_minor": 1}]},
            "km_tiers: upto_km must rise",
        ),
        ({"km_tiers": [{"upto_min": 6, "price_minor": 1}]}, "unknown field `upto_min`"),
        ({"minimum_minor": 501, "ride_cap_minor": 500}, "ride_cap_minor: 500 is less than minimum_minor, 501"),
        ({"minimum_minor": 501, "day_cap_minor": 500}, "day_cap_minor: 500 is less than minimum_minor, 501"),
        ({"ride_cap_minor": 501, "day_cap_minor": 500}, "day_cap_minor: 500 is less than ride_cap_minor, 501"),
        ({"ride_cap_minor": -1}, ">= 0 - at `\\$.ride_cap_minor`"),
        ({"surcharges": [{"title": "Night"}]}, "a surcharge asks for something: pct, amount_minor or per_minute_minor"),
        ({"surcharges": [{"pct": 10}]}, "title"),
        ({"surcharges": [{"title": "Night", "pct": 501}]}, "<= 500 - at .*pct"),
        ({"surcharges": [{"title": "Night", "pct": 1, "windows": [{"from": "25:00"}]}]}, "at .*from"),
        ({"minute_tiers": [{"upto_min": 0, "price_minor": 1}, {"price_minor": 1}]}, ">= 1 - at .*upto_min"),
        ({"minute_tiers": [{"price_minor": -1}]}, ">= 0 - at .*price_minor"),
        ({"minute_tiers": [{"price_minor": 0.5}]}, "Expected `int`"),
        ({"minute_tiers": [{}]}, "price_minor"),
        ({"unlock_minor": -1}, ">= 0 - at `\\$.unlock_minor`"),
        ({"unlock_minor": 2**63}, "unlock_minor"),
        ({"tax_rate": "-0.1"}, "at `\\$.tax_rate`"),
        ({"tax_rate": "1.1"}, "at `\\$.tax_rate`"),
        ({"tax_rate": "25.5"}, "at `\\$.tax_rate`"),
        ({"tax_rate": 0.255}, "Expected `str`, got `float` - at `\\$.tax_rate`"),
        ({"tax_rate": "NaN"}, "at `\\$.tax_rate`"),
        ({"currency": "euro"}, "at `\\$.currency`"),
        ({"minute_tier": []}, "unknown field `minute_tier`"),
        ({"minute_tiers": [{"price_minor": 1, "up_to": 3}]}, "unknown field `up_to`"),
    ],
)
def test_a_wrong_tariff_says_where_and_why(wrong: dict[str, Any], message: str) -> None:
    with pytest.raises(msgspec.ValidationError, match=message):
        msgspec.convert({**WHOLE, **wrong}, Tariff)


@pytest.mark.parametrize(
    "wrong",
    [
        {"kind": "PER_HOUR", "price_minor": 1, "title": "Helmet"},
        {"kind": "FIXED", "price_minor": -1, "title": "Helmet"},
        {"kind": "FIXED", "price_minor": 1, "title": ""},
        {"kind": "FIXED", "price_minor": 1},
    ],
)
def test_a_wrong_add_on_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(wrong, AddonPrice)


@pytest.mark.parametrize(("rate", "pct"), [("0.255", "25.5"), ("0.1", "10"), ("1", "100"), ("0", "0"), ("0.07", "7")])
def test_the_rate_for_people(rate: str, pct: str) -> None:
    assert Tariff(minute_tiers=(Tier(price_minor=1),), tax_rate=rate).tax_pct == pct


def test_a_quote_tells_every_price() -> None:
    helmet = AddonPrice(kind=AddonKind.FIXED, price_minor=150, title="Helmet")
    seat = AddonPrice(kind=AddonKind.PER_MINUTE, price_minor=3, title="Child seat")
    quote = quote_texts(Agreed(tariff=msgspec.convert(WHOLE, Tariff), addons=(helmet, seat)), "SEK")
    assert quote.text == (
        "Unlock 1.00 EUR; Riding, minutes 1 to 3, free; Riding, minutes 4 to 6, 0.20 EUR per minute; "
        "Riding, from minute 7, 0.10 EUR per minute; Pause 0.05 EUR per minute; Helmet 1.50 EUR; "
        "Child seat 0.03 EUR per minute; Tax 25.5 % included"
    )
    assert (quote.currency, quote.tax_rate, quote.tax_inclusive) == ("EUR", "0.255", True)
    assert [(item.code, item.unit, item.price_minor, item.from_nr, item.upto_nr) for item in quote.items] == [
        ("unlock", "once", 100, None, None),
        ("ride_minutes", "minute", 0, 1, 3),
        ("ride_minutes", "minute", 20, 4, 6),
        ("ride_minutes", "minute", 10, 7, None),
        ("pause_minutes", "minute", 5, 1, None),
        ("addon_fixed", "once", 150, None, None),
        ("addon_minutes", "minute", 3, None, None),
    ]


def test_a_quote_of_the_simplest_tariff_in_the_operators_currency() -> None:
    quote = quote_texts(
        Agreed(tariff=Tariff(minute_tiers=(Tier(price_minor=25),), tax_rate="0.1", tax_inclusive=False)), "JPY"
    )
    assert quote.text == "Riding 25 JPY per minute; Pause free; Tax 10 % is added"
    assert quote.currency == "JPY"


def test_a_quote_tells_what_the_rider_would_get() -> None:
    tariff = Tariff(
        unlock_minor=100,
        minute_tiers=(Tier(upto_min=3, price_minor=0), Tier(price_minor=20)),
        km_tiers=(KmTier(upto_km=5, price_minor=0), KmTier(upto_km=9, price_minor=30), KmTier(price_minor=20)),
        minimum_minor=150,
        ride_cap_minor=1500,
        day_cap_minor=3000,
    )
    agreed = Agreed(
        tariff=tariff,
        surcharges=(AppliedSurcharge(title="Night", pct=20, amount_minor=50, per_minute_minor=2),),
        discounts=(
            Discount(kind="promo", id=2, title="Welcome", pct=50),
            Discount(kind="group", id=1, title="Students", pct=10),
        ),
        free_minutes_used=2,
        reservation=ReservationFee(id=1, minutes=10, amount_minor=90, credited=True),
    )
    assert quote_texts(agreed, "EUR").text.split("; ") == [
        "Unlock 1.00 EUR",
        "Riding, minutes 1 to 1, free",
        "Riding, from minute 2, 0.20 EUR per minute",
        "Pause free",
        "Distance, kilometres 1 to 5, free",
        "Distance, kilometres 6 to 9, 0.30 EUR per kilometre",
        "Distance, from kilometre 10, 0.20 EUR per kilometre",
        "Night: 20 % more",
        "Night 0.50 EUR",
        "Night 0.02 EUR per minute",
        "At least 1.50 EUR",
        "Students: 10 % off",
        "Welcome: 50 % off",
        "At most 15.00 EUR a ride",
        "At most 30.00 EUR a day",
        "Reservation, 10 min 0.90 EUR",
        "Reservation credited -0.90 EUR",
    ]


def test_a_quote_tells_quotas_of_what_costs_something() -> None:
    tariff = Tariff(unlock_minor=100, minute_tiers=(Tier(price_minor=20),), minimum_minor=150, tax_rate="0.255")
    quota = Quota(unlocks=1, ride_min=30, pause_min=10, km=5)
    package = AgreedPackage(id=1, title="Half hour", price_minor=300, quota=quota, tax_rate="0.14")
    agreed = Agreed(tariff=tariff, package=package, subscription=AgreedSubscription(id=7, title="Commuter", pct=5))
    left = Quota(unlocks=2, ride_min=12)
    assert quote_texts(agreed, "EUR", left).text.split("; ") == [
        "Half hour 3.00 EUR",
        "Unlock 1.00 EUR",
        "Riding 0.20 EUR per minute",
        "Pause free",
        "Half hour: unlock included",
        "Half hour: 30 riding minutes included",
        "Commuter: unlock included, 2 left",
        "Commuter: 12 included riding minutes left",
        "Commuter: 5 % off",
        "Tax 25.5 % included",
        "Half hour: tax 14 %",
    ]
    added = package_items(package, tariff, "EUR")
    assert [(item.code, item.price_minor, item.included) for item in added] == [
        ("package", 300, None),
        ("package_unlock", 0, 1),
        ("package_minutes", 0, 30),
    ]

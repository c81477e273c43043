"""The JSON form of a tariff: what is provisioned and what is stored."""

from typing import Any

import msgspec
import pytest

from isotope.domain.pricing import AddonPrice, Agreed, Tariff, Tier, quote_texts
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

"""Several rates on one bill, and what of each is in a refund."""

from typing import Any

import msgspec
import pytest

from isotope.domain.pricing import (
    AddonKind,
    AddonPrice,
    Agreed,
    Bill,
    Line,
    Tariff,
    TaxLine,
    Tier,
    Usage,
    bill,
    proportional_tax,
    quote_texts,
    tax_lines,
)

RIDE = Usage(ride_s=600, pause_s=0)
INSURANCE = AddonPrice(kind=AddonKind.FIXED, price_minor=50, title="Insurance", tax_rate="0")
SNACK = AddonPrice(kind=AddonKind.FIXED, price_minor=199, title="Snack", tax_rate="0.140")
HELMET = AddonPrice(kind=AddonKind.PER_MINUTE, price_minor=3, title="Helmet")


def tax(rate: str, net: int, taxed: int) -> TaxLine:
    return TaxLine(rate=rate, net_minor=net, tax_minor=taxed, gross_minor=net + taxed)


def made(*addons: AddonPrice, rate: str = "0.255", inclusive: bool = True) -> Bill:
    tariff = Tariff(
        unlock_minor=100, minute_tiers=(Tier(price_minor=20),), tax_rate=rate, tax_inclusive=inclusive, currency="EUR"
    )
    return bill(Agreed(tariff=tariff, addons=tuple(addons)), RIDE)


def test_each_rate_is_rounded_once_and_the_columns_sum() -> None:
    # 300 + 30 at 25.5 %, 199 at 14 %, 50 untaxed; the tax is in the prices.
    contained = made(SNACK, INSURANCE, HELMET)
    assert contained.taxes == (tax("0", 50, 0), tax("0.14", 175, 24), tax("0.255", 263, 67))
    assert (contained.net_minor, contained.tax_minor, contained.total_minor) == (488, 91, 579)
    assert [line.tax_rate for line in contained.lines] == ["0.255", "0.255", "0.14", "0", "0.255"]


def test_tax_that_is_added_has_a_line_a_rate() -> None:
    added = made(SNACK, INSURANCE, HELMET, inclusive=False)
    assert added.taxes == (tax("0", 50, 0), tax("0.14", 199, 28), tax("0.255", 330, 84))
    assert [(line.text, line.amount_minor, line.tax_rate) for line in added.lines if line.code == "tax"] == [
        ("Tax 14 %", 28, None),
        ("Tax 25.5 %", 84, None),
    ]
    assert sum(line.amount_minor for line in added.lines) == added.total_minor == 691


def test_a_rate_written_in_two_ways_is_one_rate() -> None:
    own = msgspec.structs.replace(HELMET, tax_rate="0.10")
    assert [(line.rate, line.gross_minor) for line in made(own, rate="0.1").taxes] == [("0.1", 330)]


def test_a_bill_without_lines_has_no_tax() -> None:
    nothing = bill(
        Agreed(tariff=Tariff(minute_tiers=(Tier(price_minor=5),), tax_rate="0.255")), Usage(ride_s=0, pause_s=0)
    )
    assert nothing.taxes == ()


@pytest.mark.parametrize(
    ("amount", "rate", "inclusive", "net", "taxed"),
    [
        (100, "0", True, 100, 0),
        (100, "0", False, 100, 0),
        (1255, "0.255", True, 1000, 255),
        (1000, "0.255", False, 1000, 255),
        (5, "0.25", True, 4, 1),
        (10, "0.25", False, 10, 3),  # 2.5, half up
        (50, "0.05", False, 50, 3),  # 2.5, half up: bankers would say 2
        (3, "1", True, 1, 2),  # 1.5, half up
        (0, "0.255", True, 0, 0),
    ],
)
def test_rounding_is_half_up(amount: int, rate: str, inclusive: bool, net: int, taxed: int) -> None:
    assert tax_lines([(rate, amount)], inclusive=inclusive) == (tax(rate, net, taxed),)


def test_one_rate_is_rounded_on_its_sum_and_not_line_by_line() -> None:
    # Each alone would be 0.5 and go up.
    assert tax_lines([("0.05", 10)] * 3, inclusive=False) == (tax("0.05", 30, 2),)


def test_stored_lines_without_a_rate_are_read() -> None:
    old: dict[str, Any] = {"code": "unlock", "text": "Unlock", "quantity": 1, "unit_price_minor": 5, "amount_minor": 5}
    line = msgspec.convert(old, Line)
    assert line.tax_rate is None
    assert msgspec.convert(msgspec.to_builtins(line), Line) == line


def test_a_quote_tells_the_other_rate_of_an_add_on() -> None:
    tariff = Tariff(minute_tiers=(Tier(price_minor=25),), tax_rate="0.255")
    same = msgspec.structs.replace(HELMET, tax_rate="0.2550")
    assert quote_texts(Agreed(tariff=tariff, addons=(SNACK, same)), "EUR").text.endswith(
        "Tax 25.5 % included; Snack: tax 14 %"
    )


WHOLE = (tax("0", 50, 0), tax("0.14", 175, 24), tax("0.255", 263, 67))


@pytest.mark.parametrize(
    ("before", "amount", "parts"),
    [
        (0, 579, WHOLE),
        (0, 0, ()),
        (579, 0, ()),
        # 8.6, 34.4 and 57.0 of 100.
        (0, 100, (tax("0", 8, 0), tax("0.14", 30, 4), tax("0.255", 46, 12))),
        (100, 479, (tax("0", 42, 0), tax("0.14", 145, 20), tax("0.255", 217, 55))),
        # A single cent goes to where most was taxed; the tax follows when enough cents came together.
        (0, 1, (tax("0.255", 1, 0),)),
    ],
)
def test_what_tax_is_in_a_refund(before: int, amount: int, parts: tuple[TaxLine, ...]) -> None:
    assert proportional_tax(WHOLE, before, amount) == parts


@pytest.mark.parametrize(("before", "amount"), [(0, 580), (579, 1), (580, 0), (-1, 1), (0, -1)])
def test_more_than_was_paid_is_never_given_back(before: int, amount: int) -> None:
    with pytest.raises(ValueError, match=f"cannot refund {amount} after {before} of 579"):
        proportional_tax(WHOLE, before, amount)


def test_nothing_of_nothing_is_nothing() -> None:
    assert proportional_tax((), 0, 0) == ()
    assert proportional_tax((tax("0.2", 0, 0),), 0, 0) == ()

"""Laws of prices, for random tariffs and random rides."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing import (
    LINE_CODES,
    Agreed,
    AtEnd,
    Discount,
    Quota,
    Tariff,
    Usage,
    UsageEvent,
    bill,
    least,
    proportional_tax,
    quote_texts,
    same_rate,
    tax_lines,
    usage,
)
from tests.kit import prices
from tests.kit.prices import rates
from tests.properties.price_oracle import SlowPrice

T0 = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

amounts = st.lists(st.tuples(rates, st.integers(0, 3_000) | st.integers(0, 10**12)), max_size=4)

QUOTAS = ("package", "subscription")
PARTS = {"unlock": "unlock", "minutes": "ride_minutes", "pause_minutes": "pause_minutes", "km": "km"}
OFF = {f"{owner}_{part}": priced for owner in QUOTAS for part, priced in PARTS.items()}
DISCOUNTS = {"subscription_discount", "group_discount", "promo_discount"}
LIMITS = {"ride_cap", "day_cap"}
# Lines in whose order the bill goes on; those of one group stand as they were agreed.
GROUPS = [
    {"package"},
    {"unlock"},
    {"ride_minutes"},
    {"pause_minutes"},
    {"km"},
    {"surcharge_pct", "surcharge_fixed", "surcharge_minutes"},
    *({f"{owner}_{part}"} for owner in QUOTAS for part in PARTS),
    {"subscription_discount"},
    {"minimum"},
    {"group_discount"},
    {"promo_discount"},
    {"ride_cap"},
    {"day_cap"},
    {"addon_fixed", "addon_minutes", "addon_km"},
    {"reservation_fee"},
    {"reservation_credit"},
    {"paid_parking", "parking_fine"},
    {"correction_failed_ride", "correction_repark_grace"},
    {"tax"},
]
RIDE = set().union(*GROUPS[1:20])


@given(prices.agreements, prices.short_usages, prices.ends)
def test_equals_a_slow_oracle(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    made = bill(agreed, used, at_end)
    slow = SlowPrice(agreed, used, at_end)
    assert made.ride_minor == slow.ride
    assert msgspec.structs.asdict(made.quota_used) == slow.used
    assert made.tax_minor == slow.tax(agreed.tariff)
    assert made.total_minor == slow.total(agreed.tariff)


@given(prices.agreements, prices.usages, prices.ends)
def test_everything_sums_and_nothing_is_negative(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    made = bill(agreed, used, at_end)
    assert sum(line.amount_minor for line in made.lines) == made.total_minor
    assert made.net_minor + made.tax_minor == made.total_minor
    assert min(made.net_minor, made.tax_minor, made.total_minor, made.ride_minor) >= 0
    columns = [[tax.net_minor, tax.tax_minor, tax.gross_minor] for tax in made.taxes]
    assert [sum(column) for column in zip([0, 0, 0], *columns, strict=True)] == [
        made.net_minor,
        made.tax_minor,
        made.total_minor,
    ]
    assert all(amount >= 0 for column in columns for amount in column)


@given(prices.agreements, prices.usages, prices.ends)
def test_every_line_says_how_it_came_about(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    made = bill(agreed, used, at_end)
    takes_off = {*OFF, *DISCOUNTS, *LIMITS, "reservation_credit", *GROUPS[-2]}
    for line in made.lines:
        assert line.quantity > 0
        assert line.quantity * line.unit_price_minor == line.amount_minor
        assert line.amount_minor <= 0 if line.code in takes_off else line.amount_minor >= 0
        assert line.amount_minor != 0 or line.code not in takes_off
        assert line.text
        assert "{" not in line.text
        assert not line.text.endswith(".")  # the catalogue has it
        assert any(line.code.startswith(code) for code in LINE_CODES)
    order = [next(nr for nr, group in enumerate(GROUPS) if line.code in group) for line in made.lines]
    assert order == sorted(order)


@given(prices.agreements, prices.usages, prices.ends)
def test_the_ride_price_is_its_lines_within_the_limits(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    at_end = msgspec.structs.replace(at_end, correction=None)
    made = bill(agreed, used, at_end)
    assert made.ride_minor == sum(line.amount_minor for line in made.lines if line.code in RIDE)
    tariff = agreed.tariff
    assert tariff.ride_cap_minor is None or made.ride_minor <= tariff.ride_cap_minor
    if tariff.day_cap_minor is not None:
        assert made.ride_minor <= max(0, tariff.day_cap_minor - at_end.spent_today_minor)
    for line in made.lines:
        if line.code in RIDE:
            assert same_rate(line.tax_rate or "") == same_rate(tariff.tax_rate)


@given(prices.agreements, prices.usages, prices.ends)
def test_no_more_of_a_quota_is_used_than_there_is(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    made = bill(agreed, used, at_end)
    given_by = {
        "package": Quota() if agreed.package is None else agreed.package.quota,
        "subscription": Quota() if agreed.subscription is None else at_end.quota_left,
    }
    fields = dict(zip(PARTS, ("unlocks", "ride_min", "pause_min", "km"), strict=True))
    for part, field in fields.items():
        for owner, quota in given_by.items():
            taken = sum(line.quantity for line in made.lines if line.code == f"{owner}_{part}")
            assert taken <= getattr(quota, field)
            if owner == "subscription" and at_end.correction is None:
                assert getattr(made.quota_used, field) == taken
        assert 0 <= getattr(made.quota_used, field) <= getattr(given_by["subscription"], field)
        metered = sum(line.amount_minor for line in made.lines if line.code == PARTS[part])
        off = sum(line.amount_minor for line in made.lines if OFF.get(line.code) == PARTS[part])
        assert metered + off >= 0


@given(prices.agreements, prices.usages, prices.ends, prices.seconds, prices.seconds, prices.metres)
def test_a_longer_ride_never_costs_less(
    agreed: Agreed, used: Usage, at_end: AtEnd, more_ride_s: int, more_pause_s: int, more_m: int
) -> None:
    """Neither in time nor in distance, whatever is agreed and corrected."""
    longer = Usage(
        ride_s=used.ride_s + more_ride_s, pause_s=used.pause_s + more_pause_s, distance_m=used.distance_m + more_m
    )
    short, long = bill(agreed, used, at_end), bill(agreed, longer, at_end)
    assert short.total_minor <= long.total_minor
    assert short.net_minor <= long.net_minor
    assert short.tax_minor <= long.tax_minor
    assert short.ride_minor <= long.ride_minor
    of_rate = {tax.rate: tax.gross_minor for tax in long.taxes}
    assert all(tax.gross_minor <= of_rate[tax.rate] for tax in short.taxes)


@given(prices.agreements, prices.short_usages, prices.ends)
def test_the_next_minute_and_the_next_kilometre_never_cost_less(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    """Where a price would fall, it would fall at a border of a tier or a quota."""
    was = bill(agreed, used, at_end).total_minor
    for _step in range(3):
        used = Usage(ride_s=used.ride_s + 60, pause_s=used.pause_s, distance_m=used.distance_m)
        ridden = bill(agreed, used, at_end).total_minor
        used = Usage(ride_s=used.ride_s, pause_s=used.pause_s + 60, distance_m=used.distance_m)
        paused = bill(agreed, used, at_end).total_minor
        used = Usage(ride_s=used.ride_s, pause_s=used.pause_s, distance_m=used.distance_m + 1000)
        moved = bill(agreed, used, at_end).total_minor
        assert was <= ridden <= paused <= moved
        was = moved


@given(prices.agreements, prices.usages, prices.ends)
def test_no_ride_costs_less_than_its_first_second(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    at_end = msgspec.structs.replace(at_end, correction=None)
    ridden = msgspec.structs.replace(used, ride_s=used.ride_s + 1)
    assert least(agreed, at_end) <= bill(agreed, ridden, at_end).total_minor


@given(prices.agreements, prices.usages, prices.ends)
def test_a_correction_takes_off_and_never_adds(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    metered = bill(agreed, used, msgspec.structs.replace(at_end, correction=None))
    made = bill(agreed, used, at_end)
    assert made.total_minor <= metered.total_minor
    codes = [line.code for line in made.lines if not line.code.startswith("correction_") and line.code != "tax"]
    assert codes == [line.code for line in metered.lines if line.code != "tax"]
    if at_end.correction is not None and at_end.correction.counted is None:
        assert (made.total_minor, made.ride_minor, made.quota_used) == (0, 0, Quota())


@given(prices.agreements, prices.usages, prices.ends, prices.quotas, prices.percents)
def test_whoever_has_more_never_pays_more(
    agreed: Agreed, used: Usage, at_end: AtEnd, more: Quota, more_pct: int
) -> None:
    """A larger quota, and one discount more."""
    left = at_end.quota_left
    larger = Quota(
        unlocks=left.unlocks + more.unlocks,
        ride_min=left.ride_min + more.ride_min,
        pause_min=left.pause_min + more.pause_min,
        km=left.km + more.km,
    )
    price = bill(agreed, used, at_end).ride_minor
    assert bill(agreed, used, msgspec.structs.replace(at_end, quota_left=larger)).ride_minor <= price
    one_more = Discount(kind="promo", id=2, title="Welcome", pct=more_pct)
    cheaper = msgspec.structs.replace(agreed, discounts=(*agreed.discounts, one_more))
    assert bill(cheaper, used, at_end).ride_minor <= price


@given(prices.agreements, st.lists(st.tuples(prices.usages, prices.ends), min_size=1, max_size=6))
def test_the_rides_of_a_day_never_cost_more_than_its_limit(agreed: Agreed, rides: list[tuple[Usage, AtEnd]]) -> None:
    spent = 0
    for used, at_end in rides:
        spent += bill(agreed, used, msgspec.structs.replace(at_end, spent_today_minor=spent)).ride_minor
        assert agreed.tariff.day_cap_minor is None or spent <= agreed.tariff.day_cap_minor


@given(prices.agreements, prices.usages, prices.ends)
def test_the_quote_holds_every_line_of_the_bill(agreed: Agreed, used: Usage, at_end: AtEnd) -> None:
    """But for those of the place where the ride ends, and of the tax."""
    at_end = msgspec.structs.replace(at_end, zone_charges=(), correction=None)
    items = quote_texts(agreed, "EUR", at_end.quota_left).items
    told = {(item.code, item.unit, item.price_minor) for item in items}
    for line in bill(agreed, used, at_end).lines:
        if line.code in OFF:
            assert any(item.code == line.code and (item.included or 0) >= line.quantity for item in items)
            assert (OFF[line.code], line.unit, -line.unit_price_minor) in told
        elif line.code in DISCOUNTS or line.code == "surcharge_pct":
            assert any(item.code == line.code and item.pct and f"{item.pct} %" in line.text for item in items)
        elif line.code in {"minimum", *LIMITS}:
            assert any(item.code == line.code and item.unit == line.unit for item in items)
        elif line.code != "tax":
            assert (line.code, line.unit, line.unit_price_minor) in told


@given(prices.agreements, prices.quotas, st.integers(1, 120))
def test_the_quoted_tiers_are_what_each_minute_and_kilometre_costs(agreed: Agreed, quota_left: Quota, nr: int) -> None:
    """Also for who rides the same vehicle again."""
    items = quote_texts(agreed, "EUR", quota_left).items
    tariff = Tariff(
        minute_tiers=agreed.tariff.minute_tiers,
        pause_tiers=agreed.tariff.pause_tiers,
        km_tiers=agreed.tariff.km_tiers,
    )
    bare = Agreed(tariff=tariff, free_minutes_used=agreed.free_minutes_used)

    def cost(units: int, code: str) -> int:
        used = Usage(
            ride_s=60 * units if code == "ride_minutes" else 0,
            pause_s=60 * units if code == "pause_minutes" else 0,
            distance_m=1000 * units if code == "km" else 0,
        )
        return bill(bare, used).total_minor

    for code in ("ride_minutes", "pause_minutes", "km"):
        holding = [
            item
            for item in items
            if item.code == code and (item.from_nr or 0) <= nr and (item.upto_nr is None or nr <= item.upto_nr)
        ]
        told = sum(item.price_minor for item in holding)
        assert len(holding) == (0 if code == "km" and not tariff.km_tiers else 1)
        assert told == cost(nr, code) - cost(nr - 1, code)


@given(prices.agreements, prices.usages, prices.ends, st.data())
def test_what_is_given_back_of_a_bill_in_parts_is_the_bill(
    agreed: Agreed, used: Usage, at_end: AtEnd, data: st.DataObject
) -> None:
    made = bill(agreed, used, at_end)
    cuts = sorted(data.draw(st.lists(st.integers(0, made.total_minor), max_size=4)))
    parts = [
        part
        for before, after in pairwise([0, *cuts, made.total_minor])
        for part in proportional_tax(made.taxes, before, after - before)
    ]
    assert sum(part.gross_minor for part in parts) == made.total_minor
    assert sum(part.tax_minor for part in parts) == made.tax_minor
    assert sum(part.net_minor for part in parts) == made.net_minor


@given(amounts, st.booleans())
def test_tax_lines_rise_and_each_sums(taxed: list[tuple[str, int]], inclusive: bool) -> None:
    made = tax_lines(taxed, inclusive=inclusive)
    assert all(Decimal(low.rate) < Decimal(high.rate) for low, high in pairwise(made))
    assert sum(t.gross_minor if inclusive else t.net_minor for t in made) == sum(amount for _rate, amount in taxed)
    for line in made:
        assert line.net_minor + line.tax_minor == line.gross_minor
        assert min(line.net_minor, line.tax_minor) >= 0


@given(amounts, st.booleans(), st.data())
def test_refunds_up_to_the_whole_give_back_exactly_the_tax(
    taxed: list[tuple[str, int]], inclusive: bool, data: st.DataObject
) -> None:
    taxes = tax_lines(taxed, inclusive=inclusive)
    total = sum(line.gross_minor for line in taxes)
    cuts = sorted(data.draw(st.lists(st.integers(0, total), max_size=6)))
    back: dict[str, list[int]] = {line.rate: [0, 0, 0] for line in taxes}
    for before, after in pairwise([0, *cuts, total]):
        parts = proportional_tax(taxes, before, after - before)
        assert sum(part.gross_minor for part in parts) == after - before
        for part in parts:
            assert part.net_minor + part.tax_minor == part.gross_minor > 0
            assert min(part.net_minor, part.tax_minor) >= 0
            for nr, amount in enumerate((part.net_minor, part.tax_minor, part.gross_minor)):
                back[part.rate][nr] += amount
    assert back == {line.rate: [line.net_minor, line.tax_minor, line.gross_minor] for line in taxes}


steps = st.lists(st.tuples(st.integers(0, 10**9), st.integers(0, 10**9)), min_size=1, max_size=8)


def ride_of(lengths_us: Sequence[tuple[int, int]]) -> tuple[list[UsageEvent], datetime]:
    """A ride of (riding, pausing) stretches in microseconds."""
    now = T0
    events = [UsageEvent("STARTED", now)]
    for ride_us, pause_us in lengths_us:
        events.append(UsageEvent("PAUSED", now := now + timedelta(microseconds=ride_us)))
        events.append(UsageEvent("RESUMED", now := now + timedelta(microseconds=pause_us)))
    events.append(UsageEvent("ENDED", now))
    return events, now


@given(steps)
def test_stretches_are_summed_before_they_are_rounded(lengths_us: list[tuple[int, int]]) -> None:
    events, end = ride_of(lengths_us)
    expected = Usage(
        ride_s=sum(ride for ride, _pause in lengths_us) // 1_000_000,
        pause_s=sum(pause for _ride, pause in lengths_us) // 1_000_000,
    )
    assert usage(events, end) == expected
    assert usage(events, end + timedelta(days=1)) == expected


@given(steps, st.data())
def test_splitting_a_pause_changes_nothing(lengths_us: list[tuple[int, int]], data: st.DataObject) -> None:
    split: list[tuple[int, int]] = []
    for ride_us, pause_us in lengths_us:
        cut = data.draw(st.integers(0, pause_us))
        split += [(ride_us, cut), (0, pause_us - cut)]
    events, end = ride_of(lengths_us)
    split_events, split_end = ride_of(split)
    assert split_end == end
    assert usage(split_events, end) == usage(events, end)


kinds = st.sampled_from(["STARTED", "PAUSED", "RESUMED", "ENDED", "END_REFUSED", "REQUESTED"])
histories = st.lists(st.tuples(kinds, st.integers(0, 2_000)), max_size=12)


@given(histories, st.integers(0, 2_000), st.integers(0, 2_000))
def test_any_history_at_all_gives_a_meter_that_never_runs_backwards(
    history: list[tuple[str, int]], until_s: int, more_s: int
) -> None:
    """Also with events in disorder, repeated, missing, or with clocks that disagree."""
    events = [UsageEvent(kind, T0 + timedelta(seconds=at_s)) for kind, at_s in history]
    then, later = T0 + timedelta(seconds=until_s), T0 + timedelta(seconds=until_s + more_s)
    before, after = usage(events, then), usage(events, later)
    assert 0 <= before.ride_s <= after.ride_s
    assert 0 <= before.pause_s <= after.pause_s
    # No second is counted twice.
    assert before.ride_s + before.pause_s <= until_s
    assert (after.ride_s + after.pause_s) - (before.ride_s + before.pause_s) <= more_s

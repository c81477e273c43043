"""Laws of prices, for random tariffs and random rides."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing import (
    AddonKind,
    AddonPrice,
    Agreed,
    Bill,
    Tariff,
    Tier,
    Usage,
    UsageEvent,
    bill,
    proportional_tax,
    quote_texts,
    tax_lines,
    usage,
)

T0 = datetime(2026, 6, 1, 12, 0, tzinfo=UTC)

prices = st.one_of(st.integers(0, 500), st.integers(0, 1_000_000_000))
seconds = st.one_of(st.integers(0, 1_500), st.integers(0, 10**9))
rates = st.integers(0, 1_000_000).map(lambda millionths: f"{Decimal(millionths) / 1_000_000:f}")


@st.composite
def tiers(draw: st.DrawFn, *, least: int) -> tuple[Tier, ...]:
    bounds = sorted(draw(st.sets(st.integers(1, 20), max_size=4)))
    if least == 0 and draw(st.booleans()):
        return ()
    closed = [Tier(upto_min=bound, price_minor=draw(prices)) for bound in bounds]
    return (*closed, Tier(price_minor=draw(prices)))


tariffs = st.builds(
    Tariff,
    unlock_minor=prices,
    minute_tiers=tiers(least=1),
    pause_tiers=tiers(least=0),
    tax_rate=rates,
    tax_inclusive=st.booleans(),
)
addons = st.lists(
    st.builds(
        AddonPrice,
        kind=st.sampled_from(AddonKind),
        price_minor=prices,
        title=st.just("Helmet"),
        tax_rate=st.none() | st.sampled_from(["0", "0.1", "0.10"]) | rates,
    ),
    max_size=3,
)
amounts = st.lists(st.tuples(rates, st.integers(0, 3_000) | st.integers(0, 10**12)), max_size=4)
usages = st.builds(Usage, ride_s=seconds, pause_s=seconds)


def slow_sums(tariff: Tariff, extras: Sequence[AddonPrice], used: Usage) -> dict[Decimal, int]:
    """Price before tax by rate, each add-on priced as if it were taken along alone."""
    own = Decimal(tariff.tax_rate)
    sums = {own: slow_price_before_tax(tariff, (), used)}
    nothing = Tariff(minute_tiers=(Tier(price_minor=0),))
    for extra in extras:
        rate = own if extra.tax_rate is None else Decimal(extra.tax_rate)
        sums[rate] = sums.get(rate, 0) + slow_price_before_tax(nothing, (extra,), used)
    return sums


def slow_price_before_tax(tariff: Tariff, extras: Sequence[AddonPrice], used: Usage) -> int:
    """Second by second: whoever begins a minute pays for it."""
    total = tariff.unlock_minor
    for rates_by_minute, length_s, is_ride in (
        (tariff.minute_tiers, used.ride_s, True),
        (tariff.pause_tiers, used.pause_s, False),
    ):
        for second in range(length_s):
            if second % 60:
                continue
            minute = second // 60 + 1
            if rates_by_minute:
                open_tiers = [tier for tier in rates_by_minute if tier.upto_min is None or minute <= tier.upto_min]
                total += open_tiers[0].price_minor
            if is_ride:
                total += sum(extra.price_minor for extra in extras if extra.kind == "PER_MINUTE")
    return total + sum(extra.price_minor for extra in extras if extra.kind == "FIXED")


def slow_tax(amount_minor: int, rate: Decimal, *, inclusive: bool) -> int:
    with localcontext(prec=80):
        exact = amount_minor * rate / (1 + rate) if inclusive else amount_minor * rate
        return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@given(tariffs, addons, st.builds(Usage, ride_s=st.integers(0, 1_800), pause_s=st.integers(0, 1_800)))
def test_equals_a_slow_oracle(tariff: Tariff, extras: list[AddonPrice], used: Usage) -> None:
    made = bill(Agreed(tariff=tariff, addons=tuple(extras)), used)
    sums = slow_sums(tariff, extras, used)
    tax = sum(slow_tax(amount, rate, inclusive=tariff.tax_inclusive) for rate, amount in sums.items())
    assert made.tax_minor == tax
    assert made.total_minor == sum(sums.values()) + (0 if tariff.tax_inclusive else tax)


@given(tariffs, addons, usages)
def test_everything_sums_and_nothing_is_negative(tariff: Tariff, extras: list[AddonPrice], used: Usage) -> None:
    made: Bill = bill(Agreed(tariff=tariff, addons=tuple(extras)), used)
    assert sum(line.amount_minor for line in made.lines) == made.total_minor
    assert made.net_minor + made.tax_minor == made.total_minor
    assert min(made.net_minor, made.tax_minor, made.total_minor) >= 0
    assert [
        sum(column) for column in zip(*((t.net_minor, t.tax_minor, t.gross_minor) for t in made.taxes), strict=True)
    ] in (
        [made.net_minor, made.tax_minor, made.total_minor],
        [],
    )
    for line in made.lines:
        assert line.quantity > 0
        assert line.quantity * line.unit_price_minor == line.amount_minor >= 0
        assert line.text


@given(tariffs, addons, usages, seconds, seconds)
def test_a_longer_ride_never_costs_less(
    tariff: Tariff, extras: list[AddonPrice], used: Usage, more_ride_s: int, more_pause_s: int
) -> None:
    longer = Usage(ride_s=used.ride_s + more_ride_s, pause_s=used.pause_s + more_pause_s)
    short, long = (
        bill(Agreed(tariff=tariff, addons=tuple(extras)), used),
        bill(Agreed(tariff=tariff, addons=tuple(extras)), longer),
    )
    assert short.total_minor <= long.total_minor
    assert short.net_minor <= long.net_minor
    assert short.tax_minor <= long.tax_minor


@given(tariffs, addons, usages)
def test_the_quote_holds_every_price_of_the_bill(tariff: Tariff, extras: list[AddonPrice], used: Usage) -> None:
    told = {
        (item.code, item.price_minor) for item in quote_texts(Agreed(tariff=tariff, addons=tuple(extras)), "EUR").items
    }
    billed = {
        (line.code, line.unit_price_minor)
        for line in bill(Agreed(tariff=tariff, addons=tuple(extras)), used).lines
        if line.code != "tax"
    }
    assert billed <= told


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

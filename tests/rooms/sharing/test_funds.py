"""When a ride's money runs out, and what a look at it decides."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import product
from typing import Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing import AddonKind, AddonPrice, Agreed, AtEnd, Tariff, Tier, Usage
from isotope.domain.sharing.funds import (
    MOST_S,
    Decision,
    FundsFacts,
    Limits,
    Meter,
    Phase,
    Step,
    cost_minor,
    funds_watch,
    second_of_cost,
    seconds_to_change,
)
from tests.kit import prices as kit

prices = st.integers(0, 60)
tiers = st.builds(
    lambda bounds, amounts: tuple(
        Tier(upto_min=upto, price_minor=amount)
        for upto, amount in zip([*sorted(bounds), None], amounts[: len(bounds) + 1], strict=True)
    ),
    st.sets(st.integers(1, 12), max_size=3),
    st.lists(prices, min_size=4, max_size=4),
)
tariffs = st.builds(
    Tariff,
    unlock_minor=prices,
    minute_tiers=tiers,
    pause_tiers=st.just(()) | tiers,
    tax_rate=st.sampled_from(["0", "0.1", "0.255"]),
    tax_inclusive=st.booleans(),
)
addons = st.lists(
    st.builds(AddonPrice, kind=st.sampled_from(AddonKind), price_minor=prices, title=st.just("Helmet")), max_size=2
)
usages = st.builds(Usage, ride_s=st.integers(0, 500), pause_s=st.integers(0, 300))
meters = st.builds(
    Meter,
    agreed=st.builds(Agreed, tariff=tariffs, addons=addons.map(tuple)),
    usage=usages,
    runs=st.sampled_from(["RIDE", "PAUSE", None]),
)
garages = st.lists(meters, max_size=3)

WITHIN_S = 400


@given(garages, st.integers(-50, 600))
def test_the_second_of_a_cost_is_the_one_that_counting_finds(rides: list[Meter], amount: int) -> None:
    counted = next((second for second in range(WITHIN_S + 1) if cost_minor(rides, second) >= amount), None)
    assert second_of_cost(rides, amount, WITHIN_S) == counted


@given(kit.agreements, kit.short_usages, kit.ends, st.sampled_from(["RIDE", "PAUSE"]), st.integers(0, 3_000))
def test_whatever_is_agreed_costs_are_found_by_halving(
    agreed: Agreed, usage: Usage, at_end: AtEnd, runs: Literal["RIDE", "PAUSE"], more: int
) -> None:
    """With quotas, discounts, limits and corrections too: nothing comes before that second, and it comes in it."""
    meter = Meter(agreed=agreed, usage=usage, runs=runs, at_end=at_end)
    amount = meter.cost_minor(0) + more
    found = second_of_cost([meter], amount, WITHIN_S)
    before_s = usage.ride_s if runs == "RIDE" else usage.pause_s
    begins = [second for second in range(1, WITHIN_S + 1) if (before_s + second) % 60 == 1]
    counted = next((second for second in [0, *begins] if meter.cost_minor(second) >= amount), None)
    assert found == counted


@given(
    rides=garages,
    balance=st.integers(0, 600),
    bonus=st.integers(0, 200),
    limit=st.none() | st.integers(0, 200),
    warn=st.integers(0, 200),
    below=st.none() | st.integers(0, 300),
)
def test_the_next_change_is_the_one_that_counting_finds(
    rides: list[Meter], balance: int, bonus: int, limit: int | None, warn: int, below: int | None
) -> None:
    def state(second: int) -> tuple[bool, bool, bool]:
        left = balance + bonus - cost_minor(rides, second)
        after = balance - max(0, cost_minor(rides, second) - bonus)
        return (
            limit is not None and left <= limit + warn,
            limit is not None and left <= limit,
            below is not None and after < below,
        )

    counted = next((second for second in range(1, WITHIN_S) if state(second) != state(0)), WITHIN_S)
    limits = Limits(limit_minor=limit, warn_minor=warn, top_up_below_minor=below)
    assert seconds_to_change(rides, limits, balance_minor=balance, bonus_minor=bonus, most_s=WITHIN_S) == counted


def test_a_minute_is_paid_when_it_begins() -> None:
    tariff = Tariff(minute_tiers=(Tier(price_minor=20),))
    ride = Meter(agreed=Agreed(tariff=tariff), usage=Usage(ride_s=30, pause_s=0), runs="RIDE")
    assert second_of_cost([ride], 21, MOST_S) == 31
    assert second_of_cost([ride, replace(ride, runs=None)], 41, MOST_S) == 31
    assert second_of_cost([replace(ride, runs="PAUSE")], 21, MOST_S) is None


RICH = FundsFacts(
    phase="RIDING",
    left_minor=1_000,
    limit_minor=100,
    warn_minor=200,
    wants_top_up=False,
    top_up_now=False,
    on_its_way=False,
    warned=False,
    told=None,
    obeyed=True,
    can_slow=True,
    stands=False,
    may_end=True,
    stops_failed=0,
    change_s=77,
)
POOR = replace(RICH, left_minor=100, warned=True)
SLOW = replace(POOR, told="SLOW")


@pytest.mark.parametrize(
    ("facts", "step", "look_s"),
    [
        (RICH, Step.WAIT, 77),
        (replace(RICH, left_minor=301), Step.WAIT, 77),
        (replace(RICH, left_minor=300), Step.WARN, 77),
        (replace(RICH, left_minor=300, warned=True), Step.WAIT, 77),
        (replace(RICH, left_minor=101, warned=True), Step.WAIT, 77),
        (replace(RICH, left_minor=100), Step.WARN, 15),
        (POOR, Step.SLOW, 15),
        (replace(POOR, left_minor=-5_000), Step.SLOW, 15),
        (replace(POOR, stands=True), Step.SLOW, 15),
        (SLOW, Step.WAIT, 15),
        (replace(SLOW, stands=True), Step.STOP, 15),
        (replace(SLOW, stands=True, may_end=False), Step.WAIT, 15),
        (replace(SLOW, stands=True, on_its_way=True), Step.WAIT, 15),
        (replace(SLOW, stands=True, stops_failed=2), Step.STOP, 60),
        (replace(SLOW, stands=True, stops_failed=99), Step.STOP, 600),
        (replace(SLOW, obeyed=False), Step.SLOW, 15),
        (replace(SLOW, obeyed=False, stands=True), Step.STOP, 15),
        (replace(POOR, told="FULL"), Step.SLOW, 15),
        (replace(POOR, can_slow=False), Step.WAIT, 15),
        (replace(POOR, can_slow=False, stands=True), Step.STOP, 15),
        (replace(POOR, phase="PAUSED", stands=True), Step.STOP, 15),
        (replace(POOR, phase="PAUSED"), Step.WAIT, 15),
        (replace(SLOW, left_minor=101), Step.RELEASE, 15),
        (replace(RICH, told="FULL"), Step.WAIT, 77),
        (replace(RICH, told="FULL", obeyed=False), Step.RELEASE, 15),
        (replace(POOR, phase="WAITING", stands=True), Step.WAIT, 15),
        (replace(POOR, phase="OVER", stands=True), Step.NOTHING, None),
        (replace(SLOW, phase="OVER"), Step.RELEASE, 60),
        (replace(SLOW, phase="OVER", told="FULL"), Step.NOTHING, None),
        (replace(SLOW, phase="OVER", told="FULL", obeyed=False), Step.RELEASE, 60),
        (replace(POOR, limit_minor=None, stands=True), Step.NOTHING, None),
        (replace(POOR, limit_minor=None, wants_top_up=True, stands=True), Step.WAIT, 77),
        (replace(POOR, limit_minor=None, wants_top_up=True, top_up_now=True), Step.TOP_UP, 15),
        (replace(RICH, wants_top_up=True, top_up_now=True), Step.TOP_UP, 15),
        (replace(POOR, wants_top_up=True, top_up_now=True), Step.TOP_UP, 15),
    ],
)
def test_what_a_look_decides(facts: FundsFacts, step: Step, look_s: int | None) -> None:
    assert funds_watch(facts) == Decision(step, look_s)


def all_facts() -> Iterator[FundsFacts]:
    """Every combination of what matters, with 100 as the limit and the warning 50 above it."""
    names = ("wants_top_up", "top_up_now", "on_its_way", "warned", "obeyed", "can_slow", "stands", "may_end")
    phases: tuple[Phase, ...] = ("RIDING", "PAUSED", "WAITING", "OVER")
    tolds: tuple[Literal["SLOW", "FULL"] | None, ...] = (None, "SLOW", "FULL")
    for phase, told, limit, left in product(phases, tolds, (None, 100), (-1, 100, 101, 150, 151)):
        for flags in product((False, True), repeat=len(names)):
            yield FundsFacts(
                phase=phase,
                told=told,
                limit_minor=limit,
                left_minor=left,
                warn_minor=50,
                stops_failed=0,
                change_s=77,
                **dict(zip(names, flags, strict=True)),
            )


def test_nothing_is_stopped_that_moves_has_money_or_may_not_end() -> None:
    stopped = 0
    for facts in all_facts():
        decision = funds_watch(facts)
        if decision.step is Step.STOP:
            stopped += 1
            assert facts.stands
            assert facts.may_end
            assert facts.warned
            assert not facts.on_its_way
            assert facts.phase in ("RIDING", "PAUSED")
            assert facts.limit_minor is not None
            assert facts.left_minor <= facts.limit_minor
        assert (decision.look_s is None) == (decision.step is Step.NOTHING)
    assert stopped > 0


def test_whoever_has_money_again_or_is_done_goes_at_full_speed() -> None:
    for facts in all_facts():
        if facts.told != "SLOW" or facts.phase == "WAITING":
            continue
        has_money = facts.limit_minor is None or facts.left_minor > facts.limit_minor
        if facts.phase == "OVER" or (has_money and not facts.top_up_now):
            assert funds_watch(facts).step is Step.RELEASE

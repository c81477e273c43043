"""Rides that pause or end by themselves: the decision."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.sharing.auto import (
    MOST_TRIES,
    AutoDecision,
    AutoFacts,
    AutoStep,
    Standstill,
    auto_step,
    has_moved,
    idle_since,
)
from isotope.domain.sharing.model import EventKind, RideEvent
from isotope.domain.tenants.model import AutoSettings
from isotope.kernel.actor import SYSTEM
from isotope.kernel.geo import Point

MIN = 60
SETTINGS = AutoSettings(
    pause_idle_min=5,
    end_idle_min=10,
    battery_pct=3,
    contact_lost_min=30,
    pause_max_min=120,
    ride_max_min=1_440,
    ghost_min=10,
)
OFF = AutoSettings(
    pause_idle_min=None,
    end_idle_min=None,
    battery_pct=None,
    contact_lost_min=None,
    pause_max_min=None,
    ride_max_min=None,
    ghost_min=1_440,
)
RIDING = AutoFacts(
    phase="RIDING",
    ride_s=20 * MIN,
    pause_s=0,
    idle_s=0,
    moved=True,
    locked=False,
    silent_s=5,
    battery_pct=50,
    stands=True,
    may_end=True,
    failed_locks=0,
    alerted=(),
)
PAUSED = replace(RIDING, phase="PAUSED", locked=True)


def change(facts: AutoFacts, **changes: Any) -> AutoFacts:
    return replace(facts, **changes)


@pytest.mark.parametrize(
    ("facts", "step", "reason"),
    [
        (RIDING, "NOTHING", ""),
        (PAUSED, "NOTHING", ""),
        (change(RIDING, phase="OTHER", ride_s=10**6, idle_s=10**6, battery_pct=0), "NOTHING", ""),
        # ghosts
        (change(RIDING, moved=False, locked=True, idle_s=10 * MIN), "END_FREE", "ghost"),
        (change(RIDING, moved=False, locked=True, idle_s=10 * MIN - 1), "NOTHING", ""),
        (change(RIDING, moved=True, locked=True, idle_s=10 * MIN), "END", "idle"),
        (change(RIDING, moved=False, locked=None, idle_s=10 * MIN), "END", "idle"),
        (change(RIDING, moved=False, locked=True, idle_s=40 * MIN, silent_s=30 * MIN), "ALERT", "contact_lost"),
        (change(PAUSED, moved=False, idle_s=10 * MIN), "NOTHING", ""),
        # idle
        (change(RIDING, idle_s=5 * MIN - 1), "NOTHING", ""),
        (change(RIDING, idle_s=5 * MIN), "PAUSE", "idle"),
        (change(RIDING, idle_s=5 * MIN, stands=False), "NOTHING", ""),
        (change(RIDING, idle_s=10 * MIN), "END", "idle"),
        (change(RIDING, idle_s=10 * MIN, may_end=False), "ALERT", "idle"),
        (change(RIDING, idle_s=10 * MIN, may_end=False, alerted={"idle"}), "NOTHING", ""),
        (change(RIDING, idle_s=10 * MIN, stands=False), "NOTHING", ""),
        (change(RIDING, idle_s=10 * MIN, failed_locks=MOST_TRIES), "ALERT", "lock_fails"),
        (change(RIDING, idle_s=10 * MIN, failed_locks=MOST_TRIES - 1), "END", "idle"),
        # battery
        (change(RIDING, battery_pct=3), "NOTHING", ""),
        (change(RIDING, battery_pct=2), "END", "battery_low"),
        (change(RIDING, battery_pct=2, stands=False), "NOTHING", ""),
        (change(RIDING, battery_pct=2, may_end=False), "ALERT", "battery_low"),
        (change(RIDING, battery_pct=None), "NOTHING", ""),
        # contact
        (change(RIDING, silent_s=30 * MIN), "ALERT", "contact_lost"),
        (change(RIDING, silent_s=None), "ALERT", "contact_lost"),
        (change(RIDING, silent_s=30 * MIN, alerted={"contact_lost"}), "NOTHING", ""),
        (change(RIDING, silent_s=30 * MIN - 1), "NOTHING", ""),
        # pauses
        (change(PAUSED, pause_s=120 * MIN - 1), "NOTHING", ""),
        (change(PAUSED, pause_s=120 * MIN), "END", "paused_too_long"),
        (change(PAUSED, pause_s=120 * MIN, stands=False), "END", "paused_too_long"),
        (change(PAUSED, pause_s=120 * MIN, silent_s=40 * MIN, stands=False), "END", "paused_too_long"),
        (change(PAUSED, pause_s=120 * MIN, locked=None, stands=False), "NOTHING", ""),
        (change(PAUSED, pause_s=120 * MIN, may_end=False), "ALERT", "paused_too_long"),
        (change(RIDING, pause_s=120 * MIN), "NOTHING", ""),
        # length
        (change(RIDING, ride_s=1_440 * MIN), "END", "ride_too_long"),
        (change(PAUSED, ride_s=1_440 * MIN, pause_s=120 * MIN), "END", "ride_too_long"),
        (change(RIDING, ride_s=1_440 * MIN, may_end=False), "ALERT", "ride_too_long"),
    ],
)
def test_the_table(facts: AutoFacts, step: str, reason: str) -> None:
    assert auto_step(SETTINGS, facts) == AutoDecision(AutoStep(step), reason)


durations = st.floats(0, 3_000 * MIN)
facts_of_any_kind = st.builds(
    AutoFacts,
    phase=st.sampled_from(["RIDING", "PAUSED", "OTHER"]),
    ride_s=durations,
    pause_s=durations,
    idle_s=durations,
    moved=st.booleans(),
    locked=st.sampled_from([True, False, None]),
    silent_s=st.none() | durations,
    battery_pct=st.none() | st.integers(0, 100),
    stands=st.booleans(),
    may_end=st.booleans(),
    failed_locks=st.integers(0, 5),
    alerted=st.sets(st.sampled_from(["idle", "contact_lost", "lock_fails", "battery_low"])),
)


@given(facts_of_any_kind)
def test_nothing_is_ended_or_locked_that_may_move_or_stands_illegally(facts: AutoFacts) -> None:
    decision = auto_step(SETTINGS, facts)
    is_locked = facts.locked is True
    if decision.step is AutoStep.END:
        assert facts.may_end
        assert facts.stands or (facts.phase == "PAUSED" and is_locked)
    if decision.step is AutoStep.PAUSE:
        assert facts.stands
    if decision.step is AutoStep.END_FREE:
        assert is_locked
        assert not facts.moved
    if decision.step is AutoStep.ALERT:
        assert decision.reason not in facts.alerted
    if facts.phase == "OTHER":
        assert decision.step is AutoStep.NOTHING


@given(facts_of_any_kind)
def test_a_rule_that_is_off_does_nothing(facts: AutoFacts) -> None:
    ghost = auto_step(OFF, facts)
    assert ghost.step in (AutoStep.NOTHING, AutoStep.END_FREE)
    assert auto_step(OFF, change(facts, moved=True)).step is AutoStep.NOTHING


NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
HERE = Point(60.17, 24.94)
STOOD = Standstill(HERE, 1_000, NOW)


@pytest.mark.parametrize(
    ("north_m", "metres", "expected"),
    [(0, 0, False), (55, 0, False), (65, 0, True), (0, 20, False), (0, 21, True), (0, -500, False)],
)
def test_a_position_that_wanders_is_no_movement(north_m: float, metres: int, *, expected: bool) -> None:
    there = Point(HERE.lat + north_m / 111_195, HERE.lon)
    assert has_moved(STOOD, there, STOOD.odometer_m + metres) is expected


def event(nr: int, kind: EventKind, minute: int) -> RideEvent:
    return RideEvent(nr=nr, kind=kind, at=NOW + timedelta(minutes=minute), actor=SYSTEM)


def test_who_was_paused_is_idle_only_since_the_vehicle_was_unlocked_again() -> None:
    events = [event(1, EventKind.STARTED, 1), event(2, EventKind.PAUSED, 2), event(3, EventKind.RESUMED, 50)]
    assert idle_since(STOOD, events) == NOW + timedelta(minutes=50)
    later = Standstill(HERE, 1_000, NOW + timedelta(minutes=60))
    assert idle_since(later, events) == later.since

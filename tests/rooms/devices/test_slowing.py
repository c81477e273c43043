"""The limit that slows a vehicle, and the one that lets it go."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.devices import full_limit, may_send, slow_limit
from isotope.domain.devices.model import Capability, CommandName, Motion, ValueSpec

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)


def takes(least: int, most: int) -> tuple[Capability, ...]:
    spec = ValueSpec(type="integer", min=least, max=most)
    return (Capability(command=CommandName.LOCK), Capability(command=CommandName.SPEED_LIMIT, value=spec))


@pytest.mark.parametrize(
    ("capabilities", "wanted", "expected"),
    [
        ((), 10, None),
        (takes(5, 20), 10, 10),
        (takes(5, 20), 6, 7),
        (takes(5, 20), 3, 7),
        (takes(10, 20), 8, 10),
        (takes(5, 20), 25, 20),
        (takes(0, 6), 10, None),
        ((Capability(command=CommandName.SPEED_LIMIT),), 8, 8),
    ],
)
def test_the_limit_that_slows(capabilities: tuple[Capability, ...], wanted: int, expected: int | None) -> None:
    assert slow_limit(capabilities, wanted) == (None if expected is None else {"kmh": expected})


@pytest.mark.parametrize(
    ("capabilities", "top", "expected"),
    [
        ((), 25.0, None),
        (takes(5, 20), 25.0, 20),
        (takes(5, 30), 25.0, 25),
        (takes(5, 30), None, 30),
        (takes(5, 30), 3.0, 5),
    ],
)
def test_the_limit_that_lets_go(capabilities: tuple[Capability, ...], top: float | None, expected: int | None) -> None:
    assert full_limit(capabilities, top) == (None if expected is None else {"kmh": expected})


@given(
    least=st.integers(0, 30),
    span=st.integers(0, 40),
    wanted=st.integers(3, 25),
    speed=st.none() | st.floats(0, 60),
)
def test_what_slows_may_be_sent_to_whatever_moves(least: int, span: int, wanted: int, speed: float | None) -> None:
    limit = slow_limit(takes(least, least + span), wanted)
    if limit is not None:
        motion = Motion(speed_kmh=speed, seen_at=None)
        assert may_send(CommandName.SPEED_LIMIT, limit, motion, NOW, 5.0) is None
        assert least <= int(limit["kmh"]) <= least + span

"""What is not asked for, and what a finished ride is looked at again for."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.pricing import (
    AddonKind,
    AddonPrice,
    Agreed,
    AtEnd,
    Correction,
    KmTier,
    Tariff,
    Tier,
    Usage,
    bill,
)
from isotope.domain.sharing.fairness import (
    Finding,
    Looked,
    Metered,
    Recheck,
    correction_of,
    finding_of,
    is_known_refusal,
    recheck_for,
)
from isotope.domain.sharing.model import EventKind, RideEvent
from isotope.domain.tenants.model import RideSettings
from isotope.kernel.actor import SYSTEM
from isotope.kernel.geo import Point
from tests.kit.fleet import HOME, TARIFF

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
SETTINGS = RideSettings(repark_grace_s=300, repark_distance_m=500, failed_ride_s=180, failed_ride_m=100)
STARTED = RideEvent(nr=1, kind=EventKind.STARTED, at=NOW, actor=SYSTEM)


def at(second: int) -> datetime:
    return NOW + timedelta(seconds=second)


def refused(second: int, metres: int, reason: str = "no_parking_zone") -> RideEvent:
    """An end that was refused so long after the start, so far from it."""
    data = {"reason": reason, "odometer_m": 1_000 + metres}
    return RideEvent(nr=2, kind=EventKind.END_REFUSED, at=at(second), actor=SYSTEM, data=data)


def stuck(second: int, metres: int) -> RideEvent:
    return refused(second, metres, "lock_not_confirmed")


def ride(events: list[RideEvent], *, ends_s: int, went_m: int) -> Metered:
    return Metered(events=[STARTED, *events], until=at(ends_s), start_odometer_m=1_000, odometer_m=1_000 + went_m)


@pytest.mark.parametrize(
    ("events", "ends_s", "went_m", "code", "counted_s", "counted_m"),
    [
        ([], 900, 3_000, None, None, None),
        ([refused(600, 2_000)], 900, 2_500, "repark_grace", 600, 2_000),
        ([refused(600, 2_000, "outside_parking")], 900, 2_500, "repark_grace", 600, 2_000),
        ([refused(600, 2_000, "no_go_zone")], 900, 2_500, "repark_grace", 600, 2_000),
        # Too late, or too far.
        ([refused(600, 2_000)], 901, 2_500, None, None, None),
        ([refused(600, 2_000)], 900, 2_501, None, None, None),
        # A chain counts from the first that is still in force.
        ([refused(100, 500), refused(700, 2_000)], 900, 2_100, "repark_grace", 700, 2_000),
        ([refused(650, 1_900), refused(700, 2_000)], 900, 2_100, "repark_grace", 650, 1_900),
        # What is no zone's refusal stops nothing.
        ([refused(600, 2_000, "far_apart")], 700, 2_000, None, None, None),
        ([refused(600, 2_000, "position_unknown")], 700, 2_000, None, None, None),
        ([refused(600, 2_000, "stop_not_confirmed")], 700, 2_000, None, None, None),
        # A lock that was not confirmed, however long ago, unless it was ridden on.
        ([stuck(600, 2_000)], 9_000, 2_050, "lock_not_confirmed", 600, 2_000),
        ([stuck(600, 2_000)], 9_000, 2_051, None, None, None),
        # Both: the zone's was in force when the lock was refused, or was not.
        ([refused(500, 1_800), stuck(600, 2_000)], 9_000, 2_000, "repark_grace", 500, 1_800),
        ([refused(200, 1_800), stuck(600, 2_000)], 9_000, 2_000, "lock_not_confirmed", 600, 2_000),
        # It ends at once.
        ([refused(600, 2_000)], 600, 2_000, None, None, None),
    ],
)
def test_up_to_when_a_ride_is_counted(
    events: list[RideEvent], ends_s: int, went_m: int, code: str | None, counted_s: int | None, counted_m: int | None
) -> None:
    correction = correction_of(ride(events, ends_s=ends_s, went_m=went_m), SETTINGS)
    if code is None:
        assert correction is None
    else:
        counted = Usage(ride_s=counted_s or 0, pause_s=0, distance_m=counted_m or 0)
        assert correction == Correction(code=code, counted=counted)


def test_without_grace_there_is_none() -> None:
    metered = ride([refused(600, 2_000)], ends_s=660, went_m=2_000)
    assert correction_of(metered, RideSettings(repark_grace_s=0)) is None


def test_refusals_of_before_the_grace_stop_nothing() -> None:
    old = RideEvent(nr=2, kind=EventKind.END_REFUSED, at=at(60), actor=SYSTEM, data={"reason": "no_parking_zone"})
    assert correction_of(ride([old], ends_s=100, went_m=0), SETTINGS) is None


AGREED = Agreed(
    tariff=Tariff(
        unlock_minor=100,
        minute_tiers=(Tier(upto_min=5, price_minor=30), Tier(upto_min=None, price_minor=10)),
        pause_tiers=(Tier(upto_min=None, price_minor=5),),
        km_tiers=(KmTier(upto_km=None, price_minor=40),),
        tax_rate="0.255",
    )
)
_REASONS = st.sampled_from(["no_parking_zone", "outside_parking", "far_apart", "lock_not_confirmed"])


@st.composite
def rides(draw: st.DrawFn) -> Metered:
    """Any order of pauses and refusals, the odometer never falling."""
    second = metres = 0
    events: list[RideEvent] = []
    for _ in range(draw(st.integers(0, 12))):
        second += draw(st.integers(0, 400))
        metres += draw(st.integers(0, 400))
        kind = draw(st.sampled_from([EventKind.PAUSED, EventKind.RESUMED, EventKind.END_REFUSED]))
        if kind is EventKind.END_REFUSED:
            events.append(refused(second, metres, draw(_REASONS)))
        else:
            events.append(RideEvent(nr=2, kind=kind, at=at(second), actor=SYSTEM))
    return ride(events, ends_s=second + draw(st.integers(0, 400)), went_m=metres + draw(st.integers(0, 400)))


@given(metered=rides())
def test_no_correction_makes_a_ride_dearer_and_the_grace_is_had_once(metered: Metered) -> None:
    correction = correction_of(metered, SETTINGS)
    if correction is None:
        return
    full, counted = metered.usage, correction.counted
    assert counted is not None
    assert counted.ride_s <= full.ride_s
    assert counted.pause_s <= full.pause_s
    assert counted.distance_m <= full.distance_m
    assert counted != full
    corrected, plain = bill(AGREED, full, AtEnd(correction=correction)), bill(AGREED, full)
    assert corrected.total_minor <= plain.total_minor
    assert corrected.total_minor == bill(AGREED, counted).total_minor
    if correction.code == "repark_grace":
        # Never more than one grace is left out of what was ridden before the lock failed, or before the end.
        stuck_at = [event.at for event in metered.events if event.data.get("reason") == "lock_not_confirmed"]
        counted_until = min(
            event.at for event in metered.events if metered_until(metered, event) == (counted.ride_s, counted.pause_s)
        )
        assert any(timedelta(0) <= end - counted_until <= timedelta(seconds=300) for end in (*stuck_at, metered.until))


def metered_until(metered: Metered, event: RideEvent) -> tuple[int, int]:
    upto = Metered(events=metered.events, until=event.at, start_odometer_m=0, odometer_m=0).usage
    return upto.ride_s, upto.pause_s


@pytest.mark.parametrize(
    ("events", "reason", "second", "metres", "expected"),
    [
        ([], "no_parking_zone", 100, 0, False),
        ([refused(100, 0)], "no_parking_zone", 400, 500, True),
        ([refused(100, 0)], "no_parking_zone", 401, 500, False),
        ([refused(100, 0)], "no_parking_zone", 400, 501, False),
        ([refused(100, 0)], "outside_parking", 110, 0, False),
        ([refused(100, 0), refused(105, 0, "far_apart")], "no_parking_zone", 110, 0, True),
        ([refused(100, 0, "far_apart")], "far_apart", 9_000, 0, True),
        ([refused(100, 0, "far_apart"), refused(105, 0)], "far_apart", 110, 0, False),
    ],
)
def test_a_refusal_that_is_known_is_recorded_once(
    events: list[RideEvent], reason: str, second: int, metres: int, expected: bool
) -> None:
    assert is_known_refusal([STARTED, *events], reason, at(second), 1_000 + metres, SETTINGS) is expected


def used(ride_s: int, pause_s: int = 0, distance_m: int = 0) -> Usage:
    return Usage(ride_s=ride_s, pause_s=pause_s, distance_m=distance_m)


PLAIN = Agreed(tariff=TARIFF)
TRACKED = Agreed(tariff=TARIFF, addons=(AddonPrice(kind=AddonKind.PER_KM, price_minor=5, title="Tracker"),))


@pytest.mark.parametrize(
    ("usage", "went_m", "agreed", "expected"),
    [
        (used(180), 99.0, PLAIN, Recheck.FAILED),
        (used(181), 99.0, PLAIN, None),
        (used(100, 81), 99.0, PLAIN, None),
        (used(180), 100.0, PLAIN, None),
        (used(180, distance_m=99), 99.0, AGREED, Recheck.FAILED),
        (used(900, distance_m=3_000), 3_000.0, AGREED, Recheck.DISTANCE),
        (used(900, distance_m=3_000), 3_000.0, TRACKED, Recheck.DISTANCE),
        (used(900, distance_m=3_000), 3_000.0, PLAIN, None),
        (used(900), 0.0, AGREED, None),
    ],
)
def test_what_a_ride_is_looked_at_again_for(
    usage: Usage, went_m: float, agreed: Agreed, expected: Recheck | None
) -> None:
    assert recheck_for(usage, went_m=went_m, agreed=agreed, settings=SETTINGS) is expected


def test_with_a_distance_of_nothing_no_ride_has_failed() -> None:
    assert recheck_for(used(1), went_m=0.0, agreed=PLAIN, settings=RideSettings(failed_ride_m=0)) is None


def looked(usage: Usage, *, end: Point = HOME, **late: Any) -> Looked:
    facts: dict[str, Any] = {"late_start_odometer_m": None, "late_odometer_m": None, "late_away_m": None} | late
    return Looked(used=usage, start=HOME, end=end, start_odometer_m=1_000, **facts)


# 222 m north.
AWAY = Point(HOME.lat + 0.002, HOME.lon)


@pytest.mark.parametrize(
    ("seen", "expected"),
    [
        # Nothing came, or nothing else.
        (looked(used(100)), Finding.FAILED),
        (looked(used(100), late_odometer_m=1_000, late_away_m=30.0), Finding.FAILED),
        # It did go.
        (looked(used(100), late_odometer_m=1_100), Finding.RIGHT),
        (looked(used(100), late_odometer_m=1_000, late_away_m=100.0), Finding.RIGHT),
        (looked(used(100), end=AWAY, late_odometer_m=1_000), Finding.RIGHT),
        # It had been ridden before the start, and not after it.
        (looked(used(100, distance_m=400), late_start_odometer_m=1_390, late_odometer_m=1_400), Finding.FAILED),
        (looked(used(900, distance_m=400), late_start_odometer_m=1_100, late_odometer_m=1_400), Finding.SHORTER),
        (looked(used(900, distance_m=400), late_odometer_m=1_300), Finding.SHORTER),
        (looked(used(900, distance_m=400), late_odometer_m=1_400), Finding.RIGHT),
        (looked(used(900, distance_m=400), late_odometer_m=1_900), Finding.RIGHT),
        (looked(used(900, distance_m=400)), Finding.RIGHT),
        # An odometer below the start's says nothing but "nowhere".
        (looked(used(900, distance_m=400), late_odometer_m=500), Finding.SHORTER),
    ],
)
def test_what_late_reports_say(seen: Looked, expected: Finding) -> None:
    assert finding_of(seen, AGREED, SETTINGS) is expected


@given(
    usage=st.builds(used, st.integers(0, 5_000), st.integers(0, 500), st.integers(0, 9_000)),
    late=st.none() | st.integers(0, 20_000),
    before=st.none() | st.integers(0, 20_000),
    counted_m=st.none() | st.integers(0, 9_000),
)
def test_late_reports_never_make_a_ride_dearer(
    usage: Usage, late: int | None, before: int | None, counted_m: int | None
) -> None:
    seen = looked(usage, late_odometer_m=late, late_start_odometer_m=before)
    if finding_of(seen, AGREED, SETTINGS) is not Finding.SHORTER:
        return
    at_end = AtEnd()
    if counted_m is not None:
        counted = Usage(ride_s=usage.ride_s, pause_s=0, distance_m=min(counted_m, usage.distance_m))
        at_end = AtEnd(correction=Correction(code="repark_grace", counted=counted))
    shorter = seen.late_distance_m or 0
    assert shorter < usage.distance_m
    after = bill(AGREED, seen.with_distance(shorter), seen.at_end_for(at_end, shorter))
    assert after.total_minor <= bill(AGREED, usage, at_end).total_minor

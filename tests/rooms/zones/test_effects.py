"""What zones do to vehicles: the two tables, and that a border is crossed once however positions err."""

from datetime import UTC, datetime, timedelta
from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.tenants.model import ZoneEffectSettings
from isotope.domain.zones import (
    NO_EFFECT,
    EffectKind,
    Means,
    Zone,
    ZoneEffect,
    ZoneSpec,
    ZoneType,
    effect_of,
    zones_entered,
)
from isotope.kernel.ids import ZoneId
from tests.kit.fleet import zone_draft
from tests.kit.zones import stored

NOON = datetime(2026, 6, 1, 9, tzinfo=UTC)
BAND = ZoneEffectSettings(enter_m=5, leave_m=10, leave_s=20)
SLOW, NO_GO = ZoneType.SPEED_LIMIT_ZONE, ZoneType.NO_GO_ZONE
ALL = Means(limit=True, throttle=True, may_cut=True)


def zone(zone_id: int, zone_type: ZoneType = SLOW, kmh: int | None = 10, priority: int = 0) -> Zone:
    limit = kmh if zone_type is SLOW else None
    spec = ZoneSpec(speed_limit_kmh=limit, priority=priority)
    return stored(zone_draft(zone_type, ref=f"zone {zone_id}", title="Zone", spec=spec), zone_id)


ONE = zone(1)
ID = ZoneId(1)


@pytest.mark.parametrize(
    ("before", "deep_m", "seconds", "after"),
    [
        # Out, and stays out until it is deep enough.
        ({}, -inf, 0, {}),
        ({}, -1, 0, {}),
        ({}, 0, 0, {}),
        ({}, 4.9, 0, {}),
        ({}, 5, 0, {ID: None}),
        ({}, inf, 0, {ID: None}),
        # In, and stays in at any depth.
        ({ID: None}, 100, 0, {ID: None}),
        ({ID: None}, 0, 0, {ID: None}),
        # Outside within the band: not for ever.
        ({ID: None}, -1, 0, {ID: NOON}),
        ({ID: None}, -9.9, 0, {ID: NOON}),
        ({ID: NOON}, -9.9, 19, {ID: NOON}),
        ({ID: NOON}, -9.9, 20, {}),
        # It came back in between.
        ({ID: NOON}, 0.1, 60, {ID: None}),
        # Outside beyond the band.
        ({ID: None}, -10, 0, {}),
        ({ID: NOON}, -11, 1, {}),
    ],
)
def test_the_zones_a_vehicle_is_in(
    before: dict[ZoneId, datetime | None], deep_m: float, seconds: int, after: dict[ZoneId, datetime | None]
) -> None:
    assert zones_entered([(ONE, deep_m)], before, NOON + timedelta(seconds=seconds), BAND) == after


def test_a_zone_that_counts_no_more_is_left_at_once() -> None:
    assert zones_entered([], {ID: None}, NOON, BAND) == {}


def test_without_a_band_inside_the_border_itself_is_inside() -> None:
    band = ZoneEffectSettings(enter_m=0)
    assert zones_entered([(ONE, 0.0)], {}, NOON, band) == {ID: None}
    assert zones_entered([(ONE, -0.1)], {}, NOON, band) == {}


@given(
    depths=st.lists(st.floats(-30, 30), min_size=1, max_size=200),
    step_s=st.integers(1, 30),
    enter_m=st.integers(0, 10),
    leave_m=st.integers(1, 10),
    leave_s=st.integers(1, 60),
)
def test_a_border_is_crossed_once_however_positions_err(
    depths: list[float], step_s: int, enter_m: int, leave_m: int, leave_s: int
) -> None:
    """Between two changes lies the whole band, or `leave_s` outside without a single position inside."""
    band = ZoneEffectSettings(enter_m=enter_m, leave_m=leave_m, leave_s=leave_s)
    inside: dict[ZoneId, datetime | None] = {}
    changed_at = 0
    for number, deep_m in enumerate(depths):
        before = inside
        inside = zones_entered([(ONE, deep_m)], before, NOON + timedelta(seconds=number * step_s), band)
        if bool(inside) is bool(before):
            continue
        if inside:
            assert deep_m >= enter_m
        else:
            since = depths[changed_at : number + 1]
            last_in = max(nr for nr in range(changed_at, number + 1) if depths[nr] >= 0)
            assert since[0] >= enter_m
            assert deep_m <= -leave_m or (deep_m < 0 and (number - last_in - 1) * step_s >= leave_s)
        changed_at = number
    # And it is never in a zone that it has really left, nor out of one that it has really entered.
    assert not (inside and depths[-1] <= -leave_m)
    assert inside or depths[-1] < enter_m


@given(st.lists(st.floats(-9.9, 4.9), max_size=100), st.booleans())
def test_in_the_band_nothing_flaps(depths: list[float], is_in: bool) -> None:
    """One report a second of a vehicle that wobbles on a border: nothing happens that has not happened before."""
    inside: dict[ZoneId, datetime | None] = {ID: None} if is_in else {}
    changes = 0
    for number, deep_m in enumerate(depths):
        after = zones_entered([(ONE, deep_m)], inside, NOON + timedelta(seconds=number), BAND)
        changes += bool(after) is not bool(inside)
        inside = after
    assert changes <= is_in


NO_GO_ON = ZoneEffect(kind=EffectKind.NO_GO, limit_kmh=6, zone_id=ZoneId(9), title="Zone")
NO_GO_OFF = ZoneEffect(kind=EffectKind.NO_GO, limit_kmh=6, throttle_off=True, zone_id=ZoneId(9), title="Zone")
NINE = zone(9, NO_GO)


def limit(kmh: int, zone_id: int) -> ZoneEffect:
    return ZoneEffect(kind=EffectKind.LIMIT, limit_kmh=kmh, zone_id=ZoneId(zone_id), title="Zone")


@pytest.mark.parametrize(
    ("zones", "means", "speed_kmh", "before", "effect"),
    [
        ([], ALL, 20.0, NO_EFFECT, NO_EFFECT),
        ([zone(1, kmh=10)], ALL, 20.0, NO_EFFECT, limit(10, 1)),
        # The lowest of all that count; who ranks higher is named where they say the same.
        ([zone(1, kmh=15), zone(2, kmh=10)], ALL, 20.0, NO_EFFECT, limit(10, 2)),
        ([zone(1, kmh=10), zone(2, kmh=15, priority=9)], ALL, 20.0, NO_EFFECT, limit(10, 1)),
        ([zone(1, kmh=10), zone(2, kmh=10, priority=9)], ALL, 20.0, NO_EFFECT, limit(10, 2)),
        # No-go beats any limit; the throttle goes off when it is slow, and where it may.
        ([zone(1, kmh=5), NINE], ALL, 20.0, NO_EFFECT, NO_GO_ON),
        ([NINE], ALL, 6.1, NO_GO_ON, NO_GO_ON),
        ([NINE], ALL, 6.0, NO_GO_ON, NO_GO_OFF),
        ([NINE], ALL, 0.0, NO_EFFECT, NO_GO_OFF),
        ([NINE], ALL, None, NO_GO_ON, NO_GO_ON),
        ([NINE], Means(limit=True, throttle=True, may_cut=False), 5.5, NO_GO_ON, NO_GO_ON),
        # Once off it stays off, also when it rolls faster.
        ([NINE], Means(limit=True, throttle=True, may_cut=False), 12.0, NO_GO_OFF, NO_GO_OFF),
        # It goes on again outside, also into another zone.
        ([zone(1, kmh=10)], ALL, 3.0, NO_GO_OFF, limit(10, 1)),
        ([], ALL, 3.0, NO_GO_OFF, NO_EFFECT),
        # What the unit cannot do.
        ([NINE], Means(limit=True, throttle=False, may_cut=False), 0.0, NO_EFFECT, NO_GO_ON),
        (
            [NINE],
            Means(limit=False, throttle=True, may_cut=True),
            0.0,
            NO_EFFECT,
            ZoneEffect(kind=EffectKind.NO_GO, throttle_off=True, zone_id=ZoneId(9), title="Zone"),
        ),
        ([NINE], Means(limit=False, throttle=False, may_cut=False), 0.0, NO_EFFECT, NO_EFFECT),
        ([zone(1)], Means(limit=False, throttle=True, may_cut=True), 0.0, NO_EFFECT, NO_EFFECT),
    ],
)
def test_what_zones_do_together(
    zones: list[Zone], means: Means, speed_kmh: float | None, before: ZoneEffect, effect: ZoneEffect
) -> None:
    for order in (zones, zones[::-1]):
        assert effect_of(order, means, speed_kmh, before, BAND) == effect


def test_zones_that_can_do_nothing_to_a_vehicle_are_not_looked_for() -> None:
    assert ALL.zone_types == {SLOW, NO_GO}
    assert Means(limit=False, throttle=True, may_cut=True).zone_types == {NO_GO}
    assert Means(limit=False, throttle=False, may_cut=False).zone_types == set()

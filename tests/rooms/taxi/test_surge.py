"""Fares rise where more riders ask than drivers are free, step by step, and come down again."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import msgspec
import pytest

from isotope.domain.taxi import surge
from isotope.domain.taxi.usecases.update_surge import update_surge, update_surge_of
from isotope.domain.tenants.model import SurgeSettings
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from tests.kit.clock import SettableClock
from tests.kit.taxis import PICK_UP, Taxis, make_taxis, north

SETTINGS = SurgeSettings(is_on=True, cell_m=1_000, from_requests_per_driver=1.0, step=0.5, maximum=2.0)
HERE = surge.cell_of(PICK_UP, SETTINGS.cell_m)


@pytest.mark.parametrize(
    ("riders", "drivers", "factor"),
    [
        (0, 0, None),
        # Less than one driver counts as one: a rider alone in the dark pays nothing more.
        (1, 0, None),
        (2, 0, "1.5"),
        (2, 1, "1.5"),
        (2, 2, None),
        (4, 2, "1.5"),
        (3, 2, "1.25"),
        (3, 1, "2"),
        (50, 1, "2"),
    ],
)
def test_the_factor_follows_riders_to_a_driver(riders: int, drivers: int, factor: str | None) -> None:
    aims = surge.aim([PICK_UP] * riders, [PICK_UP] * drivers, SETTINGS)
    assert aims.get(HERE) == (None if factor is None else Decimal(factor))


def test_neighbours_count_in_part() -> None:
    beside, far = north(1_000), north(5_000)
    assert surge.aim([PICK_UP] * 2 + [beside] * 2, [], SETTINGS)[HERE] == Decimal(2)
    assert surge.aim([PICK_UP] * 2, [beside] * 4, SETTINGS).get(HERE) is None
    assert surge.aim([PICK_UP] * 2, [far] * 4, SETTINGS)[HERE] == Decimal("1.5")


@pytest.mark.parametrize("at", [Point(89.99, 10.0), Point(-89.99, 10.0), Point(0.0, 179.9999), Point(0.0, -180.0)])
def test_the_grid_has_no_edge_to_fall_from(at: Point) -> None:
    assert surge.aim([at] * 3, [], SETTINGS)[surge.cell_of(at, SETTINGS.cell_m)] > 1


def test_a_step_goes_half_of_the_way() -> None:
    factors: dict[str, Decimal] = {}
    seen = []
    for _ in range(6):
        factors = surge.step_to(factors, {"a": Decimal(2)})
        seen.append(factors["a"])
    assert seen == [Decimal(text) for text in ("1.5", "1.75", "1.88", "1.94", "1.97", "2")]
    for _ in range(6):
        factors = surge.step_to(factors, {})
    assert factors == {}


async def factor(taxis: Taxis, at: Point = PICK_UP) -> Decimal:
    async with taxis.rt.db.read() as tx:
        return await surge.find_factor(tx, taxis.operator, at, taxis.clock.now())


async def many(taxis: Taxis, places: Sequence[Point]) -> None:
    for at in places:
        await taxis.request(await taxis.rider(), at=at)


async def test_fares_rise_minute_by_minute_and_come_down(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, surge=SETTINGS, search_s=120)
    await many(taxis, [PICK_UP] * 3)
    assert await factor(taxis) == 1
    assert await update_surge(rt, taxis.operators) > 0
    assert await factor(taxis) == Decimal("1.5")
    clock.advance(minutes=1)
    await update_surge(rt, taxis.operators)
    assert await factor(taxis) == Decimal("1.75")
    assert await factor(taxis, north(20_000)) == 1
    # Nobody asks any more: requests that nobody took have ended.
    for expected in ("1.37", "1.19", "1.10", "1.05", "1"):
        clock.advance(minutes=1)
        await taxis.watch()
        await update_surge(rt, taxis.operators)
        assert abs(await factor(taxis) - Decimal(expected)) <= Decimal("0.02"), expected
    async with rt.db.read() as tx:
        assert await tx.scalar("select count(*) from taxi_surge where operator_id = %s", (taxis.operator.id,)) == 0


async def test_what_nobody_wrote_for_long_says_nothing(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock, surge=SETTINGS)
    await many(taxis, [PICK_UP] * 3)
    await update_surge_of(rt, taxis.operator)
    clock.advance(minutes=5)
    assert await factor(taxis) == Decimal("1.5")
    clock.advance(seconds=1)
    assert await factor(taxis) == 1


@pytest.mark.parametrize(
    ("change", "expected"), [({"is_on": False}, "1"), ({"cell_m": 500}, "1"), ({"maximum": 1.2}, "1.2")]
)
async def test_settings_changed_meanwhile_hold_at_once(
    rt: Runtime, clock: SettableClock, change: dict[str, Any], expected: str
) -> None:
    taxis = await make_taxis(rt, clock, surge=SETTINGS)
    await many(taxis, [PICK_UP] * 3)
    await update_surge_of(rt, taxis.operator)
    operator = taxis.operator
    other = msgspec.structs.replace(SETTINGS, **change)
    taxi = msgspec.structs.replace(operator.settings.taxi, surge=other)
    operator = msgspec.structs.replace(operator, settings=msgspec.structs.replace(operator.settings, taxi=taxi))
    async with rt.db.read() as tx:
        assert await surge.find_factor(tx, operator, PICK_UP, clock.now()) == Decimal(expected)


async def test_off_nothing_is_written(rt: Runtime, clock: SettableClock) -> None:
    taxis = await make_taxis(rt, clock)
    await many(taxis, [PICK_UP] * 3)
    assert await update_surge_of(rt, taxis.operator) == 0

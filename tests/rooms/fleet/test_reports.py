import random
from datetime import datetime, timedelta
from typing import Any

import pytest

from isotope.domain.fleet import NEVER, VehicleState, apply_reports, get_vehicle
from isotope.domain.fleet.reports import fold_reports
from isotope.infra.runtime import Runtime
from isotope.iot.model import StateReport
from isotope.kernel.geo import Point
from isotope.kernel.ids import DeviceId, OperatorId
from tests.kit.clock import START
from tests.kit.fleet import HOME, Fleet, make_fleet, state_report
from tests.kit.tenants import make_operator

THERE = Point(60.20, 24.90)


def later(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


async def apply(rt: Runtime, *reports: StateReport) -> int:
    async with rt.db.write() as tx:
        return (await apply_reports(tx, reports)).vehicles


async def state(rt: Runtime, fleet: Fleet) -> VehicleState | None:
    async with rt.db.read() as tx:
        return (await get_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)).state


async def live(rt: Runtime, fleet: Fleet) -> VehicleState:
    known = await state(rt, fleet)
    assert known is not None
    return known


async def history(rt: Runtime, fleet: Fleet) -> list[dict[str, Any]]:
    async with rt.db.read() as tx:
        return await tx.dicts(
            "select * from vehicle_report where operator_id = %s and vehicle_id = %s order by device_at",
            (fleet.operator_id, fleet.vehicle_id),
        )


async def test_a_report_becomes_state_and_history(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator, is_heard=False)
    at = later(5)
    report = state_report(
        fleet.operator_id, fleet.device_id, at, at=THERE, speed_kmh=12.5, battery_pct=42, locked=False, odometer_m=77,
        event="moved", flags=("odometer_back", "clock"),
    )  # fmt: skip
    assert await apply(rt, report) == 1
    assert await live(rt, fleet) == VehicleState(
        lat=THERE.lat,
        lon=THERE.lon,
        fix_at=at,
        speed_kmh=12.5,
        battery_pct=42,
        iot_battery_pct=90,
        locked=False,
        odometer_m=77,
        seen_at=at,
    )
    (row,) = await history(rt, fleet)
    assert (row["lat"], row["event"], row["buffered"], row["flags"]) == (
        THERE.lat,
        "moved",
        False,
        ["odometer_back", "clock"],
    )
    assert (row["received_at"], row["device_at"], row["fix_at"]) == (at, at, at)


async def test_provisioning_places_a_vehicle_until_its_first_fix(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator, is_heard=False)
    placed = await live(rt, fleet)
    assert (placed.point, placed.fix_at, placed.seen_at, placed.battery_pct) == (HOME, NEVER, NEVER, 100)
    # A fix from last year is still better than where somebody said that it stands.
    await apply(rt, state_report(fleet.operator_id, fleet.device_id, later(0), at=THERE, fix_at=later(-365 * 86_400)))
    assert (await live(rt, fleet)).point == THERE


async def test_an_older_fix_never_wins(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    await apply(rt, state_report(fleet.operator_id, fleet.device_id, later(10), at=THERE))
    await apply(
        rt, state_report(fleet.operator_id, fleet.device_id, later(20), at=HOME, fix_at=later(9), battery_pct=33)
    )
    known = await live(rt, fleet)
    assert (known.point, known.fix_at) == (THERE, later(10))
    assert (known.battery_pct, known.seen_at) == (33, later(20))


async def test_older_facts_never_win(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    await apply(rt, state_report(fleet.operator_id, fleet.device_id, later(10), battery_pct=50, locked=True))
    overtaken = state_report(
        fleet.operator_id, fleet.device_id, later(11), device_at=later(9), battery_pct=51, locked=False, odometer_m=1,
        speed_kmh=9.0, iot_battery_pct=1,
    )  # fmt: skip
    before = await live(rt, fleet)
    await apply(rt, overtaken)
    known = await live(rt, fleet)
    assert (known.battery_pct, known.locked, known.odometer_m) == (50, True, 1_000)
    assert (known.speed_kmh, known.iot_battery_pct) == (before.speed_kmh, before.iot_battery_pct)


async def test_buffered_reports_are_history_only(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    before = await live(rt, fleet)
    late = state_report(
        fleet.operator_id, fleet.device_id, later(60), at=THERE, battery_pct=1, locked=False, buffered=True
    )
    assert await apply(rt, late) == 0
    assert await live(rt, fleet) == before
    assert [row["buffered"] for row in await history(rt, fleet)] == [False, True]


async def test_what_a_report_does_not_say_stays(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    silent_about = dict.fromkeys(("speed_kmh", "battery_pct", "iot_battery_pct", "locked", "odometer_m"))
    before = await live(rt, fleet)
    await apply(rt, state_report(fleet.operator_id, fleet.device_id, later(10), at=None, **silent_about))
    known = await live(rt, fleet)
    assert known.seen_at == later(10)
    assert (known.point, known.fix_at, known.battery_pct, known.locked, known.odometer_m) == (
        before.point,
        before.fix_at,
        before.battery_pct,
        before.locked,
        before.odometer_m,
    )


async def test_within_a_batch_the_newest_of_each_vehicle_counts(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 2)
    one, two = fleet.device_ids
    batch = [
        state_report(operator.id, one, later(30), at=THERE, device_at=later(3), fix_at=later(3), battery_pct=3),
        state_report(operator.id, two, later(30), at=HOME, device_at=later(9), battery_pct=9),
        state_report(operator.id, one, later(30), at=HOME, device_at=later(1), fix_at=later(1), battery_pct=1),
        state_report(operator.id, one, later(30), at=None, device_at=later(2), battery_pct=2, locked=False),
        # The newest report of the first, with a position that it had fixed before.
        state_report(operator.id, one, later(30), at=HOME, device_at=later(4), fix_at=later(2), battery_pct=4),
    ]
    assert await apply(rt, *batch) == 2
    known = await live(rt, fleet)
    assert (known.point, known.battery_pct, known.locked) == (THERE, 4, True)
    assert len(await history(rt, fleet)) == 5  # with the one that the fleet was made with


async def test_a_clock_that_runs_ahead_does_not_freeze_the_vehicle(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    ahead = later(86_400)
    await apply(
        rt, state_report(fleet.operator_id, fleet.device_id, later(10), at=THERE, device_at=ahead, fix_at=ahead)
    )
    await apply(rt, state_report(fleet.operator_id, fleet.device_id, later(20), at=HOME, battery_pct=7))
    known = await live(rt, fleet)
    assert (known.point, known.battery_pct) == (HOME, 7)


async def test_units_without_a_vehicle_and_of_other_operators_change_nothing(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    other = (await make_operator(rt)).operator
    before = await live(rt, fleet)
    nobodys = state_report(fleet.operator_id, DeviceId(2**62), later(10), at=THERE)
    foreign = state_report(other.id, fleet.device_id, later(10), at=THERE)
    assert await apply(rt, nobodys, foreign) == 0
    assert await apply(rt) == 0
    assert await live(rt, fleet) == before
    assert len(await history(rt, fleet)) == 1


async def test_everything_that_changed_is_told_in_notices_that_fit(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 1_000)
    told: list[str] = []
    rt.hub.subscribe("vehicle_changed", told.append)
    await rt.hub.start()
    async with rt.db.write() as tx:
        await apply_reports(tx, [state_report(operator.id, device_id, later(10)) for device_id in fleet.device_ids])
        await tx.notify("vehicle_changed", "end")
    async with rt.hub.expect("vehicle_changed", "end") as wait:
        if "end" not in told:
            assert await wait(10)
    mine = [payload for payload in told if payload.startswith(f"{operator.id}:")]
    assert max(len(payload) for payload in mine) < 7_900
    assert sorted(",".join(mine).split(",")) == sorted(f"{operator.id}:{id_}" for id_ in fleet.vehicle_ids)


@pytest.mark.parametrize("seed", range(20))
async def test_any_order_and_any_batches_end_in_the_same_state(rt: Runtime, seed: int) -> None:
    """The live state is that of the newest fix and the newest word on each fact, whatever order they came in."""
    dice = random.Random(seed)
    operator = (await make_operator(rt)).operator
    whole, split = await make_fleet(rt, operator), await make_fleet(rt, operator)

    def reports(fleet: Fleet) -> list[StateReport]:
        own = random.Random(seed)
        made = []
        for second in range(1, 13):
            has_fix = own.random() < 0.7
            made.append(
                state_report(
                    operator.id,
                    fleet.device_id,
                    later(100),
                    at=Point(60 + own.random(), 24 + own.random()) if has_fix else None,
                    device_at=later(second),
                    fix_at=later(second) if has_fix else None,
                    # Told in each report, as units do; a fact told by some only may come late and is then lost.
                    battery_pct=own.randrange(101),
                    locked=own.random() < 0.5,
                    buffered=own.random() < 0.2,
                )
            )
        return made

    await apply(rt, *reports(whole))
    shuffled = reports(split)
    dice.shuffle(shuffled)
    while shuffled:
        size = dice.randint(1, 4)
        await apply(rt, *shuffled[:size])
        shuffled = shuffled[size:]
    assert await live(rt, whole) == await live(rt, split)


def test_folding_orders_by_operator_and_device() -> None:
    reports = [state_report(OperatorId(n % 2), DeviceId(n), START) for n in (9, 4, 3, 8)]
    assert [(change.operator_id, change.device_id) for change in fold_reports(reports)] == [
        (0, 4),
        (0, 8),
        (1, 3),
        (1, 9),
    ]

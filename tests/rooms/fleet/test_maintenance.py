"""Work on vehicles that is planned for given dates."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.fleet import Slot, take_slot
from isotope.domain.fleet.maintenance import MOST, may_manage, may_plan
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from tests.kit.city import City, small_city
from tests.kit.clock import START, SettableClock
from tests.kit.staff import make_desk
from tests.kit.tenants import make_operator

HOUR = timedelta(hours=1)
PLAN, GET, CANCEL = "vehicle-maintenance/plan", "vehicle-maintenance/get", "vehicle-maintenance/cancel"


def dates(clock: SettableClock, start_h: float, end_h: float) -> dict[str, int]:
    now = clock.now()
    return {
        "starts_at": int((now + start_h * HOUR).timestamp()),
        "ends_at": int((now + end_h * HOUR).timestamp()),
    }


async def slots(rt: Runtime, city: City) -> list[str]:
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select holder from vehicle_slot where operator_id = %s order by lower(during)", (city.kit.operator.id,)
        )
    return [holder for (holder,) in rows]


async def book(rt: Runtime, city: City, clock: SettableClock, start_h: float, end_h: float) -> bool:
    now = clock.now()
    slot = Slot(
        vehicle_id=city.fleet.vehicle_id,
        holder="booking:77",
        starts_at=now + start_h * HOUR,
        ends_at=now + end_h * HOUR,
    )
    async with rt.db.write() as tx:
        return await take_slot(tx, city.kit.operator.id, slot)


@pytest.mark.parametrize(
    ("role", "may"),
    [
        (Role.OWNER, True),
        (Role.MANAGER, True),
        (Role.OPERATOR, True),
        (Role.SUPPORT, False),
        (Role.READ_ONLY, False),
    ],
)
def test_who_plans(role: Role, may: bool) -> None:
    no = may_manage(role)
    assert (no is None) is may
    planned = may_plan(role, START, START + HOUR, START)
    assert (planned is None) is may
    assert planned is None or planned.code == "role_not_allowed"


@pytest.mark.parametrize(
    ("start", "end", "fits"),
    [
        (START, START + HOUR, True),
        (START - HOUR, START + HOUR, True),
        (START - 2 * HOUR, START - HOUR, False),
        (START - HOUR, START, False),
        (START + HOUR, START + HOUR, False),
        (START + 2 * HOUR, START + HOUR, False),
        (START, START + MOST, True),
        (START, START + MOST + timedelta(seconds=1), False),
    ],
)
def test_which_dates_are_planned(start: Any, end: Any, fits: bool) -> None:
    no = may_plan(Role.OWNER, start, end, START)
    assert (None if no is None else no.code) == (None if fits else "maintenance_dates")


async def test_planned_work_keeps_the_vehicle_until_it_is_cancelled(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, vehicles=2, connected=False) as city:
        desk = await make_desk(rt, city.api, city.kit, Role.OPERATOR)
        where = {"vehicle_number": city.fleet.nrs[0], **dates(clock, 5, 8)}
        task = await desk.ok(PLAN, {**where, "description": " New tyres ", "priority": "HIGH"}, key="once")
        assert (task["vehicle_id"], task["stage"], task["description"]) == (city.fleet.vehicle_id, "TODO", "New tyres")
        assert await desk.ok(PLAN, {**where, "description": " New tyres ", "priority": "HIGH"}, key="once") == task
        assert await slots(rt, city) == [f"task:{task['task_id']}"]
        # Nobody can book it for that time, to the second, nor plan something else.
        assert not await book(rt, city, clock, 7.99, 9)
        assert await book(rt, city, clock, 8, 9)
        answer = await desk.ask(PLAN, {**where, **dates(clock, 7, 9)})
        assert (answer.status_code, answer.json()["code"]) == (409, "maintenance_in_the_way")
        assert answer.json()["details"] == {
            "task_id": task["task_id"],
            "from": task["starts_at"],
            "until": task["ends_at"],
        }
        for _twice in range(2):
            cancelled = await desk.ok(CANCEL, {"task_id": task["task_id"]})
            assert cancelled == {**task, "stage": "DELETED"}
        assert await slots(rt, city) == ["booking:77"]
        assert (await desk.ok(GET))["data"] == []


async def test_it_is_refused_with_the_booking_that_is_in_the_way(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, connected=False) as city:
        desk = await make_desk(rt, city.api, city.kit)
        assert await book(rt, city, clock, 2, 4)
        for start_h, end_h, free in ((1, 2, True), (3, 5, False), (4, 6, True)):
            answer = await desk.ask(PLAN, {"vehicle_id": city.fleet.vehicle_id, **dates(clock, start_h, end_h)})
            assert (answer.status_code == 200) is free, answer.text
            if not free:
                assert answer.json()["code"] == "maintenance_in_the_way"
                assert answer.json()["details"]["booking_id"] == 77
                assert "booking 77" in answer.json()["message"]


async def test_not_under_a_rider(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        desk, rider = await make_desk(rt, city.api, city.kit), await city.rider()
        assert (await city.start(rider)).status_code == 200
        plan = {"vehicle_id": city.fleet.vehicle_id}
        assert await desk.refused(PLAN, {**plan, **dates(clock, 0, 1)}) == (409, "vehicle_held")
        await desk.ok(PLAN, {**plan, **dates(clock, 1, 2)})


async def test_a_booking_at_the_same_moment_has_it_or_not(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, connected=False) as city:
        desk = await make_desk(rt, city.api, city.kit)
        for attempt in range(5):
            start_h = 10 * (attempt + 1)
            plan = {"vehicle_id": city.fleet.vehicle_id, **dates(clock, start_h, start_h + 2)}
            answers = await asyncio.gather(*(desk.ask(PLAN, plan) for _nr in range(6)))
            told = sorted(answer.json().get("code", "planned") for answer in answers)
            assert told == ["maintenance_in_the_way"] * 5 + ["planned"]
        assert len(await slots(rt, city)) == 5


async def test_roles_and_other_operators(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, connected=False) as city:
        owner = await make_desk(rt, city.api, city.kit)
        plan = {"vehicle_id": city.fleet.vehicle_id, **dates(clock, 1, 2)}
        task = await owner.ok(PLAN, plan)
        for role in (Role.SUPPORT, Role.READ_ONLY):
            desk = await make_desk(rt, city.api, city.kit, role)
            assert await desk.refused(PLAN, plan) == (403, "role_not_allowed")
            assert await desk.refused(CANCEL, {"task_id": task["task_id"]}) == (403, "role_not_allowed")
            assert (await desk.ok(GET))["data"] == [task]
        stranger = await make_desk(rt, city.api, await make_operator(rt))
        assert await stranger.refused(PLAN, {**plan, **dates(clock, 3, 4)}) == (404, "vehicle_not_found")
        assert await stranger.refused(CANCEL, {"task_id": task["task_id"]}) == (404, "task_not_found")
        assert (await stranger.ok(GET, {"vehicle_id": city.fleet.vehicle_id}))["data"] == []
        assert await slots(rt, city) == [f"task:{task['task_id']}"]


async def test_planned_work_by_pages_and_time(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2, connected=False) as city:
        desk = await make_desk(rt, city.api, city.kit)
        made = []
        for nr in range(5):
            vehicle_id = city.fleet.vehicle_ids[nr % 2]
            made.append(await desk.ok(PLAN, {"vehicle_id": vehicle_id, **dates(clock, 9 - nr, 9.5 - nr)}))
        in_order, seen, mark = made[::-1], [], None
        while True:
            page = await desk.ok(GET, {"page_length": 2, "page_bookmark": mark})
            seen += page["data"]
            mark = page["bookmark_next"]
            assert page["has_next_page"] is (mark is not None)
            if mark is None:
                break
        assert seen == in_order
        [first] = (await desk.ok(GET, {"until": made[-1]["ends_at"]}))["data"]
        assert first == made[-1]
        assert (await desk.ok(GET, {"since": made[0]["starts_at"]}))["data"] == [made[0]]
        of_one = (await desk.ok(GET, {"vehicle_id": city.fleet.vehicle_ids[1]}))["data"]
        assert of_one == [made[3], made[1]]
        clock.advance(hours=20)
        assert (await desk.ok(GET))["data"] == []
        assert await desk.refused(GET, {"bookmark": "bWFpbnRlbmFuY2U6OTk5OTk"}) == (400, "validation_failed")

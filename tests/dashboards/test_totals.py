"""What comes together by itself is what a count of all rows says, whatever happens and in whatever order."""

from datetime import timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId
from tests.kit.clock import SettableClock
from tests.kit.fleet import make_fleet
from tests.kit.riders import make_rider
from tests.kit.samples import make_running_ride
from tests.kit.tenants import make_operator

STEPS = 150


async def insert_subaccounts(tx: Tx, operator_id: OperatorId) -> list[int | None]:
    rows = await tx.tuples(
        "insert into subaccount (operator_id, ref, name) values (%(o)s, 'east', 'East'), (%(o)s, 'west', 'West') returning id",
        {"o": operator_id},
    )
    return [None, *(row_id for (row_id,) in rows)]


async def counted(tx: Tx, operator_id: OperatorId, zone: str, made_in: dict[int, int | None]) -> dict[str, Any]:
    """All rows, one by one."""
    of = {"o": operator_id}
    begun = await tx.dicts("select * from ride where operator_id = %(o)s", of)
    ended = sorted((ride for ride in begun if ride["status"] == "ENDED"), key=lambda ride: ride["ended_at"])
    tasks = await tx.dicts("select * from staff_task where operator_id = %(o)s", of)
    riders = await tx.dicts("select created_at from rider where operator_id = %(o)s", of)
    days: dict[tuple[Any, ...], list[int]] = {}

    def add(what: str, subaccount: int | None, at: Any, amount: int = 0) -> None:
        day = "1970-01-01" if at is None else str(at.astimezone(ZoneInfo(zone)).date())
        known = days.setdefault((what, subaccount or 0, day), [0, 0])
        known[0] += 1
        known[1] += amount

    for ride in ended:
        add("ride", ride["subaccount_id"], ride["ended_at"], ride["total_minor"])
    for rider in riders:
        add("rider", None, rider["created_at"])
    for task in tasks:
        # The day's count stays with the subaccount in which it was made.
        add("task", made_in[task["id"]], task["created_at"])
        if task["stage"] == "TODO":
            add("open_task", task["subaccount_id"], None)
    return {"days": days, "vehicles": _of_vehicles(ended), "riders": _of_riders(begun, ended)}


def _of_vehicles(ended: list[dict[str, Any]]) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for ride in ended:
        rides, first, _last = found.get(ride["vehicle_id"], [0, ride["started_at"], None])
        found[ride["vehicle_id"]] = [rides + 1, first, ride["ended_at"]]
    return found


def _of_riders(begun: list[dict[str, Any]], ended: list[dict[str, Any]]) -> dict[tuple[int, int], list[Any]]:
    found: dict[tuple[int, int], list[Any]] = {}

    def of(subaccount: int, ride: dict[str, Any]) -> list[Any]:
        return found.setdefault((subaccount, ride["rider_id"]), [0, None, 0, 0])

    for ride in begun:
        if ride["subaccount_id"] is not None:
            of(ride["subaccount_id"], ride)
        for subaccount in {0, ride["subaccount_id"] or 0} if ride["rating"] is not None else ():
            known = of(subaccount, ride)
            known[2:] = [known[2] + ride["rating"], known[3] + 1]
    for ride in ended:
        for subaccount in {0, ride["subaccount_id"] or 0}:
            known = of(subaccount, ride)
            known[:2] = [known[0] + 1, ride["ended_at"]]
    return found


async def kept(tx: Tx, operator_id: OperatorId) -> dict[str, Any]:
    of = {"o": operator_id}
    days = await tx.tuples(
        """
        select what, subaccount_id, day::text, sum(count)::bigint, sum(amount_minor)::bigint from (
            select what, subaccount_id, day, count, amount_minor from day_tally where operator_id = %(o)s
            union all
            select what, subaccount_id, day, count, amount_minor from day_total where operator_id = %(o)s) t
         group by 1, 2, 3 having sum(count) <> 0 or sum(amount_minor) <> 0
        """,
        of,
    )
    vehicles = await tx.tuples(
        "select vehicle_id, rides, first_ride_at, last_ride_at from vehicle_total where operator_id = %(o)s", of
    )
    riders = await tx.tuples(
        "select subaccount_id, rider_id, rides, last_ride_at, rating_sum, rating_count from rider_total"
        " where operator_id = %(o)s",
        of,
    )
    return {
        "days": {(what, subaccount, day): [count, amount] for what, subaccount, day, count, amount in days},
        "vehicles": {vehicle_id: rest for vehicle_id, *rest in vehicles},
        "riders": {(subaccount, rider_id): rest for subaccount, rider_id, *rest in riders},
    }


@pytest.mark.parametrize("seed", range(4))
async def test_after_anything(rt: Runtime, clock: SettableClock, seed: int) -> None:
    rng = Random(seed)
    kit = await make_operator(rt, time_zone="Pacific/Auckland")
    operator_id = kit.operator.id
    riders = [await make_rider(rt, kit.operator) for _ in range(4)]
    fleets = [await make_fleet(rt, kit.operator) for _ in range(4)]
    async with rt.db.write() as tx:
        subaccounts = await insert_subaccounts(tx, operator_id)
    made_in: dict[int, int | None] = {}

    async def move(tx: Tx) -> None:
        await tx.execute(
            "update vehicle set subaccount_id = %(s)s where operator_id = %(o)s and id = %(id)s",
            {"o": operator_id, "id": rng.choice(fleets).vehicle_id, "s": rng.choice(subaccounts)},
        )

    async def task(tx: Tx) -> None:
        [(task_id, subaccount)] = await tx.tuples(
            """
            insert into staff_task (operator_id, vehicle_id, type_ref, priority, stage, created_by, created_at)
            values (%(o)s, %(id)s, 'battery_swap', 'LOW', 'TODO', 'staff:1', %(now)s) returning id, subaccount_id
            """,
            {"o": operator_id, "id": rng.choice(fleets).vehicle_id, "now": clock.now()},
        )
        made_in[task_id] = subaccount

    async def close_task(tx: Tx) -> None:
        await tx.execute(
            """
            update staff_task set stage = %(stage)s where operator_id = %(o)s and id = (
                select id from staff_task where operator_id = %(o)s and stage = 'TODO' order by id limit 1)
            """,
            {"o": operator_id, "stage": rng.choice(["DONE", "DELETED"])},
        )

    async def correct(tx: Tx) -> None:
        await tx.execute(
            """
            update ride set total_minor = total_minor + 5, charged_balance_minor = charged_balance_minor + 5
             where operator_id = %(o)s and id = (
                select id from ride where operator_id = %(o)s and status = 'ENDED' order by random() limit 1)
            """,
            {"o": operator_id},
        )

    async def rate(tx: Tx) -> None:
        await tx.execute(
            """
            insert into ride_rating (operator_id, ride_id, rider_id, rating, comment, at)
            select operator_id, id, rider_id, %(rating)s, '', %(now)s from ride
             where operator_id = %(o)s and status = 'ENDED' order by random() limit 1
            on conflict (operator_id, ride_id) do update set rating = excluded.rating
            """,
            {"o": operator_id, "rating": rng.randint(1, 5), "now": clock.now()},
        )

    for _step in range(STEPS):
        clock.advance(minutes=rng.randint(1, 300))
        act = rng.choice([None, None, move, task, task, close_task, correct, rate])
        if act is not None:
            async with rt.db.write() as tx:
                await act(tx)
            continue
        rider, fleet = rng.choice(riders), rng.choice(fleets)
        ride_id = await make_running_ride(rt, kit, rider, fleet)
        over = rng.choice(["ENDED", "ENDED", "FAILED"])
        async with rt.db.write() as tx:
            await tx.execute(
                """
                update ride set status = %(over)s, ended_at = %(at)s, total_minor = 100, tax_minor = 0, lines = '[]',
                       charged_bonus_minor = 0, charged_balance_minor = 100, debt_minor = 0, distance_m = 50
                 where operator_id = %(o)s and id = %(id)s
                """,
                {"o": operator_id, "id": ride_id, "over": over, "at": clock.now() + timedelta(minutes=1)},
            )
            await tx.execute(
                "update vehicle set status = 'READY', held_by = null where operator_id = %(o)s and id = %(id)s",
                {"o": operator_id, "id": fleet.vehicle_id},
            )
    async with rt.db.read() as tx:
        expected = await counted(tx, operator_id, "Pacific/Auckland", made_in)
        found = await kept(tx, operator_id)
    assert found == expected
    assert {what for what, *_ in found["days"]} >= {"ride", "rider", "task", "open_task"}

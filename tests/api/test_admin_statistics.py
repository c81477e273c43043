"""How an operator is doing: against what was made to happen."""

from datetime import timedelta
from typing import Any

from isotope.domain.fleet import AlertKind, raise_alert
from isotope.domain.tenants import roll_up_days
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.card_api import Customer
from tests.kit.clock import SettableClock
from tests.kit.fleet import Fleet, make_fleet
from tests.kit.http import Api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.samples import make_running_ride
from tests.kit.staff import give_to_subaccount, make_desk, make_subaccount
from tests.kit.tenants import OperatorKit, make_operator


async def ride(rt: Runtime, kit: OperatorKit, rider: RiderKit, fleet: Fleet, total_minor: int) -> None:
    """One that ends now."""
    ride_id = await make_running_ride(rt, kit, rider, fleet)
    of = {"o": kit.operator.id, "id": ride_id, "at": rt.clock.now(), "total": total_minor, "vehicle": fleet.vehicle_id}
    async with rt.db.write() as tx:
        await tx.execute(
            """
            update ride set status = 'ENDED', ended_at = %(at)s, total_minor = %(total)s, tax_minor = 0, lines = '[]',
                   charged_bonus_minor = 0, charged_balance_minor = %(total)s, debt_minor = 0, distance_m = 50
             where operator_id = %(o)s and id = %(id)s
            """,
            of,
        )
        await tx.execute(
            "update vehicle set status = 'READY', held_by = null where operator_id = %(o)s and id = %(vehicle)s", of
        )


async def set_status(rt: Runtime, kit: OperatorKit, fleet: Fleet, nr: int, status: str) -> None:
    async with rt.db.write() as tx:
        await tx.execute(
            "update vehicle set status = %(status)s where operator_id = %(o)s and id = %(id)s",
            {"o": kit.operator.id, "id": fleet.vehicle_ids[nr], "status": status},
        )


async def test_a_day_and_the_day_before(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit = await make_operator(rt, currency="SEK")
    desk = await make_desk(rt, api, kit)
    fleet = await make_fleet(rt, kit.operator, vehicles=14)
    statuses = ("CHARGING", "NEED_SERVICE", "DISCHARGED", "NEED_INVESTIGATION", "STOLEN", "NOT_READY", "TRANSPORTATION")
    for nr, status in enumerate((*statuses, "STORAGE", "REBALANCING", "STORAGE", "DEPRECATED"), start=1):
        await set_status(rt, kit, fleet, nr, status)
    rider = await make_rider(rt, kit.operator)
    for amount in (200, 300, 500):
        await ride(rt, kit, rider, fleet, amount)
    async with rt.db.write() as tx:
        await raise_alert(tx, kit.operator.id, fleet.vehicle_id, AlertKind.BATTERY_LOW, actor=SYSTEM, now=clock.now())
        await raise_alert(
            tx, kit.operator.id, fleet.vehicle_ids[1], AlertKind.CONTACT_LOST, actor=SYSTEM, now=clock.now()
        )
    clock.advance(days=1)
    await ride(rt, kit, rider, fleet, 1_050)
    await make_rider(rt, kit.operator)
    await make_rider(rt, kit.operator)
    expected: dict[str, Any] = {
        "available_vehicles": 3,
        "in_use_vehicles": 0,
        "reserved_vehicles": 0,
        "charging_vehicles": 1,
        "in_service_vehicles": 1,
        "discharged_vehicles": 1,
        "needs_investigation_vehicles": 1,
        "stolen_vehicles": 1,
        "not_ready_vehicles": 1,
        "transportation_vehicles": 1,
        "storage_vehicles": 2,
        "rebalancing_vehicles": 1,
        "total_vehicle_error_count": 2,
        "active_vehicles_with_errors": 1,
        "rides_today": 1,
        "rides_yesterday": 3,
        "average_rides": 0.1,
        "rides_revenue_today": 10.5,
        "rides_revenue_yesterday": 10,
        "customers_today": 2,
        "customers_yesterday": 1,
        "topup_today": 0,
        "topup_yesterday": 0,
        "subscriptions_revenue_today": 0,
        "subscriptions_revenue_yesterday": 0,
        "tasks_today": 0,
        "tasks_yesterday": 2,
        "open_tasks": 2,
        "damages_today": 0,
        "damages_yesterday": 0,
        "open_damages": 0,
        "currency_symbol": "kr",
        "currency_code": "SEK",
    }
    assert await desk.get("dashboard/statistics") == expected
    # Added up or not, it is the same; and a part of it.
    while await roll_up_days(rt):
        pass
    assert await desk.get("dashboard/statistics") == expected
    await ride(rt, kit, rider, fleet, 100)
    assert (await desk.get("dashboard/statistics"))["rides_revenue_today"] == 11.5
    clock.advance(days=31)
    old = await desk.get("dashboard/statistics")
    assert (old["rides_today"], old["rides_yesterday"], old["average_rides"], old["open_tasks"]) == (0, 0, 0, 2)


async def test_by_the_operators_clock(rt: Runtime, api: Api, clock: SettableClock) -> None:
    """Midnight is theirs: 23:30 and 00:30 in Auckland are the same day in UTC."""
    kit = await make_operator(rt, time_zone="Pacific/Auckland")
    desk = await make_desk(rt, api, kit)
    fleet, rider = await make_fleet(rt, kit.operator), await make_rider(rt, kit.operator)
    clock.set(clock.now().replace(hour=11, minute=30) + timedelta(days=1))
    await ride(rt, kit, rider, fleet, 100)
    assert (await desk.get("dashboard/statistics"))["rides_today"] == 1
    clock.advance(hours=1)
    found = await desk.get("dashboard/statistics")
    assert (found["rides_today"], found["rides_yesterday"]) == (0, 1)


async def test_money_that_comes_in(card_api: Api, rita: Customer) -> None:
    rt = card_api.services.rt
    desk = await make_desk(rt, card_api, rita.kit)
    await rita.has_card()
    await rita.ok("top-up", {"amount": 20})
    await rita.ok("top-up", {"amount": 15})
    found = await desk.get("dashboard/statistics")
    assert (found["topup_today"], found["topup_yesterday"], found["rides_revenue_today"]) == (35, 0, 0)


async def test_a_subaccount_counts_its_own(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    east, west = await make_subaccount(rt, kit, "east"), await make_subaccount(rt, kit, "west")
    fleets = [await make_fleet(rt, kit.operator, vehicles=count) for count in (1, 2, 4)]
    for subaccount, fleet in zip((None, east, west), fleets, strict=True):
        await give_to_subaccount(rt, kit, subaccount, fleet.vehicle_ids)
        for _time in fleet.vehicle_ids:
            await ride(rt, kit, await make_rider(rt, kit.operator), fleet, 100)
        async with rt.db.write() as tx:
            await raise_alert(
                tx, kit.operator.id, fleet.vehicle_id, AlertKind.BATTERY_LOW, actor=SYSTEM, now=rt.clock.now()
            )
    seen = {}
    for name, subaccount in (("all", None), ("east", east), ("west", west)):
        desk = await make_desk(rt, api, kit, subaccount_id=subaccount)
        found = await desk.get("dashboard/statistics")
        names = ("available_vehicles", "rides_today", "rides_revenue_today", "open_tasks", "customers_today")
        seen[name] = [found[each] for each in (*names, "total_vehicle_error_count", "topup_today")]
    assert seen == {
        "all": [7, 7, 7, 3, 7, 3, 0],
        "east": [2, 2, 2, 1, None, 1, None],
        "west": [4, 4, 4, 1, None, 1, None],
    }


async def test_every_sum_stands_under_its_own_name(rt: Runtime, api: Api, clock: SettableClock) -> None:
    """Each a number of its own, half of them added up already."""
    kit = await make_operator(rt)
    desk = await make_desk(rt, api, kit)
    today = clock.now().date()
    whats = ("ride", "rider", "top_up", "subscription", "task", "damage")
    async with rt.db.write() as tx:
        for nr, (what, days) in enumerate(((what, days) for what in whats for days in (0, 1)), start=1):
            for table in ("day_tally", "day_total"):
                await tx.execute(
                    f"insert into {table} (operator_id, subaccount_id, day, what, count, amount_minor)"
                    " values (%(o)s, 0, %(day)s, %(what)s, %(count)s, %(amount)s)",
                    {"o": kit.operator.id, "day": today - timedelta(days=days), "what": what}
                    | {"count": nr, "amount": 100 * nr},
                )
        for what, count in (("open_task", 7), ("open_damage", 9)):
            await tx.execute(
                "insert into day_total (operator_id, subaccount_id, day, what, count, amount_minor)"
                " values (%(o)s, 0, '1970-01-01', %(what)s, %(count)s, 0)",
                {"o": kit.operator.id, "what": what, "count": count},
            )
    found = await desk.get("dashboard/statistics")
    names = ("rides", "customers", "topup", "subscriptions_revenue", "tasks", "damages")
    assert [[found[f"{name}_today"], found[f"{name}_yesterday"]] for name in names] == [
        [2, 4],
        [6, 8],
        [10, 12],
        [14, 16],
        [18, 20],
        [22, 24],
    ]
    assert (found["rides_revenue_today"], found["rides_revenue_yesterday"]) == (2, 4)
    assert (found["open_tasks"], found["open_damages"]) == (7, 9)

"""Rides of a rider with a subscription, through the whole system."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions import PlanDraft, PlanSpec, upsert_plan
from isotope.domain.wallet import check_ledger
from isotope.infra.runtime import Runtime
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

SPEC = PlanSpec(price_minor=1_000, days=30, limits="daily", quota=Quota(unlocks=1, ride_min=10), pct=50)


async def subscribe(city: City, rider: RiderKit) -> None:
    async with city.rt.db.write() as tx:
        plan_id = await upsert_plan(tx, city.kit.operator.id, PlanDraft(ref="half", title="Half", spec=SPEC))
    bought = await city.ask(rider, "user/buy-subscription", {"plan_id": plan_id, "payment_method_id": "wallet"})
    assert bought.status_code == 200, bought.text


async def left(city: City, rider: RiderKit) -> tuple[int, int]:
    [one] = (await city.ask(rider, "user/get-subscriptions")).json()["subscriptions"]
    return one["quota_left"]["unlocks"], one["quota_left"]["ride_minutes"]


def amounts(ended: Any) -> dict[str, float]:
    return {line["code"]: line["amount"] for line in ended.json()["payment_info"]["lines"]}


async def test_what_is_included_is_free_and_the_rest_is_cheaper(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=2_000)
        await subscribe(city, rider)
        await city.start(rider)
        clock.advance(minutes=12)
        await city.unit.report(odometer_m=3_000)
        running = await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        # 1.00 and 10 of 12 minutes at 0.20 are included, of the other 0.40 half is taken off.
        assert ended.json()["payment_info"]["total"] == 0.2
        assert [ride["price"] for ride in running.json()["vehicles"]] == [0.2]
        assert amounts(ended) == {
            "unlock": 1.0,
            "ride_minutes": 2.4,
            "subscription_unlock": -1.0,
            "subscription_minutes": -2.0,
            "subscription_discount": -0.2,
        }
        assert await left(city, rider) == (0, 0)
        clock.advance(days=1)
        assert await left(city, rider) == (1, 10)


async def test_rides_that_end_at_once_share_one_quota(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        rider = await city.rider(balance_minor=2_000)
        await subscribe(city, rider)
        started = [await city.start(rider, vehicle) for vehicle in range(2)]
        rides = [one.json()["active_ride_id"] for one in started]
        clock.advance(minutes=8)
        for unit in city.units:
            await unit.report(odometer_m=3_000)
        ended = await asyncio.gather(*(city.end(rider, active_ride_id=ride_id) for ride_id in rides))
        assert [one.status_code for one in ended] == [200, 200], [one.text for one in ended]
        # One is free; of the other 2 minutes are included, and half of 1.00 and 6 minutes is taken off.
        assert sorted(one.json()["payment_info"]["total"] for one in ended) == [0.0, 1.1]
        assert await left(city, rider) == (0, 0)
        async with rt.db.read() as tx:
            assert await check_ledger(tx, city.kit.operator.id) == []
            used = await tx.tuples(
                "select ride_id, unlocks, ride_min from subscription_ride where operator_id = %(operator_id)s",
                {"operator_id": city.kit.operator.id},
            )
        assert {ride_id for ride_id, _unlocks, _minutes in used} == set(rides)
        assert sum(unlocks for _id, unlocks, _minutes in used) == 1
        assert sum(minutes for _id, _unlocks, minutes in used) == 10

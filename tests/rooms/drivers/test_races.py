"""Drivers who do two things at once, and two who want one vehicle."""

import asyncio
import random
from datetime import timedelta

from isotope.domain.drivers import (
    DriverPosition,
    DriverState,
    GoOnline,
    TakePositions,
    find_state,
    go_offline,
    go_online,
    is_busy,
    masked_phone,
    take_positions,
)
from isotope.domain.taxi import AcceptOffer, accept_offer, decline_open_offers
from isotope.domain.taxi.model import Trip, TripStatus
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, let_drive, make_driver, make_offer, make_request
from tests.kit.riders import make_rider
from tests.kit.tenants import make_operator


async def state_of(rt: Runtime, dora: DriverKit) -> DriverState:
    async with rt.db.read() as tx:
        found = await find_state(tx, dora.operator.id, dora.id)
    assert found is not None
    return found


async def test_one_vehicle_has_one_driver(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    dora = await make_driver(rt, operator)
    others = [await make_driver(rt, operator) for _driver in range(5)]
    for other in others:
        await let_drive(rt, operator, other.id, dora.vehicle_id)
    answers = await asyncio.gather(
        *(
            go_online(
                rt,
                GoOnline(operator=operator, driver_id=one.id, vehicle_id=dora.vehicle_id, point=HELSINKI),
            )
            for one in (dora, *others)
        ),
        return_exceptions=True,
    )
    assert sum(isinstance(answer, DriverState) for answer in answers) == 1
    codes = [answer.code for answer in answers if isinstance(answer, Refusal)]
    assert codes == ["taxi_vehicle_taken"] * 5


async def test_nobody_is_offline_with_a_trip(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    won = set()
    for nr in range(12):
        dora = await make_driver(rt, operator)
        await dora.go_online()
        rider = await make_rider(rt, operator)
        trip = await make_request(rt, operator, rider.id, dora.class_id)
        offer_id = await make_offer(rt, trip, dora.id)

        async def stop(driver: DriverKit = dora, later: int = nr) -> DriverState:
            # At once, or a little later each time: either one is the first some day.
            for _look in range(3 * later if later % 2 else 0):
                await state_of(rt, driver)
            state = await go_offline(rt, operator.id, driver.id)
            await decline_open_offers(rt, operator, driver.id, "offline")
            return state

        accept = accept_offer(rt, AcceptOffer(operator=operator, driver_id=dora.id, offer_id=offer_id))
        answers = await asyncio.gather(stop(), accept, return_exceptions=True)
        accepted = [answer for answer in answers if isinstance(answer, Trip)]
        refused = [answer.code for answer in answers if isinstance(answer, Refusal)]
        state = await state_of(rt, dora)
        if accepted:
            assert accepted[0].status is TripStatus.ACCEPTED
            assert is_busy(state)
            assert refused == ["driver_busy"]
        else:
            assert not state.is_online
            assert refused[0] in {"driver_offline", "offer_ended"}
        won.add(bool(accepted))
    assert won == {True, False}, "both ways came about"


async def test_where_a_driver_is_does_not_depend_on_what_comes_first(rt: Runtime, clock: SettableClock) -> None:
    dora = await make_driver(rt, (await make_operator(rt)).operator)
    await dora.go_online()
    start = clock.now()
    clock.advance(minutes=5)
    drawn = random.Random(7)
    ways = [
        DriverPosition(point=Point(60 + nr / 1000, 24.9), at=start + timedelta(seconds=nr), heading_deg=nr)
        for nr in range(1, 121)
    ]
    drawn.shuffle(ways)
    batches = [tuple(ways[first : first + 10]) for first in range(0, len(ways), 10)]
    await asyncio.gather(
        *(
            take_positions(rt, TakePositions(operator=dora.operator, driver_id=dora.id, positions=batch))
            for batch in batches
        )
    )
    state = await state_of(rt, dora)
    assert (state.point, state.heading_deg, state.position_at) == (
        Point(60.12, 24.9),
        120,
        start + timedelta(seconds=120),
    )


def test_a_masked_number_calls_nobody() -> None:
    assert masked_phone("358", "401234567") == "+358 •••••••67"
    assert masked_phone("358", "4012") == "+358 ••••", "of a short one nothing is told"

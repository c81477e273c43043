"""Drivers online and offline, and where they are."""

from datetime import timedelta

import pytest

from isotope.domain.drivers import (
    DriverPosition,
    DriverState,
    DriverStatus,
    GoOnline,
    Presence,
    TakePositions,
    find_state,
    go_offline,
    go_online,
    log_out_driver,
    set_busy,
    set_idle,
    take_positions,
)
from isotope.domain.drivers.usecases.find_driver_by_token import find_driver_by_token
from isotope.domain.drivers.usecases.forget_ended_driver_tokens import forget_ended_driver_tokens
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, let_drive, make_class, make_driver, make_taxi_vehicle
from tests.kit.tenants import make_operator

NORTH = Point(60.2, 24.9)
SOUTH = Point(60.1, 24.9)


async def a_driver(rt: Runtime, status: DriverStatus = DriverStatus.ACTIVE) -> DriverKit:
    return await make_driver(rt, (await make_operator(rt)).operator, status=status)


async def send(dora: DriverKit, *positions: DriverPosition) -> DriverState:
    command = TakePositions(operator=dora.operator, driver_id=dora.id, positions=positions)
    return await take_positions(dora.rt, command)


async def busy(dora: DriverKit, *, is_busy: bool = True) -> None:
    """As the acceptance and the end of a trip say."""
    async with dora.rt.db.write() as tx:
        if is_busy:
            await set_busy(tx, dora.operator.id, dora.id)
        else:
            await set_idle(tx, dora.operator.id, dora.id, dora.rt.clock.now())


async def state_of(dora: DriverKit) -> DriverState:
    async with dora.rt.db.read() as tx:
        found = await find_state(tx, dora.operator.id, dora.id)
    assert found is not None
    return found


async def test_online_by_what_is_heard(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    settings = dora.operator.settings.taxi
    online = await dora.go_online()
    assert online.class_ids == (dora.class_id,)
    assert online.point == HELSINKI
    assert online.online_since == online.idle_since == clock.now()
    clock.advance(seconds=settings.heartbeat_s)
    assert online.presence(settings, clock.now()) is Presence.ONLINE
    clock.advance(seconds=1)
    assert online.presence(settings, clock.now()) is Presence.NO_CONNECTION
    heard = await send(dora, DriverPosition(point=NORTH, at=clock.now(), heading_deg=90))
    assert heard.presence(settings, clock.now()) is Presence.ONLINE
    assert (heard.point, heard.heading_deg) == (NORTH, 90)
    gone = await go_offline(rt, dora.operator.id, dora.id)
    assert gone.presence(settings, clock.now()) is Presence.OFFLINE
    assert gone.point is None, "nobody keeps where they are"


async def test_the_newest_position_counts_whatever_comes_last(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    await dora.go_online()
    clock.advance(seconds=30)
    now = clock.now()
    await send(
        dora,
        DriverPosition(point=SOUTH, at=now - timedelta(seconds=1)),
        DriverPosition(point=NORTH, at=now),
        DriverPosition(point=SOUTH, at=now - timedelta(seconds=20)),
    )
    assert (await state_of(dora)).point == NORTH
    clock.advance(seconds=50)
    late = await send(dora, DriverPosition(point=SOUTH, at=now - timedelta(seconds=5)))
    assert late.point == NORTH, "nobody is moved back"
    assert late.seen_at == clock.now(), "but it is a sign of life"


async def test_a_clock_that_goes_ahead_does_not_shut_out_what_comes_later(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    await dora.go_online()
    clock.advance(seconds=5)
    ahead = await send(dora, DriverPosition(point=NORTH, at=clock.now() + timedelta(days=1)))
    assert ahead.position_at == clock.now()
    clock.advance(seconds=5)
    assert (await send(dora, DriverPosition(point=SOUTH, at=clock.now()))).point == SOUTH


async def test_positions_are_of_drivers_who_work(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    with pytest.raises(Refusal, match="driver_offline"):
        await send(dora, DriverPosition(point=NORTH, at=clock.now()))
    await dora.go_online()
    await go_offline(rt, dora.operator.id, dora.id)
    with pytest.raises(Refusal, match="driver_offline"):
        await send(dora, DriverPosition(point=NORTH, at=clock.now()))
    assert (await state_of(dora)).point is None


async def test_one_driver_a_vehicle(rt: Runtime) -> None:
    dora = await a_driver(rt)
    dan = await make_driver(rt, dora.operator)
    await let_drive(rt, dora.operator, dan.id, dora.vehicle_id)
    await dora.go_online()
    into_doras = GoOnline(operator=dora.operator, driver_id=dan.id, vehicle_id=dora.vehicle_id, point=HELSINKI)
    with pytest.raises(Refusal, match="taxi_vehicle_taken"):
        await go_online(rt, into_doras)
    assert (await state_of(dora)).vehicle_id == dora.vehicle_id
    await go_offline(rt, dora.operator.id, dora.id)
    assert (await go_online(rt, into_doras)).vehicle_id == dora.vehicle_id


async def test_only_in_what_they_may_drive(rt: Runtime) -> None:
    dora = await a_driver(rt)
    for vehicle_id in (
        await make_taxi_vehicle(rt, dora.operator, dora.class_id),
        (await a_driver(rt)).vehicle_id,
    ):
        with pytest.raises(Refusal, match="taxi_vehicle_not_found"):
            await go_online(
                rt, GoOnline(operator=dora.operator, driver_id=dora.id, vehicle_id=vehicle_id, point=HELSINKI)
            )


async def test_classes_are_those_of_the_vehicle(rt: Runtime) -> None:
    dora = await a_driver(rt)
    other = await make_class(rt, dora.operator)
    both = await make_taxi_vehicle(rt, dora.operator, dora.class_id, other)
    await let_drive(rt, dora.operator, dora.id, both)

    async def online(*class_ids: int) -> DriverState:
        return await go_online(
            rt,
            GoOnline(
                operator=dora.operator,
                driver_id=dora.id,
                vehicle_id=both,
                point=HELSINKI,
                class_ids=class_ids,  # type: ignore[arg-type]
            ),
        )

    assert (await online(other)).class_ids == (other,)
    assert (await online(other, dora.class_id, other)).class_ids == (other, dora.class_id)
    for wrong in ((), (other, await make_class(rt, dora.operator))):
        with pytest.raises(Refusal, match="validation_failed"):
            await online(*wrong)


@pytest.mark.parametrize("status", [DriverStatus.BLOCKED, DriverStatus.RETIRED])
async def test_who_is_blocked_does_not_work(rt: Runtime, status: DriverStatus) -> None:
    dora = await a_driver(rt, status)
    with pytest.raises(Refusal, match="driver_blocked"):
        await dora.go_online()


async def test_a_trip_keeps_its_driver_and_vehicle(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    online = await dora.go_online()
    await busy(dora)
    with pytest.raises(Refusal, match="driver_busy"):
        await go_offline(rt, dora.operator.id, dora.id)
    with pytest.raises(Refusal, match="driver_busy"):
        await log_out_driver(rt, dora.operator.id, dora.id, dora.token)
    assert await find_driver_by_token(rt, dora.operator.id, dora.token) is not None
    another = await make_taxi_vehicle(rt, dora.operator, dora.class_id)
    await let_drive(rt, dora.operator, dora.id, another)
    with pytest.raises(Refusal, match="driver_busy"):
        await go_online(rt, GoOnline(operator=dora.operator, driver_id=dora.id, vehicle_id=another, point=HELSINKI))
    clock.advance(seconds=40)
    again = await dora.go_online(NORTH)
    assert (again.online_since, again.idle_since) == (online.online_since, None), "they are as busy as before"
    clock.advance(seconds=40)
    await busy(dora, is_busy=False)
    assert (await state_of(dora)).idle_since == clock.now()
    await log_out_driver(rt, dora.operator.id, dora.id, dora.token)
    assert await find_driver_by_token(rt, dora.operator.id, dora.token) is None
    assert not (await state_of(dora)).is_online


async def test_tokens_end_and_are_forgotten(rt: Runtime, clock: SettableClock) -> None:
    dora = await a_driver(rt)
    elsewhere = await make_operator(rt)
    assert await find_driver_by_token(rt, elsewhere.operator.id, dora.token) is None
    clock.advance(days=30)
    assert await find_driver_by_token(rt, dora.operator.id, dora.token) is None
    assert await forget_ended_driver_tokens(rt) >= 1
    assert await forget_ended_driver_tokens(rt) == 0

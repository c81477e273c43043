import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from functools import partial
from typing import Any

import psycopg
import pytest
import pytest_asyncio

from isotope.domain.fleet import (
    LiveMap,
    ModelDraft,
    ModelSpec,
    VehicleStatus,
    hold_vehicle,
    list_models,
    list_tariffs,
    lock_vehicle,
    release_vehicle,
    retire_addons,
    upsert_model,
)
from isotope.domain.fleet import live_map as live_map_module
from isotope.domain.fleet.live_feed import FeedRows, read_rows_after, read_rows_of
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from isotope.kernel.ids import VehicleId
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, Fleet, make_fleet, tell_state
from tests.kit.tenants import make_operator
from tests.kit.waiting import until


@pytest_asyncio.fixture
async def live_map(rt: Runtime) -> AsyncIterator[LiveMap]:
    """Following the store."""
    followed = LiveMap(rt)
    await rt.hub.start()
    await followed.start()
    yield followed
    await followed.stop()


def shown(
    rt: Runtime, live_map: LiveMap, operator: Operator, point: Point = HOME, radius_m: float = 1_000
) -> list[VehicleId]:
    return [vehicle.vehicle_id for vehicle in live_map.within(operator, point, radius_m, now=rt.clock.now())]


async def take(rt: Runtime, fleet: Fleet, taken_by: LiveMap | None = None) -> None:
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
        await hold_vehicle(
            tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now()
        )
        if taken_by is not None:
            tx.after_commit(lambda: taken_by.drop(fleet.operator_id, fleet.vehicle_id))


async def give_back(rt: Runtime, fleet: Fleet, to_status: VehicleStatus = VehicleStatus.READY) -> None:
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
        await release_vehicle(
            tx, found.vehicle, holder="ride:1", to_status=to_status, actor=SYSTEM, cause="t", now=rt.clock.now()
        )


async def test_what_was_there_before_and_what_comes_later_is_shown(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 3)
    await until(lambda: len(shown(rt, live_map, operator)) == 3)
    cold = LiveMap(rt_without_subscriptions(rt))
    await cold.start()
    assert sorted(shown(rt, cold, operator)) == sorted(fleet.vehicle_ids)
    await cold.stop()


def rt_without_subscriptions(rt: Runtime) -> Runtime:
    """The same store with a hub that was not started yet, as a second process has it."""
    return Runtime(db=rt.db, clock=rt.clock, hub=type(rt.hub)(rt.db.url), jobs=rt.jobs)


async def test_a_vehicle_taken_elsewhere_is_gone_and_comes_back(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    await take(rt, fleet)
    await until(lambda: shown(rt, live_map, operator) == [])
    assert live_map.get(operator.id, fleet.vehicle_id) is not None
    await give_back(rt, fleet)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])


async def test_moves_and_charge_are_followed(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    there = Point(60.20, 24.94)
    await tell_state(rt, operator.id, fleet.device_id, at=there)
    await until(lambda: shown(rt, live_map, operator, there) == [fleet.vehicle_id])
    assert shown(rt, live_map, operator) == []
    await tell_state(rt, operator.id, fleet.device_id, at=there, battery_pct=9)
    await until(lambda: shown(rt, live_map, operator, there) == [])


async def test_silence_hides_without_any_report(rt: Runtime, live_map: LiveMap, clock: SettableClock) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    clock.advance(seconds=operator.settings.rides.silent_after_s)
    assert shown(rt, live_map, operator) == [fleet.vehicle_id]
    clock.advance(seconds=1)
    assert shown(rt, live_map, operator) == []


async def test_a_vehicle_never_heard_of_is_not_shown(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    silent = await make_fleet(rt, operator, is_heard=False)
    heard = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [heard.vehicle_id])
    placed = live_map.get(operator.id, silent.vehicle_id)
    assert placed is not None
    assert Point(placed.lat, placed.lon) == HOME


async def test_a_models_own_minimum_counts(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    thrifty = await make_fleet(rt, operator, battery_pct=5, spec=ModelSpec(minimum_battery_pct=5))
    await make_fleet(rt, operator, battery_pct=50, spec=ModelSpec(minimum_battery_pct=51))
    await until(lambda: shown(rt, live_map, operator) == [thrifty.vehicle_id])


async def test_another_operators_vehicles_are_never_shown(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    other = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    assert shown(rt, live_map, other, radius_m=20_000_000) == []
    assert live_map.get(other.id, fleet.vehicle_id) is None


class Gate:
    """Stands in for a reading of the feed: holds back what was read until it is let through."""

    def __init__(self, read: Callable[..., Awaitable[FeedRows]]) -> None:
        self._read = read
        self.has_read = asyncio.Event()
        self.may_go = asyncio.Event()
        self.passed = 0

    async def read(self, *args: Any) -> FeedRows:
        rows = await self._read(*args)
        self.has_read.set()
        await self.may_go.wait()
        self.passed += 1
        return rows

    def close(self) -> None:
        self.has_read.clear()
        self.may_go.clear()


@pytest.fixture
def gate(monkeypatch: pytest.MonkeyPatch) -> Gate:
    made = Gate(read_rows_of)
    made.may_go.set()
    monkeypatch.setattr(live_map_module, "read_rows_of", made.read)
    return made


async def test_taken_by_this_process_is_gone_at_once_and_a_late_read_does_not_bring_it_back(
    rt: Runtime, live_map: LiveMap, gate: Gate
) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    gate.close()
    await tell_state(rt, operator.id, fleet.device_id)
    await gate.has_read.wait()  # a read is on its way that saw the vehicle READY

    await take(rt, fleet, taken_by=live_map)
    assert shown(rt, live_map, operator) == []

    passed = gate.passed
    gate.has_read.clear()
    gate.may_go.set()
    await until(lambda: gate.passed > passed)
    gate.close()  # what comes after that read is held back again
    await gate.has_read.wait()
    assert shown(rt, live_map, operator) == []

    gate.may_go.set()
    await give_back(rt, fleet)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])


async def test_what_could_not_be_heard_is_read_again_before_anything_is_answered(
    rt: Runtime, live_map: LiveMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    await until(lambda: live_map.behind_s() == 0.0)  # the fleet's models were told of, too
    gate = Gate(read_rows_after)
    monkeypatch.setattr(live_map_module, "read_rows_after", gate.read)
    async with await psycopg.AsyncConnection.connect(rt.db.url, autocommit=True) as connection:
        # Changed without a word: only reading everything again can tell.
        await connection.execute(
            "update vehicle set status = 'STORAGE' where operator_id = %s and id = %s",
            (operator.id, fleet.vehicle_id),
        )
        await connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity"
            " where query like 'listen %%' and datname = current_database()"
        )
    await gate.has_read.wait()
    assert rt.hub.is_listening
    with pytest.raises(Refusal, match="store_unavailable"):
        shown(rt, live_map, operator)
    gate.may_go.set()
    await until(lambda: live_map.behind_s() == 0.0)
    assert shown(rt, live_map, operator) == []


async def test_the_safety_net_finds_what_nobody_told(
    rt: Runtime, live_map: LiveMap, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 5)
    await until(lambda: len(shown(rt, live_map, operator)) == 5)
    async with await psycopg.AsyncConnection.connect(rt.db.url, autocommit=True) as connection:
        await connection.execute("update vehicle set status = 'STORAGE' where operator_id = %s", (operator.id,))
    await live_map.stop()
    monkeypatch.setattr(live_map_module, "SWEEP_EVERY_S", 0.01)
    monkeypatch.setattr(live_map_module, "_CALM_ROWS", 2)
    monkeypatch.setattr(live_map_module, "_CALM_PAUSE_S", 0.0)
    monkeypatch.setattr(live_map, "_sweep_now", lambda: None)  # so that `start` does not read everything by itself
    await live_map.start()
    await until(lambda: shown(rt, live_map, operator) == [])
    assert fleet.operator_id == operator.id


async def test_a_map_that_is_behind_does_not_answer(
    rt: Runtime, live_map: LiveMap, gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])
    await until(lambda: live_map.behind_s() == 0.0)
    monkeypatch.setattr(live_map_module, "MAX_BEHIND_S", 0.05)
    gate.close()
    await tell_state(rt, operator.id, fleet.device_id)
    await until(lambda: live_map.behind_s() > 0.05)
    with pytest.raises(Refusal, match="store_unavailable"):
        shown(rt, live_map, operator)
    gate.may_go.set()
    await until(lambda: live_map.behind_s() == 0.0)
    assert shown(rt, live_map, operator) == [fleet.vehicle_id]


async def test_a_map_that_is_not_loaded_does_not_answer(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    with pytest.raises(Refusal, match="store_unavailable"):
        LiveMap(rt).within(operator, HOME, 100, now=rt.clock.now())


async def test_steady_changes_do_not_count_as_being_behind(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 20)
    worst_s = 0.0
    async with asyncio.timeout(30):
        for _ in range(40):
            for device_id in fleet.device_ids[:3]:
                await tell_state(rt, operator.id, device_id)
            worst_s = max(worst_s, live_map.behind_s())
    assert worst_s < 1.0


async def test_the_catalogue_is_read_again_when_it_changes(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [fleet.vehicle_id])  # all notices of the set-up have come
    before = await live_map.catalog(operator.id)
    assert [addon.id for addon in before.addons_of(fleet.model_id)] == list(fleet.addon_ids)
    assert before is await live_map.catalog(operator.id)
    async with rt.db.write() as tx:
        ref = before.addons[fleet.addon_ids[0]].ref
        assert len(await list_models(tx, operator.id)) == 1
        await retire_addons(tx, operator.id, [ref], rt.clock.now() + timedelta(seconds=1))
    async with asyncio.timeout(10):
        while (await live_map.catalog(operator.id)).addons_of(fleet.model_id):  # noqa: ASYNC110 - see `until`
            await asyncio.sleep(0.005)


def shows(rt: Runtime, live_map: LiveMap, operator: Operator, number: int) -> bool:
    return len(shown(rt, live_map, operator)) == number


async def test_what_is_only_rented_for_given_dates_is_not_shown(rt: Runtime, live_map: LiveMap) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, spec=ModelSpec(sharing=False))
    shared = await make_fleet(rt, operator)
    await until(lambda: shown(rt, live_map, operator) == [shared.vehicle_id])
    assert live_map.get(operator.id, fleet.vehicle_id) is not None
    for sharing, number in ((True, 2), (False, 1)):
        async with rt.db.write() as tx:
            [model] = [model for model in await list_models(tx, operator.id) if model.id == fleet.model_id]
            [tariff] = [tariff for tariff in await list_tariffs(tx, operator.id) if tariff.id == fleet.tariff_id]
            draft = ModelDraft(
                ref=model.ref,
                title=model.title,
                vehicle_type=model.vehicle_type,
                tariff_ref=tariff.ref,
                spec=ModelSpec(sharing=sharing),
            )
            await upsert_model(tx, operator.id, draft)
        await until(partial(shows, rt, live_map, operator, number))

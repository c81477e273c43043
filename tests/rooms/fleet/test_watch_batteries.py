from isotope.domain.fleet import (
    ModelSpec,
    VehicleStatus,
    get_vehicle,
    hold_vehicle,
    list_status_changes,
    lock_vehicle,
    watch_batteries,
)
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.kernel.ids import VehicleId
from tests.kit.fleet import Fleet, make_fleet, tell_state
from tests.kit.tenants import make_operator


async def status(rt: Runtime, operator: Operator, vehicle_id: VehicleId) -> VehicleStatus:
    async with rt.db.read() as tx:
        return (await get_vehicle(tx, operator.id, vehicle_id=vehicle_id)).vehicle.status


async def charge(rt: Runtime, fleet: Fleet, battery_pct: int) -> None:
    await tell_state(rt, fleet.operator_id, fleet.device_id, battery_pct=battery_pct)


async def test_an_empty_vehicle_is_discharged_and_a_charged_one_ready_again(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    for battery_pct, expected in ((10, "READY"), (9, "DISCHARGED"), (19, "DISCHARGED"), (20, "READY"), (10, "READY")):
        await charge(rt, fleet, battery_pct)
        await watch_batteries(rt)
        assert await status(rt, operator, fleet.vehicle_id) == expected
    assert await watch_batteries(rt) == 0
    async with rt.db.read() as tx:
        log = await list_status_changes(tx, operator.id, fleet.vehicle_id)
    assert [(line.to_status, line.cause) for line in log] == [("READY", "battery"), ("DISCHARGED", "battery")]


async def test_a_models_own_minimum_counts_and_never_asks_for_more_than_full(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, spec=ModelSpec(minimum_battery_pct=95), battery_pct=94)
    await watch_batteries(rt)
    assert await status(rt, operator, fleet.vehicle_id) == VehicleStatus.DISCHARGED
    await charge(rt, fleet, 100)
    await watch_batteries(rt)
    assert await status(rt, operator, fleet.vehicle_id) == VehicleStatus.READY


async def test_a_vehicle_on_a_journey_is_left_alone(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator)
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_id)
        await hold_vehicle(
            tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=rt.clock.now()
        )
    await charge(rt, fleet, 1)
    await watch_batteries(rt)
    assert await status(rt, operator, fleet.vehicle_id) == VehicleStatus.IN_USE


async def test_a_vehicle_that_is_being_changed_waits_for_the_next_run(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, 2, battery_pct=1)
    async with rt.db._pool.connection() as other, other.transaction():
        await other.execute(
            "select 1 from vehicle where operator_id = %s and id = %s for update", (operator.id, fleet.vehicle_ids[0])
        )
        await watch_batteries(rt)
    assert await status(rt, operator, fleet.vehicle_ids[0]) == VehicleStatus.READY
    assert await status(rt, operator, fleet.vehicle_ids[1]) == VehicleStatus.DISCHARGED

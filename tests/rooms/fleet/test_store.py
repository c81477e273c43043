import asyncio

import pytest

from isotope.domain.fleet import (
    By,
    HolderError,
    VehicleStatus,
    change_status,
    get_vehicle,
    hold_vehicle,
    list_status_changes,
    lock_vehicle,
    release_vehicle,
)
from isotope.infra.db import Database
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import VehicleId
from tests.kit.fleet import Fleet, make_fleet
from tests.kit.tenants import make_operator

RIDER = Actor("rider:7")

AT_ONCE = 16
"""Transactions that are certainly open side by side."""


async def hold(rt: Runtime, fleet: Fleet, holder: str, status: VehicleStatus = VehicleStatus.IN_USE) -> None:
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
        await hold_vehicle(tx, found.vehicle, holder=holder, status=status, actor=RIDER, now=rt.clock.now())


async def release(rt: Runtime, fleet: Fleet, holder: str, to_status: VehicleStatus = VehicleStatus.READY) -> None:
    async with rt.db.write() as tx:
        found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
        await release_vehicle(
            tx,
            found.vehicle,
            holder=holder,
            to_status=to_status,
            actor=SYSTEM,
            cause=f"{holder}:end",
            now=rt.clock.now(),
        )


async def status_of(rt: Runtime, fleet: Fleet) -> tuple[VehicleStatus, str | None]:
    async with rt.db.read() as tx:
        vehicle = (await get_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)).vehicle
    return vehicle.status, vehicle.held_by


async def test_a_vehicle_is_found_by_id_and_by_number_with_model_and_state(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    fleet = await make_fleet(rt, operator, battery_pct=77)
    async with rt.db.write() as tx:
        by_id = await lock_vehicle(tx, operator.id, vehicle_id=fleet.vehicle_id)
        by_nr = await lock_vehicle(tx, operator.id, nr=fleet.nrs[0])
    assert by_id == by_nr
    assert by_id.vehicle.status is VehicleStatus.READY
    assert by_id.model.id == fleet.model_id
    assert by_id.model.addon_ids == fleet.addon_ids
    assert by_id.state is not None
    assert by_id.state.battery_pct == 77
    assert by_id.state.seen_at == rt.clock.now()


async def test_a_vehicle_is_not_found_by_another_operator_or_by_a_number_that_is_not_its(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    other = (await make_operator(rt)).operator
    async with rt.db.read() as tx:
        for operator_id, vehicle_id, nr in (
            (other.id, fleet.vehicle_id, None),
            (other.id, None, fleet.nrs[0]),
            (fleet.operator_id, fleet.vehicle_id, "another"),
            (fleet.operator_id, VehicleId(2**63 - 1), None),
        ):
            with pytest.raises(Refusal, match="vehicle_not_found"):
                await get_vehicle(tx, operator_id, vehicle_id=vehicle_id, nr=nr)
        with pytest.raises(Refusal, match="vehicle_not_named"):
            await get_vehicle(tx, fleet.operator_id)


async def test_hold_and_release_are_logged(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    await hold(rt, fleet, "ride:1")
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, "ride:1")
    await release(rt, fleet, "ride:1", VehicleStatus.DISCHARGED)
    assert await status_of(rt, fleet) == (VehicleStatus.DISCHARGED, None)
    async with rt.db.read() as tx:
        log = await list_status_changes(tx, fleet.operator_id, fleet.vehicle_id)
    assert [(line.from_status, line.to_status, line.actor, line.cause) for line in log] == [
        ("IN_USE", "DISCHARGED", "system", "ride:1:end"),
        ("READY", "IN_USE", "rider:7", "ride:1"),
    ]


async def test_only_one_of_fifty_gets_the_vehicle(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    db = Database(rt.db.url, min_size=AT_ONCE, max_size=AT_ONCE)
    await db.open()
    all_begun = asyncio.Barrier(AT_ONCE)

    async def race(number: int) -> None:
        async with db.write() as tx:
            if number < AT_ONCE:
                await all_begun.wait()
            found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
            await hold_vehicle(
                tx,
                found.vehicle,
                holder=f"ride:{number}",
                status=VehicleStatus.IN_USE,
                actor=RIDER,
                now=rt.clock.now(),
            )

    outcomes = await asyncio.gather(*(race(number) for number in range(50)), return_exceptions=True)
    await db.close()
    won = [n for n, outcome in enumerate(outcomes) if outcome is None]
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refusal)]
    assert len(won) == 1
    assert [no.code for no in refused] == ["vehicle_not_available"] * 49
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, f"ride:{won[0]}")
    async with rt.db.read() as tx:
        assert len(await list_status_changes(tx, fleet.operator_id, fleet.vehicle_id)) == 1


async def test_a_reserved_vehicle_is_for_its_holder_alone(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    await hold(rt, fleet, "reservation:1", VehicleStatus.RESERVED)
    with pytest.raises(Refusal, match="vehicle_not_available"):
        await hold(rt, fleet, "reservation:2")
    await hold(rt, fleet, "reservation:1")
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, "reservation:1")


async def test_a_reservation_gives_way_to_the_ride_that_names_it(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    await hold(rt, fleet, "reservation:1", VehicleStatus.RESERVED)

    async def take_over(from_holder: str) -> None:
        async with rt.db.write() as tx:
            found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
            await hold_vehicle(
                tx,
                found.vehicle,
                holder="ride:7",
                status=VehicleStatus.IN_USE,
                actor=RIDER,
                now=rt.clock.now(),
                from_holder=from_holder,
            )

    with pytest.raises(Refusal, match="vehicle_not_available"):
        await take_over("reservation:2")
    await take_over("reservation:1")
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, "ride:7")
    # A ride gives way to nobody.
    with pytest.raises(Refusal, match="vehicle_not_available"):
        await take_over("ride:7")


async def test_a_stranger_cannot_release(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    with pytest.raises(HolderError):
        await release(rt, fleet, "ride:1")
    await hold(rt, fleet, "ride:1")
    with pytest.raises(HolderError):
        await release(rt, fleet, "ride:2")
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, "ride:1")


async def test_holding_without_the_lock_is_noticed(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    async with rt.db.read() as tx:
        stale = (await get_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)).vehicle
    await hold(rt, fleet, "ride:1")
    with pytest.raises(HolderError):
        async with rt.db.write() as tx:
            await hold_vehicle(tx, stale, holder="ride:2", status=VehicleStatus.IN_USE, actor=RIDER, now=rt.clock.now())
    assert await status_of(rt, fleet) == (VehicleStatus.IN_USE, "ride:1")


async def test_by_hand_nothing_happens_to_a_held_vehicle(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)

    async def set_status(to_status: VehicleStatus) -> None:
        async with rt.db.write() as tx:
            found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
            await change_status(
                tx, found.vehicle, to_status=to_status, by=By.PERSON, actor=SYSTEM, cause="test", now=rt.clock.now()
            )

    await set_status(VehicleStatus.STORAGE)
    await set_status(VehicleStatus.STORAGE)
    await set_status(VehicleStatus.READY)
    await hold(rt, fleet, "ride:1")
    with pytest.raises(Refusal, match="vehicle_held"):
        await set_status(VehicleStatus.STORAGE)
    async with rt.db.read() as tx:
        log = await list_status_changes(tx, fleet.operator_id, fleet.vehicle_id)
    assert [line.to_status for line in log] == ["IN_USE", "READY", "STORAGE"]


async def test_a_rolled_back_hold_is_neither_logged_nor_told(rt: Runtime) -> None:
    fleet = await make_fleet(rt, (await make_operator(rt)).operator)
    told: list[str] = []
    rt.hub.subscribe("vehicle_changed", told.append)
    await rt.hub.start()

    class ChangedMyMindError(Exception):
        pass

    async def hold_and_fail() -> None:
        async with rt.db.write() as tx:
            found = await lock_vehicle(tx, fleet.operator_id, vehicle_id=fleet.vehicle_id)
            await hold_vehicle(
                tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=RIDER, now=rt.clock.now()
            )
            raise ChangedMyMindError

    with pytest.raises(ChangedMyMindError):
        await hold_and_fail()
    async with rt.hub.expect("vehicle_changed", f"{fleet.operator_id}:{fleet.vehicle_id}") as wait:
        await hold(rt, fleet, "ride:2")
        assert await wait(5)
    # Notifications come in the order of the commits: had the first been told, it would be here too.
    assert told.count(f"{fleet.operator_id}:{fleet.vehicle_id}") == 1

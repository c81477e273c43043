"""Staff end rides: the bill, the vehicle, who did it, and what is refused."""

from pathlib import Path
from typing import Any

from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.riders import RiderKit
from tests.kit.staff import Desk, give_to_subaccount, make_desk, make_subaccount

PATH = "rides/force-end"


async def ride_for(city: City, clock: SettableClock, minutes: int) -> RiderKit:
    """A ride that goes on, whose vehicle still reports."""
    rider = await city.rider()
    assert (await city.start(rider)).status_code == 200
    clock.advance(minutes=minutes)
    await city.unit.report()
    return rider


async def ended_by(city: City, ride_id: int) -> tuple[str, Any]:
    async with city.rt.db.read() as tx:
        [(actor, data)] = await tx.tuples(
            "select actor, data from ride_event where operator_id = %s and ride_id = %s and kind = 'ENDED'",
            (city.kit.operator.id, ride_id),
        )
    return actor, data


async def desk_of(city: City, role: Role = Role.OPERATOR) -> Desk:
    return await make_desk(city.rt, city.api, city.kit, role)


async def test_it_costs_what_the_riders_own_end_would(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        desk = await desk_of(city)
        rider = await ride_for(city, clock, 7)
        own = await city.end(rider)
        assert own.status_code == 200, own.text
        forced_rider = await city.rider()
        assert (await city.start(forced_rider, vehicle=1)).status_code == 200
        clock.advance(minutes=7)
        ride = (await city.rides())[1]
        body = {"ride_id": ride["id"], "reason": "The phone is dead"}
        said = await desk.ok(PATH, body, key="once")
        assert said["price"] == own.json()["payment_info"]["total"] > 0
        assert said["message"] == f"Ride {ride['id']} is ended; it costs {said['price']:.2f} EUR."
        assert (await city.standing(forced_rider)).balance_minor == 10_000 - round(said["price"] * 100)
        # Once, whoever says it again.
        assert await desk.ok(PATH, body, key="once") == said
        assert await desk.ok(PATH, body) == said
        actor, data = await ended_by(city, ride["id"])
        assert (actor[:6], data) == ("staff:", {"outcome": "forced", "reason": "The phone is dead"})
        assert (await city.rides())[1]["outcome"] == "forced"
        [shown] = [one for one in (await desk.ok("rides", {"ride_status": "ENDED"}))["data"] if one["id"] == ride["id"]]
        assert (shown["outcome"], shown["price"]) == ("forced", said["price"])


async def test_the_vehicle_is_told_to_lock_and_looked_at(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        desk = await desk_of(city)
        await ride_for(city, clock, 3)
        [ride] = await city.rides()
        await desk.ok(PATH, {"ride_id": ride["id"]})
        await city.unit.until(lambda: not city.is_unlocked())
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        log = (await desk.ok("vehicles/activity", {"vehicle_id": city.fleet.vehicle_id}))["data"]
        assert any(row["action"] == "command" and row["details"]["command"] == "lock" for row in log)


async def test_one_that_is_locked_is_free_for_others(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        desk = await desk_of(city)
        rider = await ride_for(city, clock, 3)
        assert (await city.ask(rider, "sharing/pause")).status_code == 200
        await city.unit.report()
        [ride] = await city.rides()
        before = len(city.unit.commands)
        await desk.ok(PATH, {"ride_id": ride["id"]})
        assert await city.vehicle_status() == ("READY", None)
        assert len(city.unit.commands) == before


async def test_a_silent_vehicle_is_let_go_too(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        desk = await desk_of(city)
        await ride_for(city, clock, 3)
        [ride] = await city.rides()
        clock.advance(hours=2)
        said = await desk.ok(PATH, {"ride_id": ride["id"]})
        assert said["price"] > 0
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)


async def test_what_is_refused(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        desk = await desk_of(city)
        rider = await ride_for(city, clock, 3)
        [ride] = await city.rides()
        body = {"ride_id": ride["id"]}
        read_only = await desk_of(city, Role.READ_ONLY)
        assert await read_only.refused(PATH, body) == (403, "role_not_allowed")
        east = await make_subaccount(rt, city.kit)
        of_east = await make_desk(rt, city.api, city.kit, Role.OWNER, subaccount_id=east)
        assert await of_east.refused(PATH, body) == (404, "ride_not_found")
        assert await desk.refused(PATH, {"ride_id": 999_999_999}) == (404, "ride_not_found")
        async with rt.db.write() as tx:
            await tx.execute("update ride set status = 'PAUSING' where id = %s", (ride["id"],))
        assert await desk.refused(PATH, body) == (409, "ride_busy")
        async with rt.db.write() as tx:
            await tx.execute("update ride set status = 'ACTIVE' where id = %s", (ride["id"],))
        assert (await city.end(rider)).status_code == 200
        assert await desk.refused(PATH, body) == (409, "ride_over")


async def test_staff_of_its_subaccount_end_it(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        east = await make_subaccount(rt, city.kit)
        await give_to_subaccount(rt, city.kit, east, city.fleet.vehicle_ids)
        desk = await make_desk(rt, city.api, city.kit, Role.OPERATOR, subaccount_id=east)
        await ride_for(city, clock, 3)
        [ride] = await city.rides()
        assert (await desk.ok(PATH, {"ride_id": ride["id"]}))["ride_id"] == ride["id"]

"""What time alone does to bookings: kept, reminded, moved, given up, late; also when the worker slept for days."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from isotope.domain.fleet import VehicleStatus, change_status, hold_vehicle, lock_vehicle
from isotope.domain.fleet.rules import By
from isotope.domain.rental.looks import LATE, PREPARED
from isotope.domain.rental.model import BookingStatus
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.drives import Town, a_town
from tests.kit.refusals import refused

pytestmark = pytest.mark.asyncio


async def set_aside(town: Town, car: int, status: VehicleStatus) -> None:
    async with town.rt.db.write() as tx:
        found = await lock_vehicle(tx, town.kit.operator.id, vehicle_id=town.rentals.car(car))
        await change_status(
            tx, found.vehicle, to_status=status, by=By.PERSON, actor=SYSTEM, cause="test", now=town.clock.now()
        )


async def test_before_its_time_a_vehicle_is_kept(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=61)
        await town.worker()
        assert await town.vehicle() == ("READY", None)
        clock.advance(minutes=1)
        for _twice in range(2):
            await town.worker()
            assert await town.vehicle() == ("RESERVED", booking.holder)
            assert (await town.find(booking)).told == ("start:60", PREPARED)
            assert await town.messages() == ["booking_starts"]


@pytest.mark.parametrize("why", ["status", "energy", "silent", "ridden", "elsewhere"])
async def test_one_that_is_not_fit_gives_way_to_another(rt: Runtime, clock: SettableClock, why: str) -> None:
    async with a_town(rt, clock, cars=2) as town:
        booking = await town.book(in_min=60)
        match why:
            case "status":
                await set_aside(town, 0, VehicleStatus.CHARGING)
            case "energy":
                await town.units[0].report(battery_pct=5)
            case "silent":
                clock.advance(minutes=30)
                await town.units[1].report()
            case "elsewhere":
                clock.advance(minutes=5)
                await town.units[0].report(lat=60.20, lon=24.94)
            case _:
                async with rt.db.write() as tx:
                    found = await lock_vehicle(tx, town.kit.operator.id, vehicle_id=town.rentals.car(0))
                    await hold_vehicle(
                        tx, found.vehicle, holder="ride:1", status=VehicleStatus.IN_USE, actor=SYSTEM, now=clock.now()
                    )
        await town.worker()
        moved = await town.find(booking)
        assert moved.vehicle_id == town.rentals.car(1)
        assert await town.vehicle(1) == ("RESERVED", booking.holder)
        assert "booking_vehicle_changed" in await town.messages()
        assert await town.rentals.slots(town.rentals.car(0)) == []
        [(holder, _start, _end)] = await town.rentals.slots(town.rentals.car(1))
        assert holder == booking.holder


async def test_one_that_another_booked_is_not_taken_for_it(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, cars=2) as town:
        booking = await town.book(in_min=60)
        await town.book(in_min=300, car=1, hours=1)
        await set_aside(town, 0, VehicleStatus.CHARGING)
        for _again in range(2):
            await town.worker()
            assert (await town.find(booking)).vehicle_id == town.rentals.car(0)
            # Staff are called once.
            assert await town.alerts() == [("BOOKING_UNREADY", True)]
        await set_aside(town, 0, VehicleStatus.READY)
        await town.worker()
        assert await town.vehicle() == ("RESERVED", booking.holder)
        assert await town.alerts() == [("BOOKING_UNREADY", False)]


async def test_nobody_came(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=30)
        await town.worker()
        assert await town.vehicle() == ("RESERVED", booking.holder)
        clock.advance(minutes=90)
        await town.worker()
        ended = await town.find(booking)
        assert (ended.status, ended.outcome, ended.next_at) == ("NO_SHOW", "no_show", None)
        assert await town.vehicle() == ("READY", None)
        assert await town.slot(booking) is None
        assert await town.messages() == ["booking_no_show"]
        with refused("booking_status"):
            await town.pick_up(booking)


async def test_a_worker_that_slept_for_days_tells_nobody_what_was(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=3_000)
        clock.advance(days=9)
        await town.beat()
        for _twice in range(2):
            await town.worker()
            assert (await town.find(booking)).status is BookingStatus.NO_SHOW
            assert await town.messages() == ["booking_no_show"]


async def test_who_came_to_a_vehicle_that_did_not_unlock_pays_nothing(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, manner=Manner.FAIL) as town:
        booking = await town.book()
        with refused("rental_did_not_unlock"):
            await town.pick_up(booking)
        clock.advance(minutes=61)
        await town.worker()
        ended = await town.find(booking)
        assert (ended.status, ended.outcome) == ("CANCELLED", "no_vehicle")
        assert (await town.messages())[-1] == "booking_no_vehicle"


async def test_without_a_vehicle_all_comes_back(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=30)
        await set_aside(town, 0, VehicleStatus.NEED_SERVICE)
        await town.worker()
        clock.advance(minutes=90)
        await town.worker()
        assert (await town.find(booking)).outcome == "no_vehicle"


async def test_the_end_is_told_and_lateness_once(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(hours=2)
        await town.worker()
        await town.pick_up(booking)
        clock.advance(minutes=60)
        await town.worker()
        await town.worker()
        assert (await town.messages())[-1] == "booking_ends"
        clock.advance(minutes=75)
        await town.worker()
        await town.worker()
        late = await town.find(booking)
        assert late.told[-2:] == ("end:60", LATE)
        assert late.next_at is None
        assert await town.messages() == ["booking_ends", "booking_late"]
        assert await town.alerts() == [("BOOKING_LATE", True)]
        await town.beat()
        await town.bring_back(booking)
        assert await town.alerts() == [("BOOKING_LATE", False)]


async def test_one_that_is_late_does_not_leave_the_next_without(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, cars=2) as town:
        first = await town.book(hours=2)
        following = await town.book(in_min=180, hours=2)
        await town.pick_up(first)
        clock.advance(hours=2)
        await town.beat()
        await town.worker()
        assert (await town.find(following)).vehicle_id == town.rentals.car(1)
        assert await town.vehicle(0) == ("IN_USE", first.holder)


async def test_an_unpaid_one_is_given_up(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=600)
        async with rt.db.write() as tx:
            await tx.execute(
                """
                update booking set status = 'AWAITING_PAYMENT', hold_until = %(at)s, next_at = %(at)s
                 where operator_id = %(operator_id)s and id = %(id)s
                """,
                {"at": clock.now() + timedelta(minutes=15), "operator_id": booking.operator_id, "id": booking.id},
            )
        await town.worker()
        assert (await town.find(booking)).status is BookingStatus.AWAITING_PAYMENT
        clock.advance(minutes=15)
        await town.worker()
        given_up = await town.find(booking)
        assert (given_up.status, given_up.outcome) == ("UNPAID", "hold_expired")
        assert await town.slot(booking) is None


async def test_two_workers_at_once_do_everything_once(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, cars=3) as town:
        bookings = [await town.book(in_min=60, car=car) for car in range(3)]
        await set_aside(town, 0, VehicleStatus.CHARGING)
        await asyncio.gather(*(town.worker() for _ in range(4)))
        assert await town.messages() == ["booking_starts"] * 3
        assert (await town.find(bookings[0])).vehicle_id == town.rentals.car(0)
        assert replace(await town.find(bookings[1]), next_at=None).told == ("start:60", PREPARED)

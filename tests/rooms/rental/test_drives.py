"""Picking up and bringing back with a unit that obeys, refuses, lies, is late or says nothing."""

import asyncio
from datetime import timedelta

import pytest
from msgspec.structs import replace

from isotope.domain.rental.driving import PhonePosition
from isotope.domain.rental.model import BookingStatus
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.geo import Point
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.drives import a_town
from tests.kit.fleet import HOME
from tests.kit.refusals import refused
from tests.kit.rentals import AIRPORT, RENTALS
from tests.kit.riders import make_rider

pytestmark = pytest.mark.asyncio


async def test_a_booking_is_picked_up_and_brought_back(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, odometer_m=5_000) as town:
        booking = await town.book(in_min=10)
        await town.unit.report(odometer_m=5_000, battery_pct=90)
        picked_up = await town.pick_up(booking)
        assert (picked_up.status, picked_up.start_odometer_m, picked_up.start_energy_pct) == ("ACTIVE", 5_000, 90)
        assert picked_up.picked_up_at == clock.now()
        assert [command.name for command in town.unit.commands] == ["unlock"]
        assert await town.vehicle() == ("IN_USE", booking.holder)
        # Spoken for since it was picked up, though that was before its time.
        assert (await town.spoken_for(booking))[0] == clock.now()

        clock.advance(hours=8)
        await town.unit.report(odometer_m=65_000, battery_pct=50)
        ended = await town.bring_back(booking)
        assert (ended.status, ended.outcome, ended.lock_confirmed) == ("ENDED", "returned", True)
        assert (ended.end_odometer_m, ended.end_energy_pct, ended.returned_at) == (65_000, 50, clock.now())
        assert town.unit.locked
        assert await town.vehicle() == ("READY", None)
        assert await town.slot(booking) == (booking.starts_at, clock.now() + timedelta(minutes=30))
        assert await town.events(booking) == ["picked_up", "returned"]


async def test_brought_back_early_it_is_free_at_once(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(in_min=15)
        await town.pick_up(booking)
        clock.advance(minutes=5)
        await town.beat()
        ended = await town.bring_back(booking)
        # Before it began, but for the buffer.
        assert ended.status is BookingStatus.ENDED
        assert await town.slot(booking) == (booking.starts_at, clock.now() + timedelta(minutes=30))


async def test_brought_back_late_it_takes_nothing_of_the_next(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book(hours=2)
        following = await town.book(in_min=180, hours=2)
        await town.pick_up(booking)
        clock.advance(hours=2, minutes=50)
        await town.beat()
        await town.bring_back(booking)
        assert await town.slot(booking) == (booking.starts_at, following.starts_at)


@pytest.mark.parametrize("manner", [Manner.FAIL, Manner.NEVER, Manner.LIE, Manner.UNSUPPORTED, Manner.HANG_UP])
async def test_a_vehicle_that_does_not_unlock_leaves_the_booking_as_it_was(
    rt: Runtime, clock: SettableClock, manner: Manner
) -> None:
    async with a_town(rt, clock, manner=manner) as town:
        booking = await town.book()
        with refused("rental_did_not_unlock"):
            await town.pick_up(booking)
        left = await town.find(booking)
        assert (left.status, left.order_kind, left.vehicle_id) == ("UPCOMING", None, booking.vehicle_id)
        # Kept, for there is no other.
        assert await town.vehicle() == ("RESERVED", booking.holder)
        assert await town.alerts() == [("LOCK_FAILS", True)]
        if manner is Manner.HANG_UP:
            await town.unit.connect()
        town.unit.manner = Manner.OBEY
        await town.beat()
        assert (await town.pick_up(booking)).status is BookingStatus.ACTIVE
        assert await town.alerts() == [("LOCK_FAILS", False)]


async def test_another_vehicle_takes_the_place_of_one_that_does_not_unlock(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, cars=2) as town:
        booking = await town.book()
        town.unit.manner = Manner.FAIL
        with refused("rental_did_not_unlock"):
            await town.pick_up(booking)
        left = await town.find(booking)
        assert left.vehicle_id == town.rentals.car(1)
        assert await town.vehicle(0) == ("NEED_INVESTIGATION", None)
        assert await town.vehicle(1) == ("RESERVED", booking.holder)
        assert await town.messages() == ["booking_vehicle_changed"]
        assert (await town.pick_up(booking)).status is BookingStatus.ACTIVE
        assert not town.units[1].locked


async def test_a_vehicle_that_is_not_fit_gives_way_before_it_is_asked(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, cars=2) as town:
        booking = await town.book()
        await town.units[0].report(battery_pct=10)
        picked_up = await town.pick_up(booking)
        assert picked_up.vehicle_id == town.rentals.car(1)
        assert not town.units[1].locked
        assert town.units[0].locked


async def test_without_any_fit_vehicle_nothing_is_picked_up(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.unit.report(battery_pct=10)
        with refused("vehicle_not_available"):
            await town.pick_up(booking)
        assert (await town.find(booking)) == booking


async def test_somebody_elses_booking_is_not_found(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        other = await make_rider(rt, town.kit.operator)
        for act in (town.pick_up, town.bring_back):
            with refused("booking_not_found"):
                await act(replace(booking, rider_id=other.id))


async def test_only_in_its_station_it_is_brought_back(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        clock.advance(minutes=30)
        await town.unit.report(lat=AIRPORT.lat, lon=AIRPORT.lon)
        with pytest.raises(Refusal) as caught:
            await town.bring_back(booking)
        assert caught.value.code == "return_not_in_station"
        assert caught.value.details["station"] == "Centre"
        assert (await town.find(booking)).status is BookingStatus.ACTIVE
        # The phone is not asked while the vehicle knows better.
        with refused("return_not_in_station"):
            await town.bring_back(booking, phone=PhonePosition(point=HOME, at=clock.now()))
        clock.advance(minutes=30)
        await town.unit.report(lat=HOME.lat, lon=HOME.lon)
        assert (await town.bring_back(booking)).status is BookingStatus.ENDED


async def test_where_a_silent_vehicle_is_the_phone_says(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        clock.advance(hours=1)
        with refused("return_position_unknown"):
            await town.bring_back(booking)
        with refused("return_not_in_station"):
            await town.bring_back(booking, phone=PhonePosition(point=Point(60.3, 24.9), at=clock.now()))
        here = PhonePosition(point=HOME, at=clock.now())
        # Of a unit that was not heard of nobody knows whether it moves: as one that does not answer.
        with refused("rental_did_not_lock"):
            await town.bring_back(booking, phone=here)
        ended = await town.bring_back(booking, phone=here)
        assert (ended.status, ended.outcome) == ("ENDED", "unconfirmed_lock")


async def test_a_moving_vehicle_is_not_brought_back(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        await town.unit.report(speed_kmh=30)
        with refused("vehicle_moving"):
            await town.bring_back(booking)
        assert (await town.find(booking)).lock_refused_at is None


@pytest.mark.parametrize("manner", [Manner.FAIL, Manner.NEVER, Manner.LIE])
async def test_the_second_try_ends_it_on_the_riders_word(rt: Runtime, clock: SettableClock, manner: Manner) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        clock.advance(hours=2)
        await town.beat()
        asked_at = clock.now()
        town.unit.manner = manner
        with refused("rental_did_not_lock"):
            await town.bring_back(booking)
        assert (await town.find(booking)).status is BookingStatus.ACTIVE
        clock.advance(minutes=3)
        await town.beat()
        ended = await town.bring_back(booking)
        assert (ended.status, ended.outcome, ended.lock_confirmed) == ("ENDED", "unconfirmed_lock", False)
        assert ended.returned_at == asked_at
        assert await town.vehicle() == ("NEED_INVESTIGATION", None)
        assert await town.alerts() == [("LOCK_FAILS", True)]


async def test_a_lock_that_closes_at_the_second_try_is_no_reason_to_put_it_aside(
    rt: Runtime, clock: SettableClock
) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        asked_at = clock.now()
        town.unit.manner = Manner.FAIL
        with refused("rental_did_not_lock"):
            await town.bring_back(booking)
        clock.advance(minutes=3)
        town.unit.manner = Manner.OBEY
        await town.beat()
        ended = await town.bring_back(booking)
        assert (ended.outcome, ended.lock_confirmed, ended.returned_at) == ("returned", True, asked_at)
        assert await town.vehicle() == ("READY", None)


async def test_a_try_counts_no_more_once_the_vehicle_was_driven_on(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, odometer_m=5_000) as town:
        booking = await town.book()
        await town.unit.report(odometer_m=5_000)
        await town.pick_up(booking)
        town.unit.manner = Manner.FAIL
        for driven_to in (6_000, 9_000):
            await town.unit.report(odometer_m=driven_to)
            with refused("rental_did_not_lock"):
                await town.bring_back(booking)
        assert (await town.bring_back(booking)).outcome == "unconfirmed_lock"


async def test_a_unit_that_answers_too_late_is_locked_again(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock, manner=Manner.LATE) as town:
        booking = await town.book()
        with refused("rental_did_not_unlock"):
            await town.pick_up(booking)
        [command] = town.unit.commands
        town.unit.manner = Manner.OBEY
        await town.unit.finish(command)
        again = await town.unit.command(after=1)
        assert again.name == "lock"
        assert (await town.find(booking)).status is BookingStatus.UPCOMING


async def test_a_picked_up_booking_whose_request_died_becomes_what_the_vehicle_said(
    rt: Runtime, clock: SettableClock
) -> None:
    async with a_town(rt, clock, manner=Manner.NEVER) as town:
        booking = await town.book()
        asking = asyncio.ensure_future(town.pick_up(booking))
        command = await town.unit.command()
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        await town.unit.finish(command)
        await asyncio.sleep(0.2)
        assert (await town.find(booking)).order_kind == "PICK_UP"
        with refused("booking_busy"):
            await town.pick_up(booking)
        clock.advance(seconds=10)
        await town.worker()
        assert (await town.find(booking)).status is BookingStatus.ACTIVE
        assert await town.vehicle() == ("IN_USE", booking.holder)
        await town.worker()
        assert await town.events(booking) == ["picked_up"]


@pytest.mark.parametrize("answers", [True, False])
async def test_a_return_whose_request_died_becomes_what_the_vehicle_said(
    rt: Runtime, clock: SettableClock, answers: bool
) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        await town.pick_up(booking)
        clock.advance(hours=1)
        await town.beat()
        asked_at = clock.now()
        town.unit.manner = Manner.NEVER
        asking = asyncio.ensure_future(town.bring_back(booking))
        command = await town.unit.command(after=1)
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
        if answers:
            await town.unit.finish(command)
            await asyncio.sleep(0.2)
        # The worker slept for two days.
        clock.advance(days=2)
        await town.worker()
        left = await town.find(booking)
        if answers:
            assert (left.status, left.returned_at) == ("ENDED", asked_at)
            return
        assert (left.status, left.lock_refused_at) == ("ACTIVE", asked_at)
        town.unit.manner = Manner.OBEY
        await town.beat()
        assert (await town.bring_back(booking)).returned_at == asked_at


async def test_two_requests_pick_up_once(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        booking = await town.book()
        done = await asyncio.gather(*(town.pick_up(booking) for _ in range(4)), return_exceptions=True)
        assert sum(not isinstance(one, BaseException) for one in done) == 1
        assert {one.code for one in done if isinstance(one, Refusal)} <= {"booking_busy", "booking_status"}
        assert len(town.unit.commands) == 1


async def test_pictures_are_wanted_before_and_after(rt: Runtime, clock: SettableClock) -> None:
    rentals = replace(RENTALS.rentals, photos_before=1, photos_after=1)
    async with a_town(rt, clock, settings=replace(RENTALS, rentals=rentals)) as town:
        booking = await town.book()
        with refused("photos_needed"):
            await town.pick_up(booking)
        assert town.unit.commands == []

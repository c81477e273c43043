"""Vehicles change their station by where they stand, and never under a booking; past slots are forgotten."""

from datetime import timedelta

import pytest

from isotope.domain.fleet.slots import Slot, take_slot
from isotope.domain.rental.usecases.locate_fleets import KEEP, forget_slots, locate_fleets
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.drives import a_town
from tests.kit.rentals import AIRPORT

pytestmark = pytest.mark.asyncio


async def test_a_vehicle_belongs_to_where_it_stands(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        car = town.rentals.car()
        clock.advance(hours=1)
        await town.unit.report(lat=AIRPORT.lat, lon=AIRPORT.lon)
        assert await town.rentals.station_of(car) == town.rentals.centre_id
        await locate_fleets(rt)
        assert await town.rentals.station_of(car) == town.rentals.airport_id
        clock.advance(hours=1)
        # A rider left it elsewhere, for it is shared as well.
        await town.unit.report(lat=60.25, lon=24.95)
        await locate_fleets(rt)
        assert await town.rentals.station_of(car) is None


async def test_a_booked_vehicle_stays_with_its_station(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        car = town.rentals.car()
        booking = await town.book(in_min=120)
        clock.advance(hours=1)
        await town.unit.report(lat=AIRPORT.lat, lon=AIRPORT.lon)
        await locate_fleets(rt)
        assert await town.rentals.station_of(car) == town.rentals.centre_id
        clock.advance(hours=4)
        await town.worker()
        assert (await town.find(booking)).status in ("NO_SHOW", "CANCELLED")
        await locate_fleets(rt)
        assert await town.rentals.station_of(car) == town.rentals.airport_id


async def test_slots_are_forgotten_when_they_are_long_over(rt: Runtime, clock: SettableClock) -> None:
    async with a_town(rt, clock) as town:
        now = clock.now()
        async with rt.db.write() as tx:
            slot = Slot(vehicle_id=town.rentals.car(), holder="task:1", starts_at=now, ends_at=now + timedelta(hours=1))
            assert await take_slot(tx, town.kit.operator.id, slot)
        clock.advance(hours=1)
        clock.advance(seconds=KEEP.total_seconds())
        await forget_slots(rt)
        assert len(await town.rentals.slots(town.rentals.car())) == 1
        clock.advance(seconds=1)
        await forget_slots(rt)
        assert await town.rentals.slots(town.rentals.car()) == []

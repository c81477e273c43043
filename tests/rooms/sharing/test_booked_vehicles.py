"""Vehicles that somebody has booked, or that are to be worked on: no ride starts on them shortly before."""

import asyncio
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from msgspec.structs import replace

from isotope.domain.fleet import Slot, lock_vehicle, take_slot
from isotope.domain.tenants.model import RentalSettings, ReservationSettings
from isotope.infra.runtime import Runtime
from tests.kit.city import QUICK, City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME

SETTINGS = replace(
    QUICK, rentals=RentalSettings(prepare_min=60), reservations=ReservationSettings(minutes=15, extensions=1)
)
HERE = {"user_latitude": HOME.lat, "user_longitude": HOME.lon}


async def book(rt: Runtime, city: City, starts_at: datetime, *, holder: str = "booking:1", hours: int = 2) -> None:
    slot = Slot(
        vehicle_id=city.fleet.vehicle_id, holder=holder, starts_at=starts_at, ends_at=starts_at + timedelta(hours=hours)
    )
    async with rt.db.write() as tx:
        assert await take_slot(tx, city.kit.operator.id, slot)


@pytest.mark.parametrize("holder", ["booking:1", "task:1"])
@pytest.mark.parametrize(
    ("begins_in_min", "refused"),
    [(61, False), (60, False), (59, True), (0, True), (-60, True), (-119, True), (-121, False)],
)
async def test_no_ride_starts_shortly_before_or_during(
    rt: Runtime, clock: SettableClock, tmp_path: Path, begins_in_min: int, refused: bool, holder: str
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        starts_at = clock.now() + timedelta(minutes=begins_in_min)
        await book(rt, city, starts_at, holder=holder)
        answer = await city.start(rider)
        if not refused:
            assert answer.status_code == 200, answer.text
            return
        assert (answer.status_code, answer.json()["code"]) == (409, "vehicle_booked")
        assert answer.json()["details"] == {"booked_from": int(starts_at.timestamp())}
        # Nothing of it stays, and the next vehicle is free.
        async with rt.db.read() as tx:
            where = (city.kit.operator.id,)
            assert await tx.scalar("select count(*) from ride where operator_id = %s", where) == 0
            assert await tx.scalar("select status from vehicle where operator_id = %s", where) == "READY"


@pytest.mark.parametrize(("begins_in_min", "refused"), [(74, True), (75, False)])
async def test_a_reserved_vehicle_can_be_ridden_until_its_reservation_ends(
    rt: Runtime, clock: SettableClock, tmp_path: Path, begins_in_min: int, refused: bool
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        await book(rt, city, clock.now() + timedelta(minutes=begins_in_min))
        where = {"vehicle_id": city.fleet.vehicle_id, **HERE}
        answer = await city.ask(rider, "sharing/reserve-vehicle", where)
        if refused:
            assert (answer.status_code, answer.json()["code"]) == (409, "vehicle_booked")
            return
        assert answer.status_code == 200, answer.text
        longer = await city.ask(rider, "sharing/extend-reservation", {})
        assert (longer.status_code, longer.json()["code"]) == (409, "vehicle_booked")
        clock.advance(minutes=14)
        await city.unit.report()
        assert (await city.start(rider)).status_code == 200


async def test_who_waits_for_the_vehicle_sees_what_was_booked_meanwhile(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, settings=SETTINGS) as city:
        rider = await city.rider()
        locked, waited_for = asyncio.Event(), asyncio.Event()

        async def book_slowly() -> None:
            async with rt.db.write() as tx:
                await lock_vehicle(tx, city.kit.operator.id, vehicle_id=city.fleet.vehicle_id)
                locked.set()
                await waited_for.wait()
                starts_at = clock.now() + timedelta(minutes=5)
                slot = Slot(
                    vehicle_id=city.fleet.vehicle_id,
                    holder="booking:1",
                    starts_at=starts_at,
                    ends_at=starts_at + timedelta(hours=1),
                )
                assert await take_slot(tx, city.kit.operator.id, slot)

        async def start() -> str:
            await locked.wait()
            return str((await city.start(rider)).json().get("code"))

        async def watch() -> None:
            await locked.wait()
            await waits_for_a_lock(rt)
            waited_for.set()

        _booked, code, _seen = await asyncio.gather(book_slowly(), start(), watch())
        assert code == "vehicle_booked"


async def waits_for_a_lock(rt: Runtime) -> None:
    async with asyncio.timeout(5):
        while True:
            async with rt.db.glance() as tx:
                if await tx.scalar(
                    "select exists (select from pg_stat_activity where datname = current_database()"
                    " and wait_event_type = 'Lock')"
                ):
                    return
            await asyncio.sleep(0.02)

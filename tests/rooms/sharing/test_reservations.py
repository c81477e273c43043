"""Reservations, through the whole system: HTTP in, a speaking unit out, the worker's jobs in between."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx2
import pytest

from isotope.domain.receipts import find_receipt_by_cause
from isotope.domain.tenants.model import ReservationSettings, RideSettings, Settings
from isotope.domain.wallet import check_ledger
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.worker.tasks import JOBS
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import HOME
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

NEAR = Point(60.1715, 24.9445)
FAR = Point(60.21, 24.98)


def settings(**reservations: Any) -> Settings:
    return Settings(rides=RideSettings(unlock_wait_s=1), reservations=ReservationSettings(**reservations))


FIXED = settings(fee="FIXED", fee_minor=50)
A_MINUTE = settings(fee="PER_MINUTE", fee_minor=10, credit_on_unlock=False)


@asynccontextmanager
async def city_of(
    rt: Runtime, folder: Path, *, settings: Settings = FIXED, vehicles: int = 2, **more: Any
) -> AsyncIterator[City]:
    async with small_city(rt, folder, settings=settings, vehicles=vehicles, **more) as city:
        yield city


async def reserve(city: City, rider: RiderKit, vehicle: int = 0, at: Point = NEAR, **more: Any) -> httpx2.Response:
    body = {"vehicle_id": city.fleet.vehicle_ids[vehicle], "user_latitude": at.lat, "user_longitude": at.lon}
    return await city.ask(rider, "sharing/reserve-vehicle", body | more)


async def cancel(city: City, rider: RiderKit, **which: Any) -> httpx2.Response:
    return await city.ask(rider, "sharing/cancel-reservation", which)


async def extend(city: City, rider: RiderKit, **which: Any) -> httpx2.Response:
    return await city.ask(rider, "sharing/extend-reservation", which)


async def reservations(city: City, rider: RiderKit) -> dict[str, Any]:
    answer = await city.ask(rider, "sharing/get-reservations")
    assert answer.status_code == 200, answer.text
    shown: dict[str, Any] = answer.json()
    return shown


async def due_jobs(city: City) -> list[dict[str, Any]]:
    """What the worker would run by now of reservations, as the clock of the test has it."""
    async with city.rt.db.read() as tx:
        rows = await tx.dicts(
            "select args from procrastinate_jobs where task_name = 'expire_reservation' and scheduled_at <= %(now)s"
            " and (args ->> 'operator_id')::bigint = %(operator_id)s order by id",
            {"now": city.rt.clock.now(), "operator_id": city.kit.operator.id},
        )
    return [row["args"] for row in rows]


async def work(city: City) -> None:
    """The worker runs what is due; every job again each time, as after a crash of the worker."""
    for args in await due_jobs(city):
        await JOBS["expire_reservation"](city.api.services, **args)


async def rows(city: City) -> list[dict[str, Any]]:
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, city.kit.operator.id) == []
        return await tx.dicts(
            "select * from reservation where operator_id = %(operator_id)s order by id",
            {"operator_id": city.kit.operator.id},
        )


async def seen_vehicles(city: City, rider: RiderKit) -> list[dict[str, Any]]:
    around = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 1}
    found: list[dict[str, Any]] = (await city.ask(rider, "sharing/get-vehicles", around)).json()["vehicles"]
    return found


async def test_a_reserved_vehicle_is_the_riders_alone_and_becomes_their_ride(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with city_of(rt, tmp_path) as city:
        rider, other = await city.rider(), await city.rider()
        answer = await reserve(city, rider)
        assert answer.status_code == 200, answer.text
        kept = answer.json()
        assert (kept["vehicle_id"], kept["vehicle_number"]) == (city.fleet.vehicle_id, city.fleet.nrs[0])
        assert (kept["left_seconds"], kept["reserved_until"] - kept["reserved_at"]) == (900, 900)
        assert (kept["fee_kind"], kept["fee"], kept["fee_so_far"], kept["cancel_cost"]) == ("FIXED", 0.5, 0.5, 0)
        assert (kept["extensions_left"], kept["is_fee_credited"]) == (1, True)
        assert await city.vehicle_status() == ("RESERVED", f"reservation:{kept['reservation_id']}")
        assert [vehicle["id"] for vehicle in await seen_vehicles(city, other)] == [city.fleet.vehicle_ids[1]]
        own = await seen_vehicles(city, rider)
        assert [(vehicle["id"], vehicle["is_reserved"]) for vehicle in own] == [
            (city.fleet.vehicle_ids[0], True),
            (city.fleet.vehicle_ids[1], False),
        ]
        assert (own[0]["reservation_id"], own[0]["reserved_until"]) == (kept["reservation_id"], kept["reserved_until"])
        for refused in (await city.start(other), await reserve(city, other)):
            assert (refused.status_code, refused.json()["code"]) == (409, "vehicle_not_available")
            assert refused.json()["details"] == {"vehicle_status": "RESERVED"}
        assert (await reserve(city, rider)).json()["code"] == "already_reserved"

        clock.advance(minutes=4)
        await city.unit.report()
        started = await city.start(rider)
        assert started.status_code == 200, started.text
        ride_id = started.json()["active_ride_id"]
        assert await city.vehicle_status() == ("IN_USE", f"ride:{ride_id}")
        assert (await reservations(city, rider))["reservations"] == []
        ridden = (await seen_vehicles(city, rider))[0]
        assert (ridden["is_active_ride"], ridden["is_reserved"], ridden["reservation_id"]) == (True, False, None)
        clock.advance(minutes=3)
        await city.unit.report()
        ended = (await city.end(rider)).json()
        lines = [(line["code"], line["amount"]) for line in ended["payment_info"]["lines"]]
        assert lines == [("unlock", 1.0), ("ride_minutes", 0.6), ("reservation_fee", 0.5), ("reservation_credit", -0.5)]
        assert ended["total_paid"] == "1.60"
        [row] = await rows(city)
        assert (row["status"], row["ride_id"], row["total_minor"]) == ("USED", ride_id, None)
        # The job that was to end it finds nothing to do.
        clock.advance(hours=1)
        await work(city)
        assert [row["status"] for row in await rows(city)] == ["USED"]
        # A used one does not block the next.
        await city.unit.report()
        assert (await reserve(city, rider)).status_code == 200


async def test_without_credit_the_ride_is_billed_for_each_minute_that_the_vehicle_was_kept(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with city_of(rt, tmp_path, settings=A_MINUTE) as city:
        rider = await city.rider()
        await reserve(city, rider)
        clock.advance(minutes=4, seconds=1)
        await city.unit.report()
        shown = (await reservations(city, rider))["reservations"][0]
        assert (shown["fee_so_far"], shown["cancel_cost"], shown["left_seconds"]) == (0.5, 0.5, 659)
        await city.start(rider)
        ended = (await city.end(rider)).json()
        assert ended["payment_info"]["lines"][-1] == {
            "code": "reservation_fee",
            "text": "Reservation, 5 min",
            "quantity": 1,
            "unit_price": 0.5,
            "amount": 0.5,
        }
        assert ended["total_paid"] == "1.50"


async def test_an_unused_one_expires_costs_its_fee_and_blocks_the_next(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with city_of(rt, tmp_path) as city:
        rider, other = await city.rider(balance_minor=1_000), await city.rider()
        kept = (await reserve(city, rider)).json()
        clock.advance(minutes=15, seconds=-1)
        await work(city)
        assert (await city.vehicle_status())[0] == "RESERVED"
        clock.advance(seconds=1)
        await city.unit.report()
        await work(city)
        await work(city)
        assert await city.vehicle_status() == ("READY", None)
        [row] = await rows(city)
        assert (row["status"], row["total_minor"], row["charged_balance_minor"]) == ("EXPIRED", 50, 50)
        assert (await city.standing(rider)).balance_minor == 950
        async with rt.db.read() as tx:
            receipt = await find_receipt_by_cause(tx, city.kit.operator.id, f"reservation:{kept['reservation_id']}")
        assert receipt is not None
        assert (receipt.kind, receipt.total_minor, receipt.tax_minor) == ("RESERVATION", 50, 10)
        assert receipt.subject == city.fleet.nrs[0]
        shown = await city.ask(rider, "user/get-receipt", {"receipt_id": receipt.id})
        assert shown.status_code == 200, shown.text
        assert [(line["text"], line["amount"]) for line in shown.json()["lines"]] == [("Reservation, 15 min", 0.5)]
        entries = (await city.ask(rider, "user/get-wallet-entries")).json()["entries"]
        assert (entries[0]["title"], entries[0]["balance"]) == ("Reservation", -0.5)
        # The vehicle is anybody's again; the rider waits.
        refused = await reserve(city, rider)
        assert (refused.status_code, refused.json()["code"]) == (409, "reservation_cooldown")
        assert refused.json()["details"]["left_minutes"] == 720
        until = (await reservations(city, rider))["cooldown_until"]
        assert until == refused.json()["details"]["cooldown_until"] == int(clock.now().timestamp()) + 720 * 60
        assert (await reserve(city, other)).status_code == 200
        assert (await cancel(city, other)).status_code == 200
        clock.advance(minutes=720)
        await city.unit.report()
        assert (await reservations(city, rider))["cooldown_until"] is None
        assert (await reserve(city, rider)).status_code == 200


async def test_a_slip_of_the_finger_is_forgiven_once_a_day(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider()
        await reserve(city, rider)
        clock.advance(seconds=60)
        cancelled = await cancel(city, rider)
        assert cancelled.status_code == 200, cancelled.text
        assert (cancelled.json()["total"], cancelled.json()["cooldown_until"]) == (0, None)
        assert await city.vehicle_status() == ("READY", None)
        again = (await reserve(city, rider)).json()
        assert again["cancel_cost"] == 0.5
        cancelled = await cancel(city, rider, reservation_id=again["reservation_id"])
        assert cancelled.json()["message"] == "The reservation was cancelled; 0.50 EUR was charged for it."
        assert cancelled.json()["charged_balance"] == 0.5
        assert (await reserve(city, rider)).json()["code"] == "reservation_cooldown"
        assert (await cancel(city, rider)).json()["code"] == "reservation_not_found"
        clock.advance(hours=24)
        await city.unit.report()
        await reserve(city, rider)
        assert (await cancel(city, rider)).json()["total"] == 0


async def test_after_a_minute_cancelling_costs_the_fee(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=30)
        await reserve(city, rider)
        clock.advance(seconds=61)
        shown = (await reservations(city, rider))["reservations"][0]
        assert shown["cancel_cost"] == 0.5
        cancelled = (await cancel(city, rider)).json()
        assert (cancelled["total"], cancelled["charged_balance"], cancelled["debt"]) == (0.5, 0.3, 0.2)
        assert cancelled["cooldown_until"] == int(clock.now().timestamp()) + 720 * 60
        standing = await city.standing(rider)
        assert (standing.balance_minor, standing.debt_minor) == (0, 20)
        assert (await city.start(rider)).json()["code"] == "debt_open"


async def test_it_is_extended_as_often_as_was_agreed_and_the_old_job_does_nothing(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider()
        await reserve(city, rider)
        clock.advance(minutes=10)
        extended = await extend(city, rider)
        assert extended.status_code == 200, extended.text
        assert (extended.json()["left_seconds"], extended.json()["extensions_left"]) == (20 * 60, 0)
        refused = await extend(city, rider)
        assert (refused.status_code, refused.json()["code"]) == (409, "no_more_extensions")
        clock.advance(minutes=5)
        [old] = await due_jobs(city)
        await work(city)
        assert (await city.vehicle_status())[0] == "RESERVED"
        clock.advance(minutes=15)
        # The old one left nothing behind.
        assert [args["extended"] for args in await due_jobs(city)] == [old["extended"], 1]
        assert (await extend(city, rider)).json()["code"] == "reservation_not_found"
        await work(city)
        assert (await city.vehicle_status()) == ("READY", None)


async def test_a_job_that_comes_before_its_time_comes_again(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider()
        await reserve(city, rider)
        clock.advance(minutes=15)
        [args] = await due_jobs(city)
        # The clock of this process is behind that of the store.
        clock.advance(seconds=-2)
        await JOBS["expire_reservation"](city.api.services, **args)
        assert (await city.vehicle_status())[0] == "RESERVED"
        clock.advance(seconds=2)
        assert await due_jobs(city) == [args, args]


async def test_where_there_are_none_and_from_too_far_nothing_is_reserved(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path, settings=settings(minutes=0)) as city:
        rider = await city.rider()
        refused = await reserve(city, rider)
        assert (refused.status_code, refused.json()["code"]) == (409, "reservations_off")
        assert (await reservations(city, rider))["reservation_minutes"] == 0
    async with city_of(rt, tmp_path) as city:
        rider, poor = await city.rider(), await city.rider(balance_minor=0)
        refused = await reserve(city, rider, at=FAR)
        assert (refused.status_code, refused.json()["code"]) == (409, "too_far_from_vehicle")
        assert refused.json()["details"]["limit_m"] == 2_000
        neither = await city.ask(rider, "sharing/reserve-vehicle", {"user_latitude": 60.0, "user_longitude": 24.0})
        assert neither.status_code == 400
        # To start it one must be nearer than to reserve it.
        assert (await city.start(rider, at=NEAR)).json()["code"] == "too_far_from_vehicle"
        assert (await reserve(city, poor)).status_code == 200


async def test_of_all_who_reserve_a_vehicle_at_once_one_gets_it(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        riders = [await city.rider() for _number in range(8)]
        answers = await asyncio.gather(*(reserve(city, rider) for rider in riders))
        assert sorted(answer.status_code for answer in answers) == [200] + [409] * 7
        assert {answer.json()["code"] for answer in answers if answer.status_code == 409} == {"vehicle_not_available"}
        assert [row["status"] for row in await rows(city)] == ["ACTIVE"]


async def test_start_and_end_of_a_reservation_at_once_have_one_winner(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    won: set[str] = set()
    async with city_of(rt, tmp_path, vehicles=6) as city:
        for vehicle in range(6):
            rider = await city.rider()
            await reserve(city, rider, vehicle)
            clock.advance(minutes=15)
            await asyncio.gather(*(unit.report() for unit in city.units))
            first, second = (city.start(rider, vehicle), work(city))
            both = (first, second) if vehicle % 2 else (second, first)
            done = await asyncio.gather(*both)
            started = next(answer for answer in done if answer is not None)
            assert started.status_code == 200, started.text
            ride_id = started.json()["active_ride_id"]
            assert await city.vehicle_status(vehicle) == ("IN_USE", f"ride:{ride_id}")
            row = (await rows(city))[-1]
            assert row["ride_id"] == (ride_id if row["status"] == "USED" else None)
            ride = (await city.rides())[-1]
            assert (ride["terms"]["reservation"] is not None) is (row["status"] == "USED")
            won.add(row["status"])
    assert won <= {"USED", "EXPIRED"}


async def test_cancelling_twice_at_once_charges_once(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=1_000)
        await reserve(city, rider)
        clock.advance(minutes=5)
        answers = await asyncio.gather(*(cancel(city, rider) for _time in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 404, 404, 404]
        assert (await city.standing(rider)).balance_minor == 950


async def test_several_are_named_and_count_as_vehicles_that_the_rider_has(rt: Runtime, tmp_path: Path) -> None:
    limited = Settings(rides=RideSettings(unlock_wait_s=1, max_vehicles_per_rider=2))
    async with city_of(rt, tmp_path, settings=limited, vehicles=3) as city:
        rider, stranger = await city.rider(), await city.rider()
        first = (await reserve(city, rider)).json()["reservation_id"]
        second = (await reserve(city, rider, 1)).json()["reservation_id"]
        for refused in (await reserve(city, rider, 2), await city.start(rider, 2)):
            assert refused.json()["code"] == "too_many_rides"
        # A start of what is reserved needs no further place.
        assert (await city.start(rider, 1)).status_code == 200
        assert [row["status"] for row in await rows(city)] == ["ACTIVE", "USED"]
        assert (await cancel(city, stranger, reservation_id=first)).json()["code"] == "reservation_not_found"
        assert (await cancel(city, rider, reservation_id=second)).json()["code"] == "reservation_not_found"
        assert (await cancel(city, rider, vehicle_id=city.fleet.vehicle_ids[0])).json()["reservation_id"] == first
        assert (await reserve(city, rider, 2)).status_code == 200


async def test_which_one_must_be_said_when_there_are_several(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider()
        ids = [(await reserve(city, rider, vehicle)).json()["reservation_id"] for vehicle in range(2)]
        refused = await cancel(city, rider)
        assert (refused.status_code, refused.json()["code"]) == (409, "reservation_ambiguous")
        assert refused.json()["details"]["reservation_ids"] == ids
        assert [row["status"] for row in await rows(city)] == ["ACTIVE", "ACTIVE"]


async def test_a_failed_unlocking_is_neither_billed_nor_unused(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=1_000)
        await reserve(city, rider)
        city.unit.manner = Manner.NEVER
        assert (await city.start(rider)).json()["code"] == "vehicle_did_not_unlock"
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        assert [row["status"] for row in await rows(city)] == ["USED"]
        assert (await city.standing(rider)).balance_minor == 1_000
        assert (await reserve(city, rider, 1)).status_code == 200


async def test_a_vehicle_that_cannot_be_told_to_unlock_stays_reserved(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path, connected=False) as city:
        rider = await city.rider()
        await reserve(city, rider)
        assert (await city.start(rider)).json()["code"] == "device_offline"
        assert (await city.vehicle_status())[0] == "RESERVED"
        assert [row["status"] for row in await rows(city)] == ["ACTIVE"]


async def test_an_account_with_a_reservation_is_not_deleted(rt: Runtime, tmp_path: Path) -> None:
    async with city_of(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=0)
        await reserve(city, rider)
        refused = await city.ask(rider, "user/delete-user")
        assert (refused.status_code, refused.json()["code"]) == (409, "reservation_running")
        await cancel(city, rider)
        assert (await city.ask(rider, "user/delete-user")).status_code == 200

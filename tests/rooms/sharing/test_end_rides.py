"""Ends of rides through HTTP: positions, fines, fees, bonus, grace, photos, caps a day, and what is looked at again."""

import asyncio
from pathlib import Path
from typing import Any

import httpx2
import pytest
from msgspec.structs import replace

from isotope.domain.fleet import ModelSpec
from isotope.domain.pricing import KmTier, Tariff, Tier
from isotope.domain.receipts import Receipt, ReceiptKind, list_receipts, number_receipts
from isotope.domain.tenants.model import RideSettings, Settings
from isotope.domain.wallet import AccountKind, check_ledger, trial_balance
from isotope.domain.zones import ZoneSpec, ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import HOME, SPEC, TARIFF, make_zones, tell_state, zone_draft
from tests.kit.jobs import queued_jobs, run_due_jobs
from tests.kit.pictures import photo, picture_file
from tests.kit.riders import RiderKit

pytestmark = pytest.mark.asyncio

RECHECK = "recheck_ride"


def north(metres: float) -> Point:
    return Point(HOME.lat + metres / 111_195, HOME.lon)


def settings(**rides: Any) -> Settings:
    return Settings(rides=RideSettings(**{"unlock_wait_s": 1, **rides}))


async def ride_to(city: City, clock: SettableClock, metres: float, *, minutes: float) -> None:
    """The vehicle is ridden north for so long, and stands there."""
    clock.advance(minutes=minutes)
    there = north(metres)
    await city.unit.report(lat=there.lat, lon=there.lon, odometer_m=1_000 + round(metres), speed_kmh=0.0)


async def start(city: City, **balance: int) -> RiderKit:
    rider = await city.rider(**balance)
    started = await city.start(rider)
    assert started.status_code == 200, started.text
    return rider


def bill_of(ended: httpx2.Response) -> dict[str, Any]:
    assert ended.status_code == 200, ended.text
    info: dict[str, Any] = ended.json()["payment_info"]
    assert round(sum(line["amount"] for line in info["lines"]), 2) == info["total"]
    return info


def lines_of(ended: httpx2.Response) -> dict[str, float]:
    return {line["code"]: line["amount"] for line in bill_of(ended)["lines"]}


async def events_of(city: City, kind: str) -> list[dict[str, Any]]:
    async with city.rt.db.read() as tx:
        rows = await tx.tuples(
            "select data from ride_event where operator_id = %s and kind = %s order by ride_id, nr",
            (city.kit.operator.id, kind),
        )
    return [data for (data,) in rows]


async def receipts_of(city: City, rider: RiderKit) -> list[Receipt]:
    """Newest first."""
    await number_receipts(city.rt)
    async with city.rt.db.read() as tx:
        return await list_receipts(tx, city.kit.operator.id, rider.id)


async def the_books_balance(city: City) -> None:
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, city.kit.operator.id) == []
        assert sum((await trial_balance(tx, city.kit.operator.id)).values()) == 0


# -- Positions ------------------------------------------------------------------------------------------------------


async def test_far_from_the_vehicle_no_ride_ends_and_the_refusal_leads_to_it(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await start(city)
        clock.advance(minutes=2)
        await city.unit.report()
        # The unit said that it is unlocked: within a moment it cannot have come so far.
        refused = await city.end(rider, at=north(500))
        assert (refused.status_code, refused.json()["code"]) == (409, "end_refused_far_apart")
        assert refused.json()["details"]["distance_m"] == 500
        vehicle = refused.json()["details"]["vehicle"]["coordinates"]
        assert (await city.end(rider, at=north(500))).json()["code"] == "end_refused_far_apart"
        assert [data["reason"] for data in await events_of(city, "END_REFUSED")] == ["far_apart"]
        ended = await city.end(rider, at=Point(vehicle["latitude"], vehicle["longitude"]))
        assert bill_of(ended)["total"] == 1.4


async def test_without_any_position_a_ride_goes_on(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await start(city)
        clock.advance(minutes=30)
        stale = int(clock.now().timestamp()) - 120
        refused = await city.end(rider, user_location_timestamp=stale)
        assert (refused.status_code, refused.json()["code"]) == (409, "end_refused_position_unknown")
        assert "60 s" in refused.json()["message"]


async def test_with_lost_contact_the_phone_says_where_the_ride_ends_and_staff_look_at_it(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await start(city)
        await city.unit.report()
        await city.unit.hang_up()
        clock.advance(minutes=25)
        # Nobody knows where the vehicle is: the phone's word counts, 3 km away.
        there = north(3_000)
        assert (await city.end(rider, at=there)).json()["code"] == "vehicle_did_not_lock"
        clock.advance(minutes=5)
        ended = await city.end(rider, at=there)
        assert ended.json()["review_status"] == "IN_REVIEW"
        # Counted up to the first try: 25 minutes.
        assert bill_of(ended)["total"] == 6.0
        assert lines_of(ended)["correction_lock_not_confirmed"] == -1.0
        [ride] = await city.rides()
        assert ride["review_reasons"] == ["contact_lost", "photo_missing", "lock_not_confirmed"]
        assert (ride["end_lat"], ride["outcome"]) == (there.lat, "unconfirmed_lock")
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)


# -- Fines and fees -------------------------------------------------------------------------------------------------


async def test_a_fine_is_offered_and_accepted_in_a_second_call(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        fined = zone_draft(ZoneType.NO_PARKING_ZONE, title="Market", spec=ZoneSpec(fine_minor=2_500))
        await make_zones(rt, city.kit.operator, fined)
        rider = await start(city)
        await ride_to(city, clock, 0, minutes=5)
        refused = await city.end(rider)
        assert (refused.status_code, refused.json()["code"]) == (409, "end_refused_no_parking_zone_fine")
        assert refused.json()["details"]["fine"] == {"amount": "25.00", "currency": "EUR"}
        assert "25.00 EUR" in refused.json()["message"]
        less = await city.end(rider, accepted_fine="24.99")
        assert less.json()["details"]["fine"]["amount"] == "25.00"
        odd = await city.end(rider, accepted_fine="25.001")
        assert odd.status_code == 400
        assert odd.json()["errors"][0]["field"] == "accepted_fine"
        ended = await city.end(rider, accepted_fine="99.00")
        lines = bill_of(ended)["lines"]
        assert [(line["code"], line["amount"]) for line in lines if "fine" in line["code"]] == [("parking_fine", 25.0)]
        assert "Market" in lines[-1]["text"]
        # 1.00 + 5 x 0.20; a fine bears no tax.
        assert (bill_of(ended)["total"], bill_of(ended)["tax"]) == (27.0, 0.41)
        assert await events_of(city, "FINE_ACCEPTED") == [{"fine_minor": 2_500}]
        assert (await city.standing(rider)).balance_minor == 7_300
        [receipt] = await receipts_of(city, rider)
        assert [(tax.rate, tax.gross_minor) for tax in receipt.taxes] == [("0", 2_500), ("0.255", 200)]
        await the_books_balance(city)


async def test_a_fine_that_was_accepted_once_is_not_asked_for_elsewhere(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    """The lock failed where the fine was accepted, and the rider went on to a legal place."""
    async with small_city(rt, tmp_path, settings=settings(outside_fine_minor=1_000)) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.PARKING_ZONE, point=north(1_000), radius_m=100))
        rider = await start(city)
        await ride_to(city, clock, 0, minutes=5)
        city.unit.manner = Manner.NEVER
        assert (await city.end(rider, accepted_fine="10")).json()["code"] == "vehicle_did_not_lock"
        city.unit.manner = Manner.OBEY
        await ride_to(city, clock, 1_000, minutes=5)
        ended = await city.end(rider, at=north(1_000))
        assert bill_of(ended)["total"] == 3.0
        assert "parking_fine" not in lines_of(ended)


async def test_no_fine_opens_a_no_go_zone(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=settings(outside_fine_minor=1_000)) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_GO_ZONE))
        rider = await start(city)
        await ride_to(city, clock, 0, minutes=5)
        refused = await city.end(rider, accepted_fine="500")
        assert refused.json()["code"] == "end_refused_no_go_zone"
        assert refused.json()["details"]["fine"] is None


async def test_paid_parking_adds_its_fee_and_a_bonus_zone_pays_after_the_charge(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(
            rt,
            city.kit.operator,
            zone_draft(ZoneType.PAID_PARKING_ZONE, title="Harbour", spec=ZoneSpec(fee_minor=150)),
            zone_draft(ZoneType.BONUS_ZONE, spec=ZoneSpec(bonus_minor=50, bonus_pct=10)),
        )
        rider = await start(city, balance_minor=1_000)
        await ride_to(city, clock, 150, minutes=5)
        ended = await city.end(rider, at=north(150))
        assert lines_of(ended)["paid_parking"] == 1.5
        bill = bill_of(ended)
        # The bonus is 0.50 and a tenth of the 2.00 that the ride itself cost; it did not pay this ride.
        assert (bill["total"], bill["earned_bonus"], bill["charged_bonus"], bill["charged_balance"]) == (
            3.5,
            0.7,
            0,
            3.5,
        )
        standing = await city.standing(rider)
        assert (standing.balance_minor, standing.bonus_minor) == (650, 70)
        async with rt.db.read() as tx:
            assert (await trial_balance(tx, city.kit.operator.id))[AccountKind.ADJUSTMENTS] == -1_070
        await the_books_balance(city)
        # The next ride is paid with it, and one that goes nowhere earns none.
        assert (await city.start(rider, at=north(150))).status_code == 200
        await ride_to(city, clock, 150, minutes=10)
        again = bill_of(await city.end(rider, at=north(150)))
        assert (again["charged_bonus"], again["earned_bonus"]) == (0.7, 0)


# -- The meter stops at a refused end -------------------------------------------------------------------------------


async def test_who_parks_again_in_time_pays_nothing_for_the_way(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_PARKING_ZONE))
        rider = await start(city)
        await ride_to(city, clock, 0, minutes=7)
        assert (await city.end(rider)).json()["code"] == "end_refused_no_parking_zone"
        await ride_to(city, clock, 300, minutes=4)
        current = await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
        # If it ended now.
        assert current.json()["vehicles"][0]["price"] == 2.4
        ended = await city.end(rider, at=north(300))
        assert lines_of(ended) == {"unlock": 1.0, "ride_minutes": 2.2, "correction_repark_grace": -0.8}
        bill = bill_of(ended)
        assert (bill["total"], bill["ride_seconds"]) == (2.4, 660)
        [receipt] = await receipts_of(city, rider)
        assert [line.amount_minor for line in receipt.lines] == [100, 220, -80]
        assert receipt.total_minor == 240
        assert (await city.standing(rider)).balance_minor == 10_000 - 240
        await the_books_balance(city)


@pytest.mark.parametrize(("minutes", "metres"), [(5.1, 300), (4, 600)])
async def test_too_late_or_too_far_it_was_a_ride(
    rt: Runtime, clock: SettableClock, tmp_path: Path, minutes: float, metres: float
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.NO_PARKING_ZONE))
        rider = await start(city)
        await ride_to(city, clock, 0, minutes=7)
        assert (await city.end(rider)).status_code == 409
        await ride_to(city, clock, metres, minutes=minutes)
        ended = await city.end(rider, at=north(metres))
        assert set(lines_of(ended)) == {"unlock", "ride_minutes"}


# -- Photos ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "rides", "zone_wants", "sends", "reasons"),
    [
        (SPEC, {}, False, None, []),
        (SPEC, {"photo_required": True}, False, None, ["photo_missing"]),
        (SPEC, {"photo_required": True}, False, photo(), []),
        (SPEC, {"photo_required": True}, False, photo(width=40, height=30), ["photo_bad"]),
        (SPEC, {}, True, None, ["photo_missing"]),
        (SPEC, {}, False, photo(width=40, height=30), []),
        (replace(SPEC, photo_required=True), {}, False, None, ["photo_missing"]),
        (replace(SPEC, photo_required=False), {"photo_required": True}, False, None, []),
    ],
)
async def test_a_photo_that_is_asked_for_and_missing_or_bad_is_for_staff_to_look_at(
    rt: Runtime,
    clock: SettableClock,
    tmp_path: Path,
    spec: ModelSpec,
    rides: dict[str, Any],
    zone_wants: bool,
    sends: bytes | None,
    reasons: list[str],
) -> None:
    async with small_city(rt, tmp_path, settings=settings(**rides), spec=spec) as city:
        await make_zones(
            rt, city.kit.operator, zone_draft(ZoneType.PARKING_ZONE, spec=ZoneSpec(photo_required=zone_wants))
        )
        rider = await start(city)
        await ride_to(city, clock, 150, minutes=5)
        files = None if sends is None else [picture_file("a.jpg", sends)]
        ended = await city.end(rider, at=north(150), files=files)
        assert ended.json()["review_status"] == ("IN_REVIEW" if reasons else None)
        assert [ride["review_reasons"] for ride in await city.rides()] == [reasons]
        # It changes no price.
        assert bill_of(ended)["total"] == 2.0


async def test_a_photo_of_the_first_try_counts_at_the_second(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, settings=settings(photo_required=True)) as city:
        rider = await start(city)
        await ride_to(city, clock, 150, minutes=5)
        city.unit.manner = Manner.NEVER
        refused = await city.end(rider, at=north(150), files=[picture_file()])
        assert refused.json()["code"] == "vehicle_did_not_lock"
        await ride_to(city, clock, 150, minutes=1)
        assert (await city.end(rider, at=north(150))).status_code == 200
        assert [ride["review_reasons"] for ride in await city.rides()] == [["lock_not_confirmed"]]


# -- Looked at again ------------------------------------------------------------------------------------------------


async def failed_ride(city: City, clock: SettableClock) -> RiderKit:
    """A minute on the spot, charged as usual."""
    rider = await start(city, balance_minor=1_000)
    await ride_to(city, clock, 0, minutes=1)
    assert bill_of(await city.end(rider))["total"] == 1.2
    assert (await city.standing(rider)).balance_minor == 880
    [job] = await queued_jobs(city.rt, city.kit.operator.id, RECHECK)
    assert job.at is not None
    assert (job.at - clock.now()).total_seconds() == 120
    return rider


async def late_report(city: City, **told: Any) -> None:
    """A buffered report comes, of half a minute before the end of the only ride."""
    [ride] = await city.rides()
    at = ride["started_at"] + (ride["ended_at"] - ride["started_at"]) / 2
    await tell_state(
        city.rt, city.kit.operator.id, city.fleet.device_id, device_at=at, fix_at=at, buffered=True, **told
    )


@pytest.mark.parametrize("late", [{}, {"odometer_m": 1_000, "at": north(50)}])
async def test_a_ride_that_went_nowhere_is_given_back_after_late_reports_were_awaited(
    rt: Runtime, clock: SettableClock, tmp_path: Path, late: dict[str, Any]
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await failed_ride(city, clock)
        if late:
            await late_report(city, **late)
        clock.advance(seconds=119)
        assert await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK) == []
        clock.advance(seconds=1)
        # Twice is once.
        assert await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK, times=2) == [RECHECK]
        assert (await city.standing(rider)).balance_minor == 1_000
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        note, receipt = await receipts_of(city, rider)
        assert (note.kind, note.corrects, note.total_minor) == (ReceiptKind.CREDIT_NOTE, receipt.cause, 120)
        assert [(line.code, line.amount_minor) for line in note.lines] == [("failed_ride", 120)]
        assert "did not move" in note.lines[0].text
        assert [data["finding"] for data in await events_of(city, "RECHECKED")] == ["FAILED"]
        await the_books_balance(city)


@pytest.mark.parametrize("late", [{"odometer_m": 1_100}, {"odometer_m": 1_000, "at": north(150)}])
async def test_late_reports_that_it_went_somewhere_leave_it_as_it_is(
    rt: Runtime, clock: SettableClock, tmp_path: Path, late: dict[str, Any]
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await failed_ride(city, clock)
        await late_report(city, **late)
        clock.advance(seconds=120)
        assert await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK, times=2) == [RECHECK]
        assert (await city.standing(rider)).balance_minor == 880
        assert await city.vehicle_status() == ("READY", None)
        assert [data["finding"] for data in await events_of(city, "RECHECKED")] == ["RIGHT"]


async def test_what_the_next_rider_does_is_no_late_report_of_the_ride_before(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await failed_ride(city, clock)
        await start(city)
        await ride_to(city, clock, 800, minutes=2)
        assert await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK) == [RECHECK]
        assert (await city.standing(rider)).balance_minor == 1_000
        # Whoever has the vehicle now is not thrown off it.
        assert (await city.vehicle_status())[0] == "IN_USE"


@pytest.mark.parametrize(("minutes", "metres"), [(4, 0), (2, 120)])
async def test_a_ride_of_some_length_is_not_looked_at_again(
    rt: Runtime, clock: SettableClock, tmp_path: Path, minutes: float, metres: float
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await start(city)
        await ride_to(city, clock, metres, minutes=minutes)
        assert (await city.end(rider, at=north(metres))).status_code == 200
        assert await queued_jobs(rt, city.kit.operator.id, RECHECK) == []


BY_KM = Tariff(
    unlock_minor=100,
    minute_tiers=(Tier(price_minor=20),),
    km_tiers=(KmTier(price_minor=50),),
    tax_rate="0.255",
)


@pytest.mark.parametrize(
    ("late_m", "total"),
    # 1.00 + 10 x 0.20 + 4 x 0.50; by 1 km less, or not.
    [(1_000 + 2_900, 450), (1_000 + 3_100, 500), (1_000 + 9_000, 500)],
)
async def test_what_was_collected_for_kilometres_that_were_not_ridden_is_credited(
    rt: Runtime, clock: SettableClock, tmp_path: Path, late_m: int, total: int
) -> None:
    async with small_city(rt, tmp_path, tariff=BY_KM) as city:
        rider = await start(city, balance_minor=1_000)
        clock.advance(minutes=10)
        await city.unit.report(odometer_m=1_000 + 3_500)
        assert bill_of(await city.end(rider))["total"] == 5.0
        # The unit read its odometer anew, and says so late; what it had told is not there any more.
        async with rt.db.write() as tx:
            await tx.execute("delete from vehicle_report where operator_id = %s", (city.kit.operator.id,))
        await late_report(city, odometer_m=late_m)
        clock.advance(seconds=120)
        assert await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK, times=2) == [RECHECK]
        assert (await city.standing(rider)).balance_minor == 1_000 - total
        if total < 500:
            note = (await receipts_of(city, rider))[0]
            assert [(line.code, line.amount_minor) for line in note.lines] == [("late_report", 50)]
        await the_books_balance(city)


# -- Caps a day, and several calls at once --------------------------------------------------------------------------

CAPPED = replace(TARIFF, day_cap_minor=500)


async def test_a_day_costs_no_more_than_its_cap_and_the_next_begins_anew(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, tariff=CAPPED) as city:
        rider = await city.rider()
        totals = []
        for _ in range(3):
            assert (await city.start(rider)).status_code == 200
            await ride_to(city, clock, 0, minutes=10)
            current = await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
            ended = bill_of(await city.end(rider))
            # What was shown while it ran is what it cost.
            assert current.json()["vehicles"][0]["price"] == ended["total"]
            totals.append(ended["total"])
        assert totals == [3.0, 2.0, 0.0]
        clock.advance(hours=24)
        await city.unit.report()
        assert (await city.start(rider)).status_code == 200
        await ride_to(city, clock, 0, minutes=10)
        assert bill_of(await city.end(rider))["total"] == 3.0


async def test_rides_that_end_at_once_share_the_cap_of_the_day(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, tariff=CAPPED, vehicles=3) as city:
        rider = await city.rider()
        for vehicle in range(3):
            assert (await city.start(rider, vehicle)).status_code == 200
        clock.advance(minutes=10)
        for unit in city.units:
            await unit.report()
        ends = await asyncio.gather(*(city.end(rider, vehicle_id=vehicle_id) for vehicle_id in city.fleet.vehicle_ids))
        assert sorted(bill_of(ended)["total"] for ended in ends) == [0.0, 2.0, 3.0]
        assert (await city.standing(rider)).balance_minor == 9_500
        await the_books_balance(city)


async def test_a_failed_ride_does_not_count_for_the_day(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, tariff=CAPPED) as city:
        await failed_ride(city, clock)
        clock.advance(seconds=120)
        await run_due_jobs(city.api.services, city.kit.operator.id, RECHECK)
        async with rt.db.read() as tx:
            spent = await tx.scalar(
                "select spent_minor from rider_day_spend where operator_id = %s", (city.kit.operator.id,)
            )
        assert spent == 0


async def test_one_ride_that_is_ended_ten_times_at_once_ends_once(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.BONUS_ZONE, spec=ZoneSpec(bonus_minor=50)))
        rider = await start(city)
        await ride_to(city, clock, 150, minutes=5)
        ends = await asyncio.gather(*(city.end(rider, at=north(150)) for _ in range(10)))
        codes = [ended.status_code for ended in ends]
        assert codes.count(200) == 1
        assert {ended.json()["code"] for ended in ends if ended.status_code != 200} <= {"ride_busy", "ride_not_found"}
        standing = await city.standing(rider)
        assert (standing.balance_minor, standing.bonus_minor) == (9_800, 50)
        await the_books_balance(city)

"""Rides through the whole system: HTTP in, the real gateway and a speaking unit out, the real store between."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.devices.model import CommandName
from isotope.domain.tenants.model import RideSettings, Settings
from isotope.domain.wallet import MoneyKind, check_ledger, trial_balance
from isotope.domain.zones.model import ZoneType
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from tests.kit.city import City, small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import HOME, make_zones, zone_draft
from tests.kit.pictures import photo, picture_file

pytestmark = pytest.mark.asyncio

AWAY = Point(60.19, 24.94)


async def the_books_balance(city: City) -> None:
    async with city.rt.db.read() as tx:
        assert await check_ledger(tx, city.kit.operator.id) == []
        assert sum((await trial_balance(tx, city.kit.operator.id)).values()) == 0


async def test_a_rider_starts_rides_ends_and_pays(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=1_000)
        started = await city.start(rider, addon_ids=[city.fleet.addon_ids[0]])
        assert started.status_code == 200, started.text
        body = started.json()
        assert body["vehicle"]["ride_status"] == "ACTIVE"
        assert body["vehicle"]["id"] == city.fleet.vehicle_id
        assert body["addons"] == [
            {
                "id": city.fleet.addon_ids[0],
                "title": "Helmet",
                "price": 1.5,
                "price_kind": "FIXED",
                "currency_code": "EUR",
            }
        ]
        assert body["max_allowed_vehicles_per_user"] == 5
        assert await city.vehicle_status() == ("IN_USE", f"ride:{body['active_ride_id']}")
        assert city.is_unlocked()

        clock.advance(minutes=7, seconds=1)
        await city.unit.report(lat=60.171, odometer_m=1_900)
        ended = await city.end(rider, at=Point(60.171, 24.94))
        assert ended.status_code == 200, ended.text
        bill = ended.json()
        # 1.00 to unlock, 8 started minutes at 0.20, a helmet for 1.50.
        assert bill["total_paid"] == "4.10"
        assert bill["payment_info"]["charged_balance"] == 4.1
        assert bill["payment_info"]["tax"] == 0.83
        assert bill["payment_info"]["distance_m"] == 900
        assert bill["payment_info"]["ride_seconds"] == 421
        assert [line["amount"] for line in bill["payment_info"]["lines"]] == [1.0, 1.6, 1.5]
        assert city.unit.locked
        assert await city.vehicle_status() == ("READY", None)
        assert (await city.standing(rider)).balance_minor == 590
        await the_books_balance(city)


async def test_bonus_pays_first_then_balance_and_the_rest_is_debt_that_stops_the_next_start(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider(balance_minor=50)
        await city.give(rider, 30, MoneyKind.BONUS)
        assert (await city.start(rider)).status_code == 200
        clock.advance(seconds=60)
        await city.unit.report()
        paid = (await city.end(rider)).json()["payment_info"]
        assert (paid["charged_bonus"], paid["charged_balance"], paid["debt"], paid["total"]) == (0.3, 0.5, 0.4, 1.2)
        refused = await city.start(rider)
        assert refused.status_code == 409
        assert refused.json()["code"] == "debt_open"
        assert refused.json()["details"] == {"debt": "0.40", "currency": "EUR"}
        waived = await city.ask_as_owner(
            "sharing/start-ride",
            {
                "user_id": rider.id,
                "vehicle_id": city.fleet.vehicle_id,
                "user_latitude": HOME.lat,
                "user_longitude": HOME.lon,
                "skip_wallet_check": True,
            },
        )
        assert waived.status_code == 200, waived.text
        await the_books_balance(city)


async def test_pauses_are_locked_and_cost_the_pause_price(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        clock.advance(minutes=2)
        await city.unit.report()
        paused = await city.ask(rider, "sharing/pause", {"vehicle_id": city.fleet.vehicle_id})
        assert paused.status_code == 200, paused.text
        assert paused.json()["status"] == 1
        assert city.unit.locked
        again = await city.ask(rider, "sharing/pause", {"vehicle_number": city.fleet.nrs[0]})
        assert again.json()["code"] == "ride_already_paused"
        clock.advance(minutes=10)
        current = (
            await city.ask(rider, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
        ).json()
        assert current["vehicles"][0]["is_paused"] is True
        assert (current["vehicles"][0]["ride_seconds"], current["vehicles"][0]["pause_seconds"]) == (120, 600)
        resumed = await city.ask(rider, "sharing/unpause", {"vehicle_id": city.fleet.vehicle_id})
        assert resumed.status_code == 200, resumed.text
        assert city.is_unlocked()
        assert (await city.ask(rider, "sharing/unpause", {})).json()["code"] == "ride_not_paused"
        clock.advance(minutes=1)
        await city.unit.report()
        # 1.00 + 3 x 0.20 + 10 x 0.05
        assert (await city.end(rider)).json()["total_paid"] == "2.10"


async def test_a_paused_ride_ends_without_another_lock(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report()
        await city.ask(rider, "sharing/pause")
        await city.unit.report()
        sent = len(city.unit.commands)
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        assert len(city.unit.commands) == sent


@pytest.mark.parametrize(
    "manner", [Manner.NEVER, Manner.FAIL, Manner.UNSUPPORTED, Manner.LIE, Manner.HANG_UP, Manner.LATE]
)
async def test_a_vehicle_that_does_not_unlock_costs_nothing_and_is_put_aside(
    rt: Runtime, clock: SettableClock, tmp_path: Path, manner: Manner
) -> None:
    async with small_city(rt, tmp_path, manner=manner) as city:
        rider = await city.rider(balance_minor=500)
        refused = await city.start(rider)
        assert refused.status_code == 503
        assert refused.json()["code"] == "vehicle_did_not_unlock"
        assert int(refused.headers["Retry-After"]) > 0
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        [ride] = await city.rides()
        assert (ride["status"], ride["outcome"], ride["total_minor"]) == ("FAILED", "not_unlocked", None)
        assert (await city.standing(rider)).balance_minor == 500
        assert (await city.ask(rider, "sharing/get-active-rides")).json()["active_ride_ids"] == []


async def test_a_vehicle_without_contact_is_refused_at_once_and_stays_ready(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, connected=False) as city:
        refused = await city.start(await city.rider())
        assert refused.status_code == 409
        assert refused.json()["code"] == "device_offline"
        assert await city.vehicle_status() == ("READY", None)
        assert await city.rides() == []


async def test_fifty_riders_start_one_vehicle_and_one_rides(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        riders = [await city.rider(balance_minor=500) for _ in range(50)]
        answers = await asyncio.gather(*(city.start(rider) for rider in riders))
        codes = [answer.status_code for answer in answers]
        assert codes.count(200) == 1
        assert {answer.json().get("code") for answer in answers if answer.status_code != 200} <= {
            "vehicle_not_available",
            "store_busy",
        }
        assert [ride["status"] for ride in await city.rides()] == ["ACTIVE"]
        assert all([(await city.standing(rider)).balance_minor == 500 for rider in riders])
        async with rt.db.read() as tx:
            assert (
                await tx.scalar("select count(*) from device_command where operator_id = %s", (city.kit.operator.id,))
                == 1
            )


async def test_a_rider_has_at_most_the_allowed_vehicles(rt: Runtime, tmp_path: Path) -> None:
    settings = Settings(rides=RideSettings(max_vehicles_per_rider=2, unlock_wait_s=1))
    async with small_city(rt, tmp_path, vehicles=4, settings=settings) as city:
        rider = await city.rider()
        answers = await asyncio.gather(*(city.start(rider, vehicle) for vehicle in range(4)))
        assert sorted(answer.status_code for answer in answers) == [200, 200, 409, 409]
        assert {a.json()["code"] for a in answers if a.status_code == 409} == {"too_many_rides"}
        active = (await city.ask(rider, "sharing/get-active-rides")).json()
        assert len(active["active_ride_ids"]) == 2
        ambiguous = await city.end(rider)
        assert ambiguous.json()["code"] == "ride_ambiguous"
        assert ambiguous.json()["details"]["active_ride_ids"] == active["active_ride_ids"]
        ended = await city.end(rider, active_ride_id=active["active_ride_ids"][1])
        assert ended.json()["active_ride_id"] == active["active_ride_ids"][1]


async def test_the_taken_vehicle_is_gone_from_the_next_map(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        rider, other = await city.rider(), await city.rider()
        around = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 1}
        before = (await city.ask(other, "sharing/get-vehicles", around)).json()["vehicles"]
        assert [vehicle["id"] for vehicle in before] == list(city.fleet.vehicle_ids)
        await city.start(rider)
        seen = (await city.ask(other, "sharing/get-vehicles", around)).json()["vehicles"]
        assert [vehicle["id"] for vehicle in seen] == [city.fleet.vehicle_ids[1]]
        own = (await city.ask(rider, "sharing/get-vehicles", around)).json()
        assert own["active_vehicle_ids"] == [city.fleet.vehicle_ids[0]]
        assert [(v["id"], v["is_active_ride"]) for v in own["vehicles"]] == [
            (city.fleet.vehicle_ids[0], True),
            (city.fleet.vehicle_ids[1], False),
        ]


@pytest.mark.parametrize(
    ("drafts", "code"),
    [
        ([zone_draft(ZoneType.NO_PARKING_ZONE)], "end_refused_no_parking_zone"),
        ([zone_draft(ZoneType.NO_GO_ZONE)], "end_refused_no_go_zone"),
        ([zone_draft(ZoneType.PARKING_ZONE, point=AWAY, radius_m=100)], "end_refused_outside_parking"),
    ],
)
async def test_a_ride_does_not_end_where_it_may_not_and_the_refusal_leads_to_where_it_may(
    rt: Runtime, clock: SettableClock, tmp_path: Path, drafts: list[Any], code: str
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, *drafts)
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report()
        refused = await city.end(rider)
        assert refused.status_code == 409
        assert refused.json()["code"] == code
        nearest = refused.json()["details"]["nearest_parking"]
        assert nearest["distance_m"] > 0
        assert city.unit.commands[-1].name is CommandName.UNLOCK
        # Again: refused again, recorded once.
        assert (await city.end(rider)).json()["code"] == code
        async with rt.db.read() as tx:
            kinds = await tx.tuples(
                "select kind from ride_event where operator_id = %s order by nr", (city.kit.operator.id,)
            )
        assert [kind for (kind,) in kinds] == ["REQUESTED", "STARTED", "END_REFUSED"]
        there = Point(nearest["coordinates"]["latitude"], nearest["coordinates"]["longitude"])
        clock.advance(minutes=10)
        await city.unit.report(lat=there.lat, lon=there.lon)
        ended = await city.end(rider, at=there)
        assert ended.status_code == 200, ended.text


async def test_an_old_phone_position_gives_way_to_the_vehicles(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.PARKING_ZONE, point=AWAY, radius_m=100))
        rider = await city.rider()
        await city.start(rider)
        clock.advance(minutes=5)
        await city.unit.report(lat=AWAY.lat, lon=AWAY.lon)
        stale = int(clock.now().timestamp()) - 61
        ended = await city.end(rider, at=HOME, user_location_timestamp=stale)
        assert ended.status_code == 200, ended.text


async def test_nothing_is_locked_while_it_moves(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report(speed_kmh=18.0)
        for answer in (await city.end(rider), await city.ask(rider, "sharing/pause")):
            assert answer.status_code == 409
            assert answer.json()["code"] == "vehicle_moving"
        assert [command.name for command in city.unit.commands] == [CommandName.UNLOCK]
        await city.unit.report(speed_kmh=0.0)
        assert (await city.end(rider)).status_code == 200


async def test_no_ride_is_stuck_on_a_lock_that_does_not_answer(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        clock.advance(minutes=2)
        await city.unit.report()
        city.unit.manner = Manner.NEVER
        refused = await city.end(rider)
        assert refused.status_code == 503
        assert refused.json()["code"] == "vehicle_did_not_lock"
        assert len((await city.ask(rider, "sharing/get-active-rides")).json()["active_ride_ids"]) == 1
        clock.advance(minutes=30)
        await city.unit.report()
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        # The meter stopped at the first time: 1.00 + 2 x 0.20.
        assert ended.json()["total_paid"] == "1.40"
        assert await city.vehicle_status() == ("NEED_INVESTIGATION", None)
        assert [ride["outcome"] for ride in await city.rides()] == ["unconfirmed_lock"]


async def test_a_ride_ends_though_the_unit_is_gone(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report()
        await city.unit.hang_up()
        clock.advance(minutes=3)
        assert (await city.end(rider)).json()["code"] == "vehicle_did_not_lock"
        clock.advance(minutes=3)
        ended = await city.end(rider)
        assert ended.status_code == 200, ended.text
        assert ended.json()["total_paid"] == "1.60"


async def test_a_rider_cannot_touch_anothers_ride(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider, thief = await city.rider(), await city.rider()
        ride_id = (await city.start(rider)).json()["active_ride_id"]
        await city.unit.report()
        for answer in (
            await city.end(thief, active_ride_id=ride_id),
            await city.ask(thief, "sharing/pause", {"vehicle_id": city.fleet.vehicle_id}),
            await city.ask(thief, "sharing/get-zones", {"ride_id": ride_id}),
        ):
            assert answer.status_code == 404
            assert answer.json()["code"] == "ride_not_found"
        shown = await city.ask(thief, "sharing/get-current-ride", {"active_vehicle_id": [city.fleet.vehicle_id]})
        assert shown.json()["vehicles"] == []
        sent = await city.ask(
            thief,
            "sharing/send-vehicle-commands",
            {"vehicle_ids": [city.fleet.vehicle_id], "command": "headlight", "value": "on"},
        )
        assert sent.json()["code"] == "vehicle_not_ridden"


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def test_images_are_kept_with_the_ride_and_forgotten_with_a_refusal(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        await city.unit.report(speed_kmh=18.0)
        files = [picture_file("a.png", photo("PNG")), picture_file("b.webp", photo("WEBP", seed=2))]
        assert (await city.end(rider, files=files)).json()["code"] == "vehicle_moving"
        assert files_in(tmp_path) == []
        await city.unit.report(speed_kmh=0.0)
        assert (await city.end(rider, files=files)).status_code == 200
        async with rt.db.read() as tx:
            images = await tx.dicts(
                "select blob_key, content_type, bytes from ride_image where operator_id = %s", (city.kit.operator.id,)
            )
        assert [image["content_type"] for image in images] == ["image/jpeg"] * 2
        kept = [await city.api.services.blobs.get(image["blob_key"]) for image in images]
        assert [len(content or b"") for content in kept] == [image["bytes"] for image in images]
        assert len(files_in(tmp_path)) == 2


async def test_riders_ring_and_command_what_they_ride(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        rider = await city.rider()
        near = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        rang = await city.ask(rider, "sharing/ring-vehicle", near)
        assert rang.json() == {"status": 1, "message": "The vehicle rang.", "ring_action_enabled": True}
        far = await city.ask(rider, "sharing/ring-vehicle", {**near, "user_latitude": AWAY.lat})
        assert far.json()["code"] == "too_far_from_vehicle"
        await city.start(rider)
        offered = (await city.ask(rider, "sharing/get-vehicle-commands", {"vehicle_id": city.fleet.vehicle_id})).json()
        names = {command["command"].lower() for command in offered["commands"]}
        assert "headlight" in names
        assert not names & {"lock", "unlock"}
        lit = await city.ask(
            rider,
            "sharing/send-vehicle-commands",
            {"vehicle_ids": [city.fleet.vehicle_id], "command": "headlight", "value": "on"},
        )
        assert lit.json()["results"] == [{"vehicle_id": city.fleet.vehicle_id, "status": "DONE", "code": None}]
        assert city.unit.commands[-1].name is CommandName.HEADLIGHT
        locked = await city.ask(
            rider, "sharing/send-vehicle-commands", {"vehicle_ids": [city.fleet.vehicle_id], "command": "lock"}
        )
        assert locked.status_code == 403


async def test_the_owner_commands_many_and_hears_of_each(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=3) as city:
        await city.units[1].hang_up()
        await city.units[2].report(speed_kmh=20.0)
        sent = await city.ask_as_owner(
            "sharing/send-vehicle-commands", {"vehicle_ids": list(city.fleet.vehicle_ids), "command": "LOCK"}
        )
        assert sent.status_code == 200, sent.text
        assert sent.json()["message"] == "Done by 1 of 3 vehicles."
        assert [(result["status"], result["code"]) for result in sent.json()["results"]] == [
            ("DONE", None),
            ("REFUSED", "device_offline"),
            ("REFUSED", "vehicle_moving"),
        ]

"""The section Driver over HTTP: work that is waited for, a trip from its offer to its end."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import pytest
import pytest_asyncio
from msgspec.structs import replace

from isotope.domain.taxi.model import Trip
from isotope.domain.tenants import LogInStaff, log_in_staff
from isotope.domain.tenants.model import Role, Settings
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_driver, make_offer, make_request
from tests.kit.http import Api
from tests.kit.pictures import photo, picture_file
from tests.kit.riders import RiderKit, make_rider
from tests.kit.tenants import OperatorKit, make_operator

BASE = "/openapi/v1.0/driver/"


@dataclass(frozen=True, slots=True)
class Cab:
    """A driver's app, and a rider who has none."""

    api: Api
    kit: OperatorKit
    dora: DriverKit
    rita: RiderKit

    async def ask(self, name: str, /, **body: Any) -> tuple[int, dict[str, Any]]:
        answer = await self.api.post(BASE + name, body, key=self.kit.public_key, token=self.dora.token)
        return answer.status_code, answer.json()

    async def do(self, name: str, /, **body: Any) -> dict[str, Any]:
        status, answer = await self.ask(name, **body)
        assert status == 200, answer
        return answer

    async def online(self) -> dict[str, Any]:
        return await self.do(
            "go-online", taxi_vehicle_id=self.dora.vehicle_id, latitude=HELSINKI.lat, longitude=HELSINKI.lon
        )

    async def at(self, clock: SettableClock, lat: float, lon: float = HELSINKI.lon, **leap: float) -> dict[str, Any]:
        clock.advance(**leap)
        position = {"latitude": lat, "longitude": lon, "at": int(clock.now().timestamp())}
        return await self.do("send-positions", positions=[position])

    async def request(self, **more: Any) -> Trip:
        return await make_request(self.api.services.rt, self.kit.operator, self.rita.id, self.dora.class_id, **more)

    async def offer(self, trip: Trip, **more: Any) -> int:
        return await make_offer(self.api.services.rt, trip, self.dora.id, **more)


@pytest_asyncio.fixture
async def cab(api: Api) -> AsyncIterator[Cab]:
    rt = api.services.rt
    kit = await make_operator(rt)
    yield Cab(api, kit, await make_driver(rt, kit.operator), await make_rider(rt, kit.operator))


async def test_from_a_code_to_the_profile(cab: Cab) -> None:
    phone = cab.dora.driver
    public = {"key": cab.kit.public_key}
    start = {"phone_prefix": phone.phone_prefix, "phone": phone.phone, "flow": "DRIVER", "skip_otp": True}
    path = "/openapi/v1.0/authorization/"
    asked = await cab.api.post(
        path + "request-phone-verification", start, key=cab.kit.public_key, token=cab.kit.secret_key
    )
    verified = await cab.api.post(path + "verify-phone-code", {"phone_token": asked.json()["phone_token"]}, **public)
    session = await cab.api.post(BASE + "login", {"phone_token": verified.json()["phone_token"]}, **public)
    assert session.json()["driver_id"] == cab.dora.id
    token = session.json()["token"]
    profile = (await cab.api.post(BASE + "get-profile", **public, token=token)).json()
    assert profile["name"] == "Dora Driver"
    assert profile["vehicles"][0]["classes"] == [{"class_id": cab.dora.class_id, "title": "Standard"}]
    assert profile["presence"]["presence"] == "OFFLINE"
    assert (await cab.api.post(BASE + "logout", **public, token=token)).status_code == 200
    assert (await cab.api.post(BASE + "get-profile", **public, token=token)).status_code == 401


async def test_a_trip_paid_in_cash(cab: Cab, clock: SettableClock) -> None:
    assert (await cab.online())["presence"] == "ONLINE"
    trip = await cab.request(pin="0417")
    offer_id = await cab.offer(trip)
    work = await cab.do("get-work")
    [offer] = work["offers"]
    assert (offer["offer_id"], offer["trip_id"]) == (offer_id, trip.id)
    assert (offer["price"], offer["earning"]) == (12.55, 10.04)
    assert [point["title"] for point in offer["points"]] == ["Railway square", "The stop", "The destination"]
    assert "kiosk" not in json.dumps(work), "what the rider said is for who drives"

    accepted = await cab.do("accept-offer", offer_id=offer_id)
    assert accepted["status"] == "ACCEPTED"
    assert accepted["rider"] == {
        "name": "Rita",
        "phone": f"+358 {'•' * 7}{cab.rita.rider.phone[-2:]}",
    }
    assert accepted["comment"] == "By the kiosk"
    assert (accepted["pin_required"], accepted["actions"]) == (True, ["ARRIVE", "CANCEL"])
    assert (await cab.do("get-work"))["presence"]["is_busy"]

    await cab.at(clock, HELSINKI.lat, seconds=60)
    assert (await cab.do("arrive", trip_id=trip.id))["status"] == "ARRIVED"
    assert (await cab.ask("start-trip", trip_id=trip.id, pin="0418"))[1]["code"] == "wrong_pin"
    started = await cab.do("start-trip", trip_id=trip.id, pin="0417")
    assert (started["next_stop"], started["actions"]) == (1, ["REACH_STOP", "END"])
    await cab.at(clock, HELSINKI.lat + 0.01, seconds=140)
    reached = await cab.do("reach-stop", trip_id=trip.id, stop=1)
    assert (reached["next_stop"], reached["actions"]) == (None, ["END"])
    assert reached["points"][1]["reached_at"] == int(clock.now().timestamp())
    await cab.at(clock, HELSINKI.lat + 0.027, seconds=280)
    ended = await cab.do("end-trip", trip_id=trip.id)
    assert (ended["status"], ended["outcome"], ended["duration_s"]) == ("ENDED", "driven", 420)
    assert ended["distance_m"] == pytest.approx(3_002, abs=5)
    assert (ended["price"], ended["cash_due"], ended["earning"]) == (12.55, 12.55, 10.04)
    assert ended["actions"] == ["TAKE_CASH"]
    assert ended["rider"] is None, "only until the end"
    assert ended["comment"] == ""

    work = await cab.do("get-work")
    assert (work["trip"]["trip_id"], work["presence"]["is_busy"]) == (trip.id, False)
    assert (await cab.ask("take-cash", trip_id=trip.id, amount=12.56))[0] == 400
    paid = await cab.do("take-cash", trip_id=trip.id, amount=12.55)
    assert (paid["cash_due"], paid["cash"], paid["actions"]) == (0, 12.55, [])
    assert (await cab.do("get-work"))["trip"] is None


async def test_work_waits_until_it_is_another(cab: Cab) -> None:
    await cab.online()
    known = await cab.do("get-work")
    assert (await cab.do("get-work"))["version"] == known["version"]
    waiting = asyncio.create_task(cab.do("get-work", wait_s=25, version=known["version"]))
    trip = await cab.request()
    offer_id = await cab.offer(trip)
    async with asyncio.timeout(10):
        told = await waiting
    assert [offer["offer_id"] for offer in told["offers"]] == [offer_id]
    # Whoever has missed something waits for nothing.
    async with asyncio.timeout(10):
        assert (await cab.do("get-work", wait_s=25, version=known["version"]))["version"] == told["version"]


async def test_waiting_ends(cab: Cab) -> None:
    known = await cab.do("get-work")
    async with asyncio.timeout(10):
        assert await cab.do("get-work", wait_s=1, version=known["version"]) == known
    assert cab.api.services.streams.held == 0


async def test_work_as_events(cab: Cab) -> None:
    await cab.online()
    offer_id = await cab.offer(await cab.request())
    answer = await cab.api.client.get(
        BASE + "work-stream",
        headers={"App-Public-Key": cab.kit.public_key, "Authorization": f"Bearer {cab.dora.token}"},
    )
    assert answer.headers["content-type"].startswith("text/event-stream")
    [data] = [line.removeprefix("data: ") for line in answer.text.splitlines() if line.startswith("data: ")]
    assert "event: work" in answer.text
    assert json.loads(data) == await cab.do("get-work")
    assert json.loads(data)["offers"][0]["offer_id"] == offer_id


async def test_offers_that_ended_are_not_shown(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    offer_id = await cab.offer(await cab.request())
    clock.advance(seconds=29)
    assert len((await cab.do("get-work"))["offers"]) == 1
    clock.advance(seconds=1)
    assert (await cab.do("get-work"))["offers"] == []
    assert (await cab.ask("accept-offer", offer_id=offer_id))[1]["code"] == "offer_ended"


async def test_declined_is_declined(cab: Cab) -> None:
    await cab.online()
    offer_id = await cab.offer(await cab.request())
    for _again in range(2):
        assert (await cab.do("decline-offer", offer_id=offer_id, reason="too far"))["status"] == 1
    assert (await cab.do("get-work"))["offers"] == []
    assert (await cab.ask("accept-offer", offer_id=offer_id))[1]["code"] == "offer_ended"


async def test_nobody_sees_the_trips_and_offers_of_another(cab: Cab) -> None:
    await cab.online()
    trip = await cab.request()
    offer_id = await cab.offer(trip)
    dan = await make_driver(cab.api.services.rt, cab.kit.operator, class_id=cab.dora.class_id)
    other = Cab(cab.api, cab.kit, dan, cab.rita)
    await other.online()
    assert (await other.do("get-work"))["offers"] == []
    for name in ("accept-offer", "decline-offer"):
        assert (await other.ask(name, offer_id=offer_id))[0] == 404
    await cab.do("accept-offer", offer_id=offer_id)
    for name, more in (
        ("get-trip", {}),
        ("arrive", {}),
        ("start-trip", {}),
        ("reach-stop", {"stop": 1}),
        ("end-trip", {}),
        ("take-cash", {"amount": 1}),
        ("cancel-trip", {"reason": "no_show"}),
        ("set-off", {}),
    ):
        assert await other.ask(name, trip_id=trip.id, **more) == (
            404,
            {"message": "There is no such trip of yours.", "code": "trip_not_found"},
        )


async def test_a_trip_given_up_is_forgotten_by_who_gave_it_up(cab: Cab) -> None:
    await cab.online()
    trip = await cab.request()
    await cab.do("accept-offer", offer_id=await cab.offer(trip))
    status, answer = await cab.ask("cancel-trip", trip_id=trip.id, reason="flat tyre")
    assert (status, answer["message"]) == (200, "You do not drive this trip any more; others are asked.")
    assert not (await cab.do("get-work"))["presence"]["is_busy"]
    assert (await cab.ask("get-trip", trip_id=trip.id))[0] == 404


async def test_a_no_show_is_told_after_the_wait(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    trip = await cab.request()
    await cab.do("accept-offer", offer_id=await cab.offer(trip))
    arrived = await cab.do("arrive", trip_id=trip.id)
    wait_s = cab.kit.operator.settings.taxi.no_show_s
    assert arrived["no_show_from"] == int(clock.now().timestamp()) + wait_s
    assert "NO_SHOW" not in arrived["actions"]
    clock.advance(seconds=wait_s - 1)
    assert (await cab.ask("cancel-trip", trip_id=trip.id, reason="no_show"))[1]["code"] == "too_early_for_no_show"
    clock.advance(seconds=1)
    assert "NO_SHOW" in (await cab.do("get-trip", trip_id=trip.id))["actions"]
    assert (await cab.do("cancel-trip", trip_id=trip.id, reason="no_show"))["message"] == "This trip is over."


async def test_a_promise_is_kept(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    later = clock.now() + timedelta(hours=5)
    trip = await cab.request(scheduled_at=later)
    promised = await cab.do("accept-offer", offer_id=await cab.offer(trip))
    assert (promised["status"], promised["actions"], promised["rider"]) == ("SCHEDULED", ["CANCEL"], None)
    [listed] = (await cab.do("get-promised-trips"))["trips"]
    assert (listed["trip_id"], listed["scheduled_at"]) == (trip.id, int(later.timestamp()))
    assert not (await cab.do("get-work"))["presence"]["is_busy"], "until then other trips are driven"
    clock.advance(hours=2, minutes=59)
    status, early = await cab.ask("set-off", trip_id=trip.id)
    assert (status, early["code"], early["message"]) == (
        409,
        "too_early_to_set_off",
        "It is too early for this trip; set off in 1 min at the earliest.",
    )
    clock.advance(minutes=1)
    assert (await cab.do("get-trip", trip_id=trip.id))["actions"] == ["SET_OFF", "CANCEL"]
    for _again in range(2):
        off = await cab.do("set-off", trip_id=trip.id)
    assert (off["status"], off["rider"]["name"]) == ("ACCEPTED", "Rita")
    assert (await cab.do("get-promised-trips"))["trips"] == []


async def test_one_trip_at_a_time(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    first = await cab.request()
    rt, operator = cab.api.services.rt, cab.kit.operator
    rick = await make_rider(rt, operator)
    promised = await make_request(
        rt, operator, rick.id, cab.dora.class_id, scheduled_at=clock.now() + timedelta(hours=1)
    )
    await cab.do("accept-offer", offer_id=await cab.offer(promised))
    await cab.do("accept-offer", offer_id=await cab.offer(first))
    assert (await cab.ask("set-off", trip_id=promised.id))[1]["code"] == "driver_busy"
    second = await make_request(rt, operator, rick.id, cab.dora.class_id)
    assert (await cab.ask("accept-offer", offer_id=await cab.offer(second)))[1]["code"] == "driver_busy"
    assert (await cab.ask("go-offline"))[1]["code"] == "driver_busy"


async def test_the_history_goes_page_by_page(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    driven = []
    for _trip in range(3):
        trip = await cab.request()
        await cab.do("accept-offer", offer_id=await cab.offer(trip))
        await cab.do("arrive", trip_id=trip.id)
        await cab.do("start-trip", trip_id=trip.id)
        await cab.do("end-trip", trip_id=trip.id)
        driven.append(trip.id)
    page = await cab.do("get-trips", page_length=2)
    assert [trip["trip_id"] for trip in page["trips"]] == [driven[2], driven[1]]
    last = await cab.do("get-trips", page_length=2, page_bookmark=page["bookmark_next"])
    assert [trip["trip_id"] for trip in last["trips"]] == [driven[0]]
    assert last["bookmark_next"] is None
    dan = Cab(cab.api, cab.kit, await make_driver(cab.api.services.rt, cab.kit.operator), cab.rita)
    assert (await dan.ask("get-trips", page_bookmark=page["bookmark_next"]))[0] == 400


async def test_earnings_and_balance(cab: Cab, clock: SettableClock) -> None:
    await cab.online()
    trip = await cab.request()
    await cab.do("accept-offer", offer_id=await cab.offer(trip))
    await cab.do("arrive", trip_id=trip.id)
    await cab.do("start-trip", trip_id=trip.id)
    await cab.do("end-trip", trip_id=trip.id)
    await cab.do("take-cash", trip_id=trip.id, amount=12.55)
    now = int(clock.now().timestamp())
    earned = {"currency_code": "EUR", "trips": 1, "fares": 12.55, "commission": 2.51, "earned": 10.04, "cash": 12.55}
    midnight = now - 15 * 3600  # in Helsinki
    assert await cab.do("get-earnings") == earned | {"balance": -2.51, "since": midnight, "until": now + 1}
    before = await cab.do("get-earnings", since=now - 3600, until=now)
    assert (before["balance"], before["trips"], before["earned"]) == (-2.51, 0, 0), "a balance is of now"
    assert (await cab.ask("get-earnings", since=now, until=now - 1))[0] == 400
    assert (await cab.ask("get-earnings", since=0))[0] == 400

    first = await cab.do("get-balance-entries", page_length=1)
    last = await cab.do("get-balance-entries", page_length=1, page_bookmark=first["bookmark_next"])
    told = [
        {name: entry[name] for name in ("title", "reason", "amount", "trip_id")}
        for entry in (*first["entries"], *last["entries"])
    ]
    assert told == [
        {"title": "Cash that you were given", "reason": "trip_cash", "amount": -12.55, "trip_id": trip.id},
        {"title": "Your share of a trip", "reason": "trip_earning", "amount": 10.04, "trip_id": trip.id},
    ]
    assert last["bookmark_next"] is None
    dan = Cab(cab.api, cab.kit, await make_driver(cab.api.services.rt, cab.kit.operator), cab.rita)
    assert (await dan.ask("get-balance-entries", page_bookmark=first["bookmark_next"]))[0] == 400
    assert (await dan.do("get-earnings"))["balance"] == 0


async def test_documents_go_to_staff_and_come_back(api: Api) -> None:
    rt = api.services.rt
    settings = Settings()
    settings = replace(settings, taxi=replace(settings.taxi, documents=("licence",)))
    kit = await make_operator(rt, settings=settings, staff=Role.SUPPORT)
    assert kit.staff is not None
    staff = await log_in_staff(rt, LogInStaff(email=kit.staff.email, password=kit.staff_password))
    dora = await make_driver(rt, kit.operator)
    shown = await api.form(
        BASE + "upload-document",
        {"document_kind": "licence", "expires_on": "2030-05-31"},
        [picture_file("front.jpg"), picture_file("back.jpg", photo(seed=2))],
        key=kit.public_key,
        token=dora.token,
    )
    assert shown.status_code == 200, shown.text
    assert (shown.json()["needed"], shown.json()["missing"]) == (["licence"], ["licence"])
    [document] = shown.json()["documents"]
    assert (document["status"], len(document["pages"])) == ("PENDING", 2)
    without = {"document_kind": "licence"}
    refused = await api.form(BASE + "upload-document", without, key=kit.public_key, token=dora.token)
    assert refused.json()["errors"][0]["field"] == "images"

    admin = "/api/v2/admin/taxi/documents/"
    waiting = (await api.post(admin + "get", token=staff.access_token)).json()
    [waits] = waiting["data"]
    assert (waits["driver_name"], waits["document"]["document_id"]) == ("Dora Driver", document["document_id"])
    link = waits["document"]["pages"][0]["url"]
    picture = await api.client.get(link[link.index("/files/") :])
    assert picture.headers["content-type"].startswith("image/")
    judged = await api.post(
        admin + "review", {"document_id": document["document_id"], "approve": True}, token=staff.access_token
    )
    assert judged.json()["document"]["status"] == "APPROVED"
    again = await api.post(
        admin + "review", {"document_id": document["document_id"], "approve": True}, token=staff.access_token
    )
    assert (again.status_code, again.json()["code"]) == (409, "driver_document_reviewed")
    own = (await api.post(BASE + "get-documents", key=kit.public_key, token=dora.token)).json()
    assert (own["missing"], own["documents"][0]["expires_on"]) == ([], "2030-05-31")


@pytest.mark.parametrize("way", ["go-offline", "logout"])
async def test_who_goes_offline_holds_no_offers(cab: Cab, way: str) -> None:
    await cab.online()
    trip = await cab.request()
    offer_id = await cab.offer(trip)
    await cab.do(way)
    async with cab.api.services.rt.db.read() as tx:
        status, reason = (
            await tx.tuples(
                "select status, reason from trip_offer where operator_id = %s and id = %s",
                (cab.kit.operator.id, offer_id),
            )
        )[0]
    assert (status, reason) == ("DECLINED", "offline")

"""A booking under way over HTTP: picked up, stopped, extended, brought back, looked at; and what is refused."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import httpx2
import pytest
from msgspec.structs import replace

from isotope.domain.rental import local_text
from isotope.domain.rental.model import Booking
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.drives import Town, a_town
from tests.kit.fleet import HOME
from tests.kit.http import OPENAPI, Api, run_api
from tests.kit.pictures import photo, picture_file
from tests.kit.rentals import RENTAL_TARIFF, RENTALS
from tests.kit.riders import make_rider

pytestmark = pytest.mark.asyncio

PHOTOS: Final = replace(RENTALS, rentals=replace(RENTALS.rentals, photos_before=1, photos_after=2))
KM_TARIFF: Final = replace(RENTAL_TARIFF, included_km_per_day=50, km_minor=30)


@dataclass(frozen=True, slots=True)
class Drive:
    """A town with an API in front of it."""

    town: Town
    api: Api

    async def ask(self, path: str, body: dict[str, Any], token: str | None = None) -> httpx2.Response:
        return await self.api.post(
            f"{OPENAPI}/rental/{path}", body, key=self.town.kit.public_key, token=token or self.town.rider.token
        )

    async def form(self, path: str, fields: dict[str, Any], *seeds: int) -> httpx2.Response:
        """With a picture for each seed."""
        files = [picture_file(f"{seed}.jpg", photo(seed=seed)) for seed in seeds]
        return await self.api.form(
            f"{OPENAPI}/rental/{path}", fields, files, key=self.town.kit.public_key, token=self.town.rider.token
        )

    def later(self, booking: Booking, hours: float) -> str:
        return local_text(booking.ends_at + timedelta(hours=hours), booking.terms.time_zone)


@asynccontextmanager
async def a_drive(rt: Runtime, clock: SettableClock, folder: Path, **more: Any) -> AsyncIterator[Drive]:
    async with run_api(rt, folder) as api, a_town(rt, clock, **more) as town:
        yield Drive(town, api)


async def test_a_booking_is_driven(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_drive(rt, clock, tmp_path, settings=PHOTOS) as drive:
        town = drive.town
        await town.give(50_000)
        booking = await town.book(hours=2, tariff=KM_TARIFF, deposit_minor=10_000)
        await town.buy(booking)
        which = {"booking_id": booking.id}

        missing = await drive.form("pick-up", which)
        assert (missing.status_code, missing.json()["code"]) == (409, "photos_needed"), missing.text
        picked_up = await drive.form("pick-up", which, 1)
        assert picked_up.status_code == 200, picked_up.text
        rental = picked_up.json()["rental"]
        assert (rental["booking_status"], rental["deposit"]["status"]) == ("ACTIVE", "HELD")
        assert not town.unit.locked

        for path, locked in (("lock-vehicle", True), ("unlock-vehicle", False)):
            done = await drive.ask(path, which)
            assert done.status_code == 200, done.text
            assert [town.unit.locked] == [locked]

        until = drive.later(booking, 1)
        quoted = await drive.ask("get-extension", {**which, "return_date": until})
        assert quoted.status_code == 200, quoted.text
        assert (quoted.json()["total"], quoted.json()["return_date"]) == (10, until)
        extended = await drive.ask("extend-booking", {**which, "return_date": until})
        assert extended.status_code == 200, extended.text
        assert (extended.json()["status"], extended.json()["rental"]["return_date"]) == (1, until)

        clock.advance(hours=3)
        await town.unit.report(odometer_m=town.unit.odometer_m + 60_000)
        # The picture that was taken before shows nothing of now; another one is needed.
        short = await drive.form("return-vehicle", which, 2)
        assert short.json()["code"] == "photos_needed", short.text
        returned = await drive.form("return-vehicle", which, 2, 3)
        assert returned.status_code == 200, returned.text
        rental = returned.json()["rental"]
        assert rental["booking_status"] == "ENDED"
        assert [(one["kind"], one["total"]) for one in rental["charges"]] == [
            ("BOOKING", 20),
            ("EXTENSION", 10),
            ("SETTLEMENT", 3),
        ]
        assert rental["distance_m"] == 60_000

        whole = await drive.ask("get-booking", which)
        assert whole.status_code == 200, whole.text
        assert [one["kind"] for one in whole.json()["events"]] == [
            "picked_up",
            "locked",
            "unlocked",
            "extended",
            "returned",
        ]
        assert [one["taken"] for one in whole.json()["pictures"]] == ["BEFORE", "AFTER", "AFTER"]
        opened = await drive.api.client.get(whole.json()["pictures"][0]["url"])
        assert (opened.status_code, opened.headers["content-type"]) == (200, "image/jpeg")


async def test_a_repeated_request_is_answered_as_the_first(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        booking = await drive.town.book()
        await drive.town.pick_up(booking)
        answers = [
            await drive.api.post(
                f"{OPENAPI}/rental/lock-vehicle",
                {"booking_id": booking.id},
                key=drive.town.kit.public_key,
                token=drive.town.rider.token,
                **{"Idempotency-Key": "the same"},
            )
            for _twice in range(2)
        ]
        assert [one.status_code for one in answers] == [200, 200]
        assert len(drive.town.unit.commands) == 2


async def test_a_phone_says_where_a_silent_vehicle_is(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        booking = await drive.town.book()
        await drive.town.pick_up(booking)
        clock.advance(hours=1)
        which = {"booking_id": booking.id}
        unknown = await drive.form("return-vehicle", which)
        assert unknown.json()["code"] == "return_position_unknown", unknown.text
        here = {
            **which,
            "user_latitude": HOME.lat,
            "user_longitude": HOME.lon,
            "user_location_timestamp": int(clock.now().timestamp() * 1_000),
        }
        first = await drive.form("return-vehicle", here)
        assert (first.status_code, first.json()["code"]) == (503, "rental_did_not_lock")
        second = await drive.form("return-vehicle", here)
        assert second.json()["rental"]["outcome"] == "unconfirmed_lock", second.text


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("pick-up", 409, "booking_status"),
        ("lock-vehicle", 409, "booking_status"),
        ("unlock-vehicle", 409, "booking_status"),
        ("return-vehicle", 409, "booking_status"),
        ("extend-booking", 409, "booking_status"),
        ("get-extension", 409, "booking_status"),
    ],
)
async def test_what_is_over_is_over(
    rt: Runtime, clock: SettableClock, tmp_path: Path, path: str, status: int, code: str
) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        booking = await drive.town.book()
        await drive.town.pick_up(booking)
        await drive.town.bring_back(booking)
        body: dict[str, Any] = {"booking_id": booking.id}
        if "exten" in path:
            body["return_date"] = drive.later(booking, 1)
        ask = drive.form if path in ("pick-up", "return-vehicle") else drive.ask
        answer = await ask(path, body)
        assert (answer.status_code, answer.json()["code"]) == (status, code), answer.text
        assert answer.json()["details"]["status"] == "ENDED"


@pytest.mark.parametrize(
    "path",
    ["pick-up", "lock-vehicle", "unlock-vehicle", "return-vehicle", "extend-booking", "get-extension", "get-booking"],
)
async def test_nobody_drives_anothers_booking(rt: Runtime, clock: SettableClock, tmp_path: Path, path: str) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        other = await make_rider(rt, drive.town.kit.operator)
        booking = await drive.town.book(rider=other)
        body: dict[str, Any] = {"booking_id": booking.id}
        if "exten" in path:
            body["return_date"] = drive.later(booking, 1)
        ask = drive.form if path in ("pick-up", "return-vehicle") else drive.ask
        answer = await ask(path, body)
        assert (answer.status_code, answer.json()["code"]) == (404, "booking_not_found"), answer.text
        assert drive.town.unit.commands == []


async def test_an_end_that_cannot_be_read_is_said_so(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        booking = await drive.town.book()
        answer = await drive.ask("extend-booking", {"booking_id": booking.id, "return_date": "next tuesday"})
        assert answer.status_code == 400
        assert "return_date" in answer.text


async def test_a_vehicle_that_does_not_obey_at_a_stop(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with a_drive(rt, clock, tmp_path) as drive:
        booking = await drive.town.book()
        await drive.town.pick_up(booking)
        drive.town.unit.manner = Manner.FAIL
        answer = await drive.ask("lock-vehicle", {"booking_id": booking.id})
        assert (answer.status_code, answer.json()["code"]) == (503, "vehicle_did_not_obey")
        assert (await drive.town.find(booking)).order_kind is None

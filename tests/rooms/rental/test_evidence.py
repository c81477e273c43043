"""Pictures of booked vehicles, and damage that is reported on them."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isotope.domain.evidence import DamageId, Image, PictureOf, Shows, Taken, keep_images, sweep_pictures
from isotope.domain.rental.model import Booking, BookingStatus
from isotope.domain.rental.transitions import close
from isotope.domain.tenants.model import FeedbackSettings, PrivacySettings, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from isotope.worker.tasks import JOBS
from tests.kit.clock import SettableClock
from tests.kit.drives import Town, a_town
from tests.kit.http import OPENAPI, Api, run_api
from tests.kit.pictures import decode, photo, picture_file
from tests.kit.rentals import RENTALS
from tests.kit.riders import RiderKit, make_rider
from tests.kit.staff import make_desk

SETTINGS = replace(RENTALS, privacy=PrivacySettings(photo_days=7), feedback=FeedbackSettings(damage_reports_a_day=3))


@asynccontextmanager
async def served(
    rt: Runtime, clock: SettableClock, folder: Path, settings: Settings = SETTINGS
) -> AsyncIterator[tuple[Town, Api]]:
    async with a_town(rt, clock, settings=settings) as town, run_api(rt, folder) as api:
        yield town, api


def files_in(folder: Path) -> int:
    return sum(path.is_file() for path in folder.rglob("*"))


async def send(town: Town, api: Api, call: str, fields: dict[str, Any], files: Any = None, rider: Any = None) -> Any:
    token = (rider or town.rider).token
    return await api.form(f"{OPENAPI}/rental/{call}", fields, files, key=town.kit.public_key, token=token)


async def damage(
    town: Town, api: Api, booking: Booking, files: Any = None, rider: RiderKit | None = None, **more: Any
) -> Any:
    fields = {"booking_id": booking.id, "category": "frame", **more}
    return await send(town, api, "report-damage", fields, files, rider)


async def damages(town: Town) -> list[dict[str, Any]]:
    async with town.rt.db.read() as tx:
        return await tx.dicts(
            """
            select d.vehicle_id, d.booking_id, d.ride_id, d.category, d.description, d.status, count(i.id) as pictures
              from damage_report d left join damage_image i on i.operator_id = d.operator_id and i.damage_id = d.id
             where d.operator_id = %s group by d.operator_id, d.id order by d.id
            """,
            (town.kit.operator.id,),
        )


async def test_damage_is_reported_before_during_and_after(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        booking = await town.book()
        told = [await damage(town, api, booking, [picture_file()], description=" A scratch ")]
        await town.pick_up(booking)
        told.append(await damage(town, api, booking))
        clock.advance(hours=1)
        await town.beat()
        await town.bring_back(booking)
        told.append(await damage(town, api, booking, category="dirty"))
        assert [answer.status_code for answer in told] == [200, 200, 200], told[0].text
        shown = told[0].json()
        assert (shown["status"], shown["booking_id"], shown["vehicle_id"]) == (
            "IN_REVIEW",
            booking.id,
            booking.vehicle_id,
        )
        assert shown["image_faults"] == [[]]
        common = {
            "vehicle_id": booking.vehicle_id,
            "booking_id": booking.id,
            "ride_id": None,
            "status": "IN_REVIEW",
        }
        assert await damages(town) == [
            {**common, "category": "frame", "description": "A scratch", "pictures": 1},
            {**common, "category": "frame", "description": "", "pictures": 0},
            {**common, "category": "dirty", "description": "", "pictures": 0},
        ]
        too_many = await damage(town, api, booking)
        assert (too_many.status_code, too_many.json()["code"]) == (429, "too_many_damage_reports")


async def test_only_on_ones_own_booking_that_came_to_something(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        booking = await town.book(in_min=600)
        other = await make_rider(rt, town.kit.operator)
        theirs = await damage(town, api, booking, [picture_file()], rider=other)
        assert (theirs.status_code, theirs.json()["code"]) == (404, "booking_not_found")
        wrong = await damage(town, api, booking, category="weather")
        assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (400, "category")
        async with rt.db.write() as tx:
            await close(tx, town.kit.operator, booking, BookingStatus.CANCELLED, "cancelled", SYSTEM, clock.now())
        late = await damage(town, api, booking, [picture_file()])
        assert (late.status_code, late.json()["code"]) == (409, "booking_status")
        assert await damages(town) == []
        assert files_in(tmp_path) == 0


class Away:
    """A store of pictures that is away."""

    async def put(self, _key: str, _content: bytes, _content_type: str) -> None:
        raise OSError("away")

    async def get(self, _key: str) -> bytes | None:
        raise OSError("away")

    async def delete(self, _key: str) -> None:
        raise OSError("away")


async def test_a_store_that_is_away_costs_the_report_and_no_pick_up(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        booking = await town.book()
        api.services.blobs = Away()
        answer = await damage(town, api, booking, [picture_file()])
        assert (answer.status_code, answer.json()["code"]) == (503, "files_unavailable")
        assert await damages(town) == []
        answer = await send(town, api, "pick-up", {"booking_id": booking.id}, [picture_file()])
        assert answer.status_code == 200, answer.text


async def test_pictures_before_and_after_until_they_are_too_old(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        desk = await make_desk(rt, api, town.kit)
        booking = await town.book()
        before = picture_file("a.jpg", photo(seed=1))
        assert (await send(town, api, "pick-up", {"booking_id": booking.id}, [before])).status_code == 200
        clock.advance(hours=1)
        await town.beat()
        # The picture of the pick-up proves nothing about the return.
        after = [before, picture_file("b.jpg", photo(seed=2))]
        answer = await send(town, api, "return-vehicle", {"booking_id": booking.id}, after)
        assert answer.status_code == 200, answer.text
        [shown] = (await desk.ok("bookings/get"))["data"]
        assert [(one["taken"], one["faults"]) for one in shown["photos"]] == [
            ("BEFORE", []),
            ("AFTER", ["duplicate"]),
            ("AFTER", []),
        ]
        url = shown["photos"][0]["url"]
        opened = await api.client.get(url)
        assert (opened.status_code, decode(opened.content).size) == (200, (640, 480))
        name = url.partition("?")[0].rpartition("/")[2]
        for wrong in ("ride", "damage"):
            refused = await api.client.get(url.replace(name, name.replace("booking", wrong)))
            assert refused.json()["code"] == "file_not_found"
        await sweep_pictures(rt, api.services.blobs)
        assert files_in(tmp_path) == 3
        clock.advance(days=7, minutes=1)
        for _twice in range(2):
            await sweep_pictures(rt, api.services.blobs)
            assert files_in(tmp_path) == 0
        [shown] = (await desk.ok("bookings/get"))["data"]
        assert shown["photos"] == []


async def test_the_same_file_of_another_booking_is_told(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        first, second = await town.book(in_min=600), await town.book(in_min=1_800)
        image = Image(b"same", "image/jpeg", digest=b"d" * 32)

        async def faults(shows: Shows) -> tuple[str, ...]:
            [kept] = await keep_images(rt, api.services.blobs, town.kit.operator.id, [image], shows)
            return kept.faults

        before = Shows(PictureOf.BOOKING, first.id, Taken.BEFORE)
        assert await faults(before) == ()
        async with rt.db.write() as tx:
            await tx.execute(
                """
                insert into booking_image (operator_id, booking_id, taken, blob_key, content_type, bytes, digest, at)
                values (%s, %s, 'BEFORE', 'bookings/k', 'image/jpeg', 4, %s, %s)
                """,
                (town.kit.operator.id, first.id, b"d" * 32, clock.now()),
            )
        assert await faults(before) == (), "the same try again"
        assert await faults(Shows(PictureOf.BOOKING, first.id, Taken.AFTER)) == ("duplicate",)
        assert await faults(Shows(PictureOf.BOOKING, second.id, Taken.BEFORE)) == ("duplicate",)
        assert await faults(Shows(PictureOf.DAMAGE, DamageId(1))) == ()


@pytest.mark.parametrize("who", ["rider", "other"])
async def test_who_is_erased_takes_pictures_and_words_along(
    rt: Runtime, clock: SettableClock, tmp_path: Path, who: str
) -> None:
    async with served(rt, clock, tmp_path) as (town, api):
        booking = await town.book()
        files = [picture_file()]
        assert (await send(town, api, "pick-up", {"booking_id": booking.id}, files)).status_code == 200
        sent = [picture_file("d.jpg", photo(seed=3))]
        assert (await damage(town, api, booking, sent, description="Call me at 0401234567")).status_code == 200
        erased = town.rider if who == "rider" else await make_rider(rt, town.kit.operator)
        for _twice in range(2):
            await JOBS["rider_erased"](api.services, operator_id=town.kit.operator.id, rider_id=erased.id)
        await sweep_pictures(rt, api.services.blobs)
        [told] = await damages(town)
        if who == "rider":
            assert (told["description"], told["pictures"], files_in(tmp_path)) == ("", 0, 0)
        else:
            assert (told["description"], told["pictures"], files_in(tmp_path)) == ("Call me at 0401234567", 1, 2)

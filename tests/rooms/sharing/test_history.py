"""A rider's rides that are over, what they say about them, and pictures behind links."""

from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from isotope.domain.evidence import Image, PictureOf, Shows, keep_images, sweep_pictures
from isotope.domain.sharing import FineRide, fine_ride
from isotope.domain.tenants.model import FeedbackSettings, PrivacySettings, Role, Settings
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SECRET_KEY
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import OperatorId, RideId
from isotope.worker.tasks import JOBS
from tests.kit.city import QUICK, City, small_city
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, SPEC
from tests.kit.pictures import decode, draw, encode, photo, picture_file
from tests.kit.riders import RiderKit


def files_in(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


async def ok(city: City, rider: RiderKit, call: str, **body: Any) -> Any:
    answer = await city.ask(rider, f"sharing/{call}", body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def ride(city: City, rider: RiderKit, clock: SettableClock, files: Any = None, minutes: int = 5) -> int:
    started = await city.start(rider)
    assert started.status_code == 200, started.text
    clock.advance(minutes=minutes)
    await city.unit.report(speed_kmh=0.0)
    ended = await city.end(rider, files=files)
    assert ended.status_code == 200, ended.text
    return int(ended.json()["active_ride_id"])


async def test_rides_by_bookmark_newest_first(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider, other = await city.rider(), await city.rider()
        made = [await ride(city, rider, clock) for _nr in range(4)]
        foreign = await ride(city, other, clock)
        seen: list[int] = []
        page = await ok(city, rider, "get-rides", page_length=2)
        seen += [one["ride_id"] for one in page["rides"]]
        # One more while somebody pages: every row still comes once.
        newest = await ride(city, rider, clock)
        page = await ok(city, rider, "get-rides", page_length=2, page_bookmark=page["bookmark_next"])
        seen += [one["ride_id"] for one in page["rides"]]
        assert seen == made[::-1]
        assert page["bookmark_next"] is None
        assert [one["ride_id"] for one in (await ok(city, rider, "get-rides"))["rides"]] == [newest, *made[::-1]]
        # Of somebody else's row no bookmark is taken.
        theirs = await ok(city, other, "get-rides", page_length=1)
        assert [one["ride_id"] for one in theirs["rides"]] == [foreign]
        await ride(city, other, clock)
        mark = (await ok(city, other, "get-rides", page_length=1))["bookmark_next"]
        answer = await city.ask(rider, "sharing/get-rides", {"bookmark": mark})
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "bookmark")


async def test_one_ride_with_its_bill_its_money_and_its_papers(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        ride_id = await ride(city, rider, clock)
        fine = FineRide(
            operator=city.kit.operator,
            role=Role.OWNER,
            ride_id=RideId(ride_id),
            amount_minor=300,
            reason="Parked on a crossing",
            actor=SECRET_KEY,
            key="k",
        )
        await fine_ride(rt, city.api.services.cards, fine)
        whole = await ok(city, rider, "get-ride", ride_id=ride_id)
        assert (whole["ride"]["ride_id"], whole["ride"]["vehicle_number"]) == (ride_id, city.fleet.nrs[0])
        assert (whole["ride_seconds"], whole["pause_seconds"], whole["outcome"]) == (300, 0, "by_rider")
        assert whole["ride"]["total"] == 2.0
        assert sum(line["amount"] for line in whole["lines"]) == 2.0
        assert [(tax["rate_pct"], tax["gross"]) for tax in whole["taxes"]] == [("25.5", 2.0)]
        assert (whole["paid"]["balance"], whole["paid"]["payment_method_id"]) == (2.0, "wallet")
        assert [(one["amount"], one["reason"]) for one in whole["fines"]] == [(3.0, "Parked on a crossing")]
        assert len(whole["receipt_ids"]) == 2
        for receipt_id in whole["receipt_ids"]:
            receipt = await city.ask(rider, "user/get-receipt", {"receipt_id": receipt_id})
            assert receipt.json()["ride_id"] in (ride_id, None)
        assert (whole["photos"], whole["feedback"], whole["review_reasons"]) == ([], None, [])


async def test_a_ride_is_its_riders_alone_and_over(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider, other = await city.rider(), await city.rider()
        ride_id = await ride(city, rider, clock)
        for call, more in (("get-ride", {}), ("rate-ride", {"rating": 5})):
            answer = await city.ask(other, f"sharing/{call}", {"ride_id": ride_id, **more})
            assert (answer.status_code, answer.json()["code"]) == (404, "ride_not_found")
        running = (await city.start(rider)).json()["active_ride_id"]
        for call, more in (("get-ride", {}), ("rate-ride", {"rating": 5})):
            answer = await city.ask(rider, f"sharing/{call}", {"ride_id": running, **more})
            assert answer.json()["code"] == "ride_not_found"


# -- The way --------------------------------------------------------------------------------------------------------


async def ride_along(city: City, rider: RiderKit, clock: SettableClock, way: list[Point]) -> int:
    """The unit reports at each place, a minute apart, and the ride ends at the last."""
    started = (await city.start(rider)).json()["active_ride_id"]
    for place in way:
        clock.advance(minutes=1)
        await city.unit.report(lat=place.lat, lon=place.lon, speed_kmh=0.0)
    ended = await city.end(rider, at=way[-1])
    assert ended.status_code == 200, ended.text
    return int(started)


EAST = [Point(HOME.lat + 0.0002 * (nr % 2), HOME.lon + 0.004 * nr) for nr in range(6)]


def exact(settings: PrivacySettings) -> Settings:
    return replace(QUICK, privacy=settings)


async def test_the_way_as_the_vehicle_told_it(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    settings = exact(PrivacySettings(route_tolerance_m=0, route_blur_m=0))
    async with small_city(rt, tmp_path, settings=settings) as city:
        rider = await city.rider()
        ride_id = await ride_along(city, rider, clock, EAST[1:])
        # After it the vehicle is somebody else's.
        clock.advance(minutes=1)
        await city.unit.report(lat=EAST[-1].lat + 0.002, lon=EAST[-1].lon)
        route = (await ok(city, rider, "get-ride", ride_id=ride_id))["route"]
        assert route["type"] == "LineString"
        told = [(round(place.lon, 6), round(place.lat, 6)) for place in EAST]
        shown = [(round(lon, 6), round(lat, 6)) for lon, lat in route["coordinates"]]
        assert [place for place, _again in groupby(shown)] == told
        assert (await ok(city, rider, "get-ride", ride_id=ride_id, route_required=False))["route"] is None


async def test_the_way_as_the_operator_shows_it(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    settings = exact(PrivacySettings(route_tolerance_m=50, route_blur_m=100, route_hide_m=300, route_days=7))
    async with small_city(rt, tmp_path, settings=settings) as city:
        rider = await city.rider()
        ride_id = await ride_along(city, rider, clock, EAST[1:])
        shown = [
            Point(lat, lon) for lon, lat in (await ok(city, rider, "get-ride", ride_id=ride_id))["route"]["coordinates"]
        ]
        # The wobble of 22 m is gone, and so are both ends.
        assert len(shown) == 2
        assert distance_m(shown[0], EAST[2]) < 80
        assert distance_m(shown[1], EAST[3]) < 80
        clock.advance(days=7)
        assert (await ok(city, rider, "get-ride", ride_id=ride_id))["route"] is None


# -- Ratings --------------------------------------------------------------------------------------------------------


async def test_a_ride_is_rated_once(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        ride_id = await ride(city, rider, clock)
        said = {"rating": 2, "reasons": ["brakes", "brakes"], "comment": " <b>No brake</b>\nat all "}
        rated = await ok(city, rider, "rate-ride", ride_id=ride_id, **said)
        feedback = {
            "rating": 2,
            "reasons": ["brakes"],
            "comment": "<b>No brake</b>\nat all",
            "at": int(clock.now().timestamp()),
        }
        assert (rated["status"], rated["feedback"]) == (1, feedback)
        whole = await ok(city, rider, "get-ride", ride_id=ride_id)
        assert (whole["feedback"], whole["ride"]["rating"]) == (feedback, 2)
        again = await city.ask(rider, "sharing/rate-ride", {"ride_id": ride_id, "rating": 5})
        assert (again.status_code, again.json()["code"]) == (409, "ride_rated_already")
        assert (await ok(city, rider, "get-ride", ride_id=ride_id))["feedback"] == feedback


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("rating", {"rating": 0}),
        ("rating", {"rating": 6}),
        ("reasons.1", {"rating": 1, "reasons": ["brakes", "weather"]}),
        ("comment", {"rating": 1, "comment": "x" * 1_001}),
        ("comment", {"rating": 1, "comment": "a\x1b[31mred"}),
        ("comment", {"rating": 1, "comment": "a\u0085b"}),
    ],
)
async def test_what_no_rating_is(
    rt: Runtime, clock: SettableClock, tmp_path: Path, field: str, said: dict[str, Any]
) -> None:
    async with small_city(rt, tmp_path, connected=False) as city:
        rider = await city.rider()
        answer = await city.ask(rider, "sharing/rate-ride", {"ride_id": 1, **said})
        assert (answer.status_code, [fault["field"] for fault in answer.json()["errors"]]) == (400, [field])


# -- Pictures -------------------------------------------------------------------------------------------------------


async def test_pictures_of_a_ride_are_shown_by_signed_links(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        files = [picture_file("a.png", photo("PNG")), picture_file("b.jpg", encode(draw(100, 100, seed=2)))]
        ride_id = await ride(city, rider, clock, files)
        photos = (await ok(city, rider, "get-ride", ride_id=ride_id))["photos"]
        assert [one["faults"] for one in photos] == [[], ["too_small"]]
        # Nothing but the link is shown to anybody.
        shown = await city.api.client.get(photos[0]["url"])
        assert shown.status_code == 200
        assert shown.headers["content-type"] == "image/jpeg"
        assert shown.headers["cache-control"].startswith("private, max-age=")
        assert shown.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in shown.headers["content-security-policy"]
        assert decode(shown.content).size == (640, 480)
        assert (await city.api.client.head(photos[0]["url"])).content == b""
        clock.advance(hours=2)
        ended = await city.api.client.get(photos[0]["url"])
        assert (ended.status_code, ended.json()["code"]) == (403, "link_ended")
        fresh = (await ok(city, rider, "get-ride", ride_id=ride_id))["photos"][0]["url"]
        assert (await city.api.client.get(fresh)).status_code == 200


async def test_a_link_opens_nothing_else(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        urls = []
        for seed in (1, 2):
            rider = await city.rider()
            files = [picture_file("a.jpg", photo(seed=seed)), picture_file("b.jpg", photo(seed=10 + seed))]
            ride_id = await ride(city, rider, clock, files)
            urls += [shown["url"] for shown in (await ok(city, rider, "get-ride", ride_id=ride_id))["photos"]]
        assert len(set(urls)) == 4
        for url in urls:
            address, _, query = url.partition("?")
            name = address.rpartition("/")[2]
            others = [f"{o.partition('?')[0]}?{query}" for o in urls if o != url]
            bad = [
                *others,
                address,
                f"{address}?",
                f"{url}&expires=9",
                f"{address}?{query.replace('expires=1', 'expires=2')}",
                f"{url[:-1]}{'A' if url[-1] != 'A' else 'B'}",
                f"{url}A",
                f"{address}/x?{query}",
                f"{address.replace(name, '')}?{query}",
                f"{address.replace('ride', 'damage')}?{query}",
                f"{address.replace(name, '1' + name)}?{query}",
            ]
            for wrong in bad:
                answer = await city.api.client.get(wrong)
                assert (answer.status_code, answer.json()["code"]) == (404, "file_not_found"), wrong
            assert (await city.api.client.get(url)).status_code == 200


async def test_the_same_picture_twice_is_kept_once_and_of_another_ride_is_told(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        same = picture_file("a.jpg")
        first = await ride(city, rider, clock, [same, same])
        assert [one["faults"] for one in (await ok(city, rider, "get-ride", ride_id=first))["photos"]] == [[]]
        second = await ride(city, rider, clock, [same, picture_file("b.jpg", photo(seed=2))])
        photos = (await ok(city, rider, "get-ride", ride_id=second))["photos"]
        assert [one["faults"] for one in photos] == [["duplicate"], []]
        async with rt.db.read() as tx:
            assert (
                await tx.scalar("select count(*) from blob_pending where operator_id = %s", (city.kit.operator.id,))
                == 0
            )
        assert len(files_in(tmp_path)) == 3


async def test_what_is_no_picture_is_named_and_nothing_is_done(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        await city.start(rider)
        files = [
            picture_file("a.jpg"),
            picture_file("cut.jpg", photo()[:2_000]),
            picture_file("phone.heic", b"\x00\x00\x00\x18ftypheic" + bytes(100)),
        ]
        answer = await city.end(rider, files=files)
        assert answer.status_code == 400
        [fault] = answer.json()["errors"]
        assert fault["field"] == "images.2"
        assert "JPEG, PNG or WebP" in fault["error_info"]
        assert '"phone.heic"' in fault["error_info"]
        answer = await city.end(rider, files=files[:2])
        [fault] = answer.json()["errors"]
        assert (answer.status_code, fault["field"]) == (400, "images.1")
        assert '"cut.jpg" cannot be decoded' in fault["error_info"]
        assert files_in(tmp_path) == []
        assert (await city.end(rider)).status_code == 200


class Away:
    """A store of pictures that is away."""

    async def put(self, _key: str, _content: bytes, _content_type: str) -> None:
        raise OSError("away")

    async def get(self, _key: str) -> bytes | None:
        raise OSError("away")

    async def delete(self, _key: str) -> None:
        raise OSError("away")


async def test_a_ride_ends_while_the_store_of_pictures_is_away(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        kept = (await ok(city, rider, "get-ride", ride_id=await ride(city, rider, clock, [picture_file()])))["photos"]
        city.api.services.blobs = Away()
        ride_id = await ride(city, rider, clock, [picture_file("b.jpg", photo(seed=2))])
        assert (await ok(city, rider, "get-ride", ride_id=ride_id))["photos"] == []
        shown = await city.api.client.get(kept[0]["url"])
        assert (shown.status_code, shown.json()["code"]) == (503, "files_unavailable")
        report = {"vehicle_number": city.fleet.nrs[0], "category": "brakes"}
        answer = await damage(city, rider, report, [picture_file("c.jpg", photo(seed=3))])
        assert (answer.status_code, answer.json()["code"]) == (503, "files_unavailable")
        assert await damages(rt, city.kit.operator.id) == []


# -- Damage ---------------------------------------------------------------------------------------------------------


async def damage(city: City, rider: RiderKit, fields: dict[str, Any], files: Any = None) -> Any:
    return await city.api.form(
        "/openapi/v1.0/sharing/report-damage", fields, files, key=city.kit.public_key, token=rider.token
    )


async def damages(rt: Runtime, operator_id: OperatorId) -> list[dict[str, Any]]:
    async with rt.db.read() as tx:
        return await tx.dicts(
            """
            select d.vehicle_id, d.ride_id, d.category, d.description, d.status, count(i.id) as pictures
              from damage_report d left join damage_image i on i.operator_id = d.operator_id and i.damage_id = d.id
             where d.operator_id = %s group by d.operator_id, d.id order by d.id
            """,
            (operator_id,),
        )


async def test_damage_with_pictures_on_a_ride_and_beside_one(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        rider = await city.rider()
        ride_id = await ride(city, rider, clock)
        files = [picture_file("a.jpg"), picture_file("dark.jpg", encode(draw(light=24)))]
        on_ride = await damage(city, rider, {"ride_id": ride_id, "category": "brakes", "description": "Squeaks"}, files)
        assert on_ride.status_code == 200, on_ride.text
        told = on_ride.json()
        assert (told["status"], told["vehicle_id"], told["ride_id"]) == (
            "IN_REVIEW",
            city.fleet.vehicle_ids[0],
            ride_id,
        )
        assert told["image_faults"] == [[], ["too_dark"]]
        beside = await damage(city, rider, {"vehicle_number": city.fleet.nrs[1], "category": "tyres"})
        assert beside.status_code == 200
        common = {"status": "IN_REVIEW"}
        assert await damages(rt, city.kit.operator.id) == [
            {
                **common,
                "vehicle_id": city.fleet.vehicle_ids[0],
                "ride_id": ride_id,
                "category": "brakes",
                "description": "Squeaks",
                "pictures": 2,
            },
            {
                **common,
                "vehicle_id": city.fleet.vehicle_ids[1],
                "ride_id": None,
                "category": "tyres",
                "description": "",
                "pictures": 0,
            },
        ]


async def test_what_is_named_must_fit(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2) as city:
        rider, other = await city.rider(), await city.rider()
        ride_id = await ride(city, rider, clock)
        for who, fields, code in (
            (other, {"ride_id": ride_id}, "ride_not_found"),
            (rider, {"ride_id": ride_id, "vehicle_id": city.fleet.vehicle_ids[1]}, "ride_not_found"),
            (rider, {"ride_id": ride_id, "vehicle_number": city.fleet.nrs[1]}, "vehicle_not_found"),
            (rider, {"vehicle_number": "nobody's"}, "vehicle_not_found"),
        ):
            answer = await damage(city, who, {"category": "brakes", **fields}, [picture_file()])
            assert (answer.status_code, answer.json()["code"]) == (404, code), fields
        answer = await damage(city, rider, {"category": "weather"})
        told = {fault["field"] for fault in answer.json()["errors"]}
        assert (answer.status_code, told) == (400, {"category", "ride_id", "vehicle_id", "vehicle_number"})
        assert await damages(rt, city.kit.operator.id) == []
        assert files_in(tmp_path) == []


async def types_with_reports(city: City, rider: RiderKit) -> list[str]:
    place = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 2}
    found: list[str] = (await ok(city, rider, "get-vehicles", **place))["available_damage_report_vehicle_types"]
    return found


async def test_only_where_the_model_takes_it_and_not_without_end(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    settings = replace(QUICK, feedback=FeedbackSettings(damage_reports_a_day=2))
    async with small_city(rt, tmp_path, settings=settings, connected=False) as city:
        rider = await city.rider()
        report = {"vehicle_id": city.fleet.vehicle_id, "category": "brakes"}
        for _nr in range(2):
            assert (await damage(city, rider, report)).status_code == 200
        answer = await damage(city, rider, report, [picture_file()])
        assert (answer.status_code, answer.json()["code"]) == (429, "too_many_damage_reports")
        clock.advance(days=1, seconds=1)
        assert (await damage(city, rider, report)).status_code == 200
        assert await types_with_reports(city, rider) == ["SCOOTER"]
    async with small_city(rt, tmp_path, connected=False, spec=replace(SPEC, damage_reports=False)) as city:
        rider = await city.rider()
        answer = await damage(city, rider, {"vehicle_id": city.fleet.vehicle_id, "category": "brakes"})
        assert (answer.status_code, answer.json()["code"]) == (409, "damage_not_taken")
        assert await types_with_reports(city, rider) == []


# -- Forgetting -----------------------------------------------------------------------------------------------------


async def pending(rt: Runtime, operator_id: OperatorId) -> int:
    async with rt.db.read() as tx:
        return int(await tx.scalar("select count(*) from blob_pending where operator_id = %s", (operator_id,)))


async def test_pictures_are_forgotten_after_the_operators_days(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path, settings=exact(PrivacySettings(photo_days=7))) as city:
        rider = await city.rider()
        blobs = city.api.services.blobs
        old = await ride(city, rider, clock, [picture_file()])
        fields = {"ride_id": old, "category": "brakes"}
        assert (await damage(city, rider, fields, [picture_file("d.jpg", photo(seed=3))])).status_code == 200
        clock.advance(days=6)
        await city.unit.report()
        young = await ride(city, rider, clock, [picture_file("b.jpg", photo(seed=2))])
        await sweep_pictures(rt, blobs)
        assert len(files_in(tmp_path)) == 3
        [link] = [one["url"] for one in (await ok(city, rider, "get-ride", ride_id=old))["photos"]]
        clock.advance(days=1)
        # The store is away: the links end all the same, and the pictures go when it is back.
        await sweep_pictures(rt, Away())
        assert (await ok(city, rider, "get-ride", ride_id=old))["photos"] == []
        assert len(files_in(tmp_path)) == 3
        assert await pending(rt, city.kit.operator.id) == 2
        for _again in range(2):
            await sweep_pictures(rt, blobs)
            assert len(files_in(tmp_path)) == 1
            assert await pending(rt, city.kit.operator.id) == 0
        assert (await city.api.client.get(link)).status_code in (403, 404)
        [kept] = (await ok(city, rider, "get-ride", ride_id=young))["photos"]
        assert (await city.api.client.get(kept["url"])).status_code == 200


async def test_what_a_process_that_died_left_is_found(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        blobs = city.api.services.blobs
        used = await ride(city, rider, clock, [picture_file()])
        # Killed after it stored a picture, before it knew what for; and one killed right after its ride was ended.
        [lost] = await keep_images(rt, blobs, city.kit.operator.id, [Image(b"1", "image/jpeg")], Shows(PictureOf.RIDE))
        async with rt.db.write() as tx:
            await tx.execute(
                """
                insert into blob_pending (operator_id, blob_key, at)
                select operator_id, blob_key, at from ride_image where operator_id = %s
                """,
                (city.kit.operator.id,),
            )
        clock.advance(minutes=59)
        await sweep_pictures(rt, blobs)
        assert len(files_in(tmp_path)) == 2, "a request may still be at work"
        clock.advance(minutes=2)
        await sweep_pictures(rt, blobs)
        assert await blobs.get(lost.key) is None
        assert await pending(rt, city.kit.operator.id) == 0
        [kept] = (await ok(city, rider, "get-ride", ride_id=used))["photos"]
        assert (await city.api.client.get(kept["url"])).status_code == 200


async def test_a_rider_who_is_erased_takes_words_and_pictures_along(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    async with small_city(rt, tmp_path) as city:
        rider, other = await city.rider(), await city.rider()
        for seed, one in enumerate((rider, other)):
            ride_id = await ride(city, one, clock, [picture_file("a.jpg", photo(seed=10 + seed))])
            await ok(
                city, one, "rate-ride", ride_id=ride_id, rating=1, reasons=["price"], comment="I live at 5 High St"
            )
            fields = {"ride_id": ride_id, "category": "brakes", "description": "Call me at 0401234567"}
            await damage(city, one, fields, [picture_file("d.jpg", photo(seed=20 + seed))])
        first = (await ok(city, rider, "get-rides"))["rides"][0]["ride_id"]
        [link] = [one["url"] for one in (await ok(city, rider, "get-ride", ride_id=first))["photos"]]
        for _twice in range(2):
            await JOBS["rider_erased"](city.api.services, operator_id=city.kit.operator.id, rider_id=rider.id)
        assert (await city.api.client.get(link)).json()["code"] == "file_not_found"
        await sweep_pictures(rt, city.api.services.blobs)
        assert len(files_in(tmp_path)) == 2
        async with rt.db.read() as tx:
            ratings = await tx.tuples(
                "select rating, reasons, comment from ride_rating where operator_id = %s order by ride_id",
                (city.kit.operator.id,),
            )
        assert ratings == [(1, ["price"], ""), (1, ["price"], "I live at 5 High St")]
        told = await damages(rt, city.kit.operator.id)
        assert [(one["description"], one["pictures"]) for one in told] == [("", 0), ("Call me at 0401234567", 1)]

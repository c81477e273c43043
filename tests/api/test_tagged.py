"""Answers with an ETag: what is not sent again, what is compressed."""

import gzip
import json
from pathlib import Path
from typing import Any

import httpx2
import pytest

from isotope.api.tagged import Tagged, has_tag, takes_gzip
from isotope.domain.fleet import live_map as live_map_module
from isotope.domain.zones.model import ZoneType
from isotope.domain.zones.store import ZONES_CHANGED
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.city import City, small_city
from tests.kit.fleet import HOME, make_zones, tell_state, zone_draft
from tests.kit.waiting import until


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("", False),
        ("gzip", True),
        ("GZIP", True),
        ("gzip, deflate, br", True),
        ("br, *", True),
        ("x-gzip", True),
        ("br", False),
        ("gzip;q=0", False),
        ("gzip; q=0.0, *", False),
        ("*;q=0", False),
        ("gzip;q=0.5", True),
        ("gzip;q=0.5, identity", False),
        ("identity;q=0.5, gzip;q=0.5", True),
        ("gzip;q=0.1, identity;q=0", True),
        ("gzip;q=much", False),
        ("gzip;q=nan", False),
    ],
)
def test_weights_of_encodings(header: str, taken: bool) -> None:
    assert takes_gzip(header) is taken


@pytest.mark.parametrize(
    ("header", "known"),
    [
        ('"abc"', True),
        ('W/"abc"', True),
        ('"abc-gzip"', True),
        ('"x", "abc"', True),
        ("*", True),
        ('"x"', False),
        ('"abcd"', False),
        ("abc", False),
        ('"', False),
        ("", False),
    ],
)
def test_tags_that_are_known(header: str, known: bool) -> None:
    assert has_tag(header, "abc") is known


def test_nothing_is_made_for_who_has_it_already() -> None:
    def never() -> bytes:
        raise AssertionError("made for nobody")

    status, body, headers = Tagged("abc", never, never).answer('"abc"', "gzip")
    assert (status, body, dict(headers)[b"etag"]) == (304, b"", b'"abc-gzip"')


async def ask_zones(city: City, body: dict[str, Any] | None = None, **headers: str) -> httpx2.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return await city.api.post(
        "/openapi/v1.0/sharing/get-zones", body or {}, key=city.kit.public_key, **{"Accept-Encoding": "", **sent}
    )


async def test_zones_have_a_tag_for_each_filter_and_version(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        drafts = [
            zone_draft(ZoneType.PARKING_ZONE, title="all"),
            zone_draft(ZoneType.NO_PARKING_ZONE, title="cars", vehicle_types=(VehicleType.CAR,)),
        ]
        await make_zones(rt, city.kit.operator, *drafts)
        plain = await ask_zones(city)
        assert plain.status_code == 200
        assert plain.headers["vary"] == "accept-encoding"
        assert plain.headers["cache-control"] == "private, no-cache"
        assert "content-encoding" not in plain.headers
        tag = plain.headers["etag"]
        assert (await ask_zones(city)).headers["etag"] == tag

        again = await ask_zones(city, If_None_Match=tag)
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
        assert "content-type" not in again.headers

        bikes = await ask_zones(city, {"vehicle_types": ["BIKE"]}, If_None_Match=tag)
        assert bikes.status_code == 200
        assert [zone["zone_title"] for zone in bikes.json()] == ["all"]
        assert bikes.headers["etag"] != tag

        async with rt.hub.expect(ZONES_CHANGED, str(city.kit.operator.id)) as told:
            await make_zones(rt, city.kit.operator, drafts[0])
            assert await told(10.0)
        changed = await ask_zones(city, If_None_Match=tag)
        assert changed.status_code == 200
        assert changed.headers["etag"] == bikes.headers["etag"], "the same zones, so the same tag"


async def test_compressed_zones_are_the_same_zones(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        await make_zones(rt, city.kit.operator, zone_draft(ZoneType.PARKING_ZONE, title="all"))
        plain = await ask_zones(city)
        # The client unpacks what it is told is packed: look at what came over the wire.
        request = city.api.client.build_request(
            "POST",
            "/openapi/v1.0/sharing/get-zones",
            json={},
            headers={"App-Public-Key": city.kit.public_key, "Accept-Encoding": "gzip"},
        )
        packed = await city.api.client.send(request, stream=True)
        raw = b"".join([part async for part in packed.aiter_raw()])
        assert packed.headers["content-encoding"] == "gzip"
        assert int(packed.headers["content-length"]) == len(raw)
        assert gzip.decompress(raw) == plain.content
        assert json.loads(plain.content)[0]["zone_title"] == "all"
        # Strong tags: other bytes, another tag. Either is enough to know that nothing has changed.
        assert packed.headers["etag"] != plain.headers["etag"]
        for tag in (packed.headers["etag"], plain.headers["etag"], f"W/{plain.headers['etag']}", "*"):
            assert (await ask_zones(city, If_None_Match=tag)).status_code == 304


AROUND = {"user_latitude": HOME.lat, "user_longitude": HOME.lon, "radius_in_km": 5}


async def test_vehicles_have_the_same_tag_until_one_of_them_changes(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=3) as city:
        rider = await city.rider()

        async def ask(**headers: str) -> httpx2.Response:
            path = "/openapi/v1.0/sharing/get-vehicles"
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            return await city.api.post(path, AROUND, key=city.kit.public_key, token=rider.token, **sent)

        first = await ask()
        assert len(first.json()["vehicles"]) == 3
        assert first.headers["cache-control"] == "no-store"
        tag = first.headers["etag"]
        same = await ask(If_None_Match=tag)
        assert (same.status_code, same.content) == (304, b"")

        moved = Point(HOME.lat + 0.001, HOME.lon)
        await tell_state(rt, city.kit.operator.id, city.fleet.device_ids[2], at=moved)
        live_map = city.api.services.live_map
        await until(
            lambda: getattr(live_map.get(city.kit.operator.id, city.fleet.vehicle_ids[2]), "lat", 0) == moved.lat
        )
        changed = await ask(If_None_Match=tag)
        assert changed.status_code == 200
        assert changed.headers["etag"] != tag

        # What is the rider's alone counts too: the vehicles around are the same as before.
        assert (await city.start(rider)).status_code == 200
        riding = await ask(If_None_Match=changed.headers["etag"])
        assert riding.status_code == 200
        assert riding.json()["active_vehicle_ids"] == [city.fleet.vehicle_id]


async def test_clusters_stand_for_the_vehicles_that_are_hidden(
    rt: Runtime, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with small_city(rt, tmp_path, vehicles=5) as city:
        rider = await city.rider()
        assert (await city.ask(rider, "sharing/get-vehicles", AROUND)).json()["clusters"] == []
        monkeypatch.setattr(live_map_module, "MAX_SHOWN", 2)
        shown = (await city.ask(rider, "sharing/get-vehicles", AROUND)).json()
        assert (len(shown["vehicles"]), shown["hidden_vehicles"]) == (2, 3)
        assert sum(cluster["count"] for cluster in shown["clusters"]) == 3
        [cluster] = shown["clusters"]
        assert cluster["types"] == [{"type": "SCOOTER", "count": 3}]
        assert cluster["coordinates"] == {"latitude": HOME.lat, "longitude": HOME.lon}

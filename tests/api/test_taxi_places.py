"""Places over HTTP: what is suggested can be brought to, what is forged cannot."""

from pathlib import Path

import pytest

from isotope.domain.maps import ImportPlaces, PlacesUnavailable, import_places, open_place
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.domain.maps.ports import Maps
from isotope.infra.runtime import Runtime
from isotope.infra.signed import BadToken, TokenEnded
from tests.kit.clock import SettableClock
from tests.kit.http import OPENAPI, run_api
from tests.kit.tenants import OperatorKit, make_operator

SUGGEST, PLACE = f"{OPENAPI}/taxi/get-suggestions", f"{OPENAPI}/taxi/get-place"
TORI = KnownPlace(
    ref="p1",
    kind=PlaceKind.POI,
    lat=60.1675,
    lon=24.9527,
    titles={"": "Kauppatori", "sv": "Salutorget"},
    subtitles={"": "00170 Helsinki"},
    folded="|kauppatori|salutorget|",
)


async def a_town(rt: Runtime) -> OperatorKit:
    kit = await make_operator(rt)
    await import_places(rt, ImportPlaces(operator=kit.operator, source="town", attribution="x", places=[TORI]))
    return kit


async def test_a_suggestion_holds_its_place(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    kit, other = await a_town(rt), await make_operator(rt)
    async with run_api(rt, tmp_path) as api:
        answer = await api.post(
            SUGGEST, {"address": "kaupatori"}, key=kit.public_key, **{"Accept-Language": "sv-FI, sv;q=0.9"}
        )
        assert answer.status_code == 200, answer.text
        [item] = answer.json()["items"]
        token = item.pop("token")
        assert item == {
            "title": "Salutorget",
            "subtitle": "00170 Helsinki",
            "type": "POI",
            "coordinates": {"latitude": 60.1675, "longitude": 24.9527},
        }
        key = await api.services.operators.get_token_key(kit.operator)
        other_key = await api.services.operators.get_token_key(other.operator)
        assert open_place(key, kit.operator, token, clock.now()).title == "Salutorget"
        with pytest.raises(BadToken):
            open_place(other_key, other.operator, token, clock.now())
        with pytest.raises(BadToken):
            open_place(key, kit.operator, token[:-4] + "AAAA", clock.now())
        clock.advance(seconds=kit.operator.settings.taxi.place_s)
        with pytest.raises(TokenEnded):
            open_place(key, kit.operator, token, clock.now())
        assert (await api.post(SUGGEST, {"address": "kauppatori"}, key=other.public_key)).json() == {"items": []}


async def test_half_a_point_is_refused(rt: Runtime, tmp_path: Path) -> None:
    kit = await a_town(rt)
    async with run_api(rt, tmp_path) as api:
        answer = await api.post(SUGGEST, {"address": "tori", "latitude": 60.1}, key=kit.public_key)
        assert answer.status_code == 400
        assert answer.json()["errors"][0]["field"] == "longitude"


async def test_a_point_keeps_its_spot(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    kit = await a_town(rt)
    async with run_api(rt, tmp_path) as api:
        key = await api.services.operators.get_token_key(kit.operator)
        for lat, title in ((60.1677, "Kauppatori"), (61.5, "61.50000, 24.95270")):
            answer = await api.post(PLACE, {"latitude": lat, "longitude": 24.9527}, key=kit.public_key)
            assert answer.status_code == 200, answer.text
            assert answer.json()["title"] == title
            place = open_place(key, kit.operator, answer.json()["token"], clock.now())
            assert (place.lat, place.lon, place.title) == (lat, 24.9527, title)


async def test_a_service_that_does_not_answer_is_said(rt: Runtime, tmp_path: Path) -> None:
    kit = await make_operator(rt)

    class Away:
        async def suggest(self, *_asked: object) -> list[object]:
            raise PlacesUnavailable

        async def find_place(self, *_asked: object) -> None:
            raise PlacesUnavailable

    async with run_api(rt, tmp_path) as api:
        api.services.maps = Maps(roads=api.services.maps.roads, finder=Away())  # type: ignore[arg-type]
        for path, body in ((SUGGEST, {"address": "x"}), (PLACE, {"latitude": 1, "longitude": 1})):
            answer = await api.post(path, body, key=kit.public_key)
            assert (answer.status_code, answer.json()["code"]) == (503, "places_unavailable")

"""Suggestions from the real extract of Helsinki's centre."""

from collections.abc import Sequence

import pytest

from isotope.domain.maps import ImportPlaces, OwnPlaces, import_places
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point, distance_m
from tests.kit.maps import helsinki_places
from tests.kit.tenants import make_operator

STATION = Point(60.1712, 24.9412)


async def fill(
    rt: Runtime, operator: Operator, places: Sequence[KnownPlace], source: str = "helsinki"
) -> tuple[int, int, int]:
    done = await import_places(rt, ImportPlaces(operator=operator, source=source, attribution="x", places=places))
    return done.new, done.again, done.gone


async def in_helsinki(rt: Runtime) -> Operator:
    operator = (await make_operator(rt)).operator
    await fill(rt, operator, helsinki_places("en").places)
    return operator


async def titles(
    rt: Runtime, operator: Operator, text: str, *languages: str, near: Point | None = None, limit: int = 5
) -> list[str]:
    return [place.title for place in await OwnPlaces(rt).suggest(operator, text, near, languages, limit)]


async def test_the_first_is_what_was_meant(rt: Runtime) -> None:
    operator = await in_helsinki(rt)
    meant = {
        "Mannerheimintie 12": "Mannerheimintie 12",
        "mannerheimintie 12 b": "Mannerheimintie 12 B",
        "manerheimintie 5": "Mannerheimintie 5",
        "MANNERHEIMVAGEN": "Mannerheimintie",
        "brunnsgatan 1": "Kaivokatu 1",
        "kaivokatu 1, 00100 helsinki": "Kaivokatu 1",
        "aleksantrinkatu": "Aleksanterinkatu",
        "stockman": "Stockmann Helsinki",
        "ateneum": "Ateneum",
        "helsingin rautatieasma": "Helsingin rautatieasema",
    }
    found = {text: (await titles(rt, operator, text, "fi"))[0] for text in meant}
    assert found == meant


async def test_in_the_reader_s_language(rt: Runtime) -> None:
    operator = await in_helsinki(rt)
    assert (await titles(rt, operator, "kaivokatu 1", "sv", "fi"))[0] == "Brunnsgatan 1"
    assert (await titles(rt, operator, "kaivokatu 1", "de"))[0] == "Kaivokatu 1"
    [place] = await OwnPlaces(rt).suggest(operator, "kaivokatu 1", None, ("sv",), 1)
    assert (place.kind, place.subtitle) == (PlaceKind.ADDRESS, "00101 Helsingfors")


@pytest.mark.parametrize("text", ["", " ", "!?", "%", "_", "|", "qqqqzzzz"])
async def test_nothing_is_like_it(rt: Runtime, text: str) -> None:
    assert await titles(rt, await in_helsinki(rt), text) == []


async def test_few_letters_find_what_begins_with_them(rt: Runtime) -> None:
    operator = await in_helsinki(rt)
    assert "Ateneum" in await titles(rt, operator, "ate", "fi")
    assert len(await titles(rt, operator, "a", limit=10)) == 10


async def test_the_nearest_of_equals_first(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    shops = [poi(f"p{nr}", "Alepa", Point(60.1 + nr / 100, 24.9), f"{nr}") for nr in range(8)]
    await fill(rt, operator, shops)
    near = await OwnPlaces(rt).suggest(operator, "alepa", Point(60.131, 24.9), (), 3)
    assert [place.subtitle for place in near] == ["3", "4", "2"]
    assert (await OwnPlaces(rt).suggest(operator, "alepa", None, (), 1))[0].subtitle in {"3", "4"}


async def test_a_street_without_the_number_is_the_street(rt: Runtime) -> None:
    operator = await in_helsinki(rt)
    assert (await titles(rt, operator, "Kaivokatu 77"))[0] == "Kaivokatu"


async def test_only_the_operator_s_own(rt: Runtime) -> None:
    await in_helsinki(rt)
    other = (await make_operator(rt)).operator
    assert await titles(rt, other, "kaivokatu") == []
    assert await OwnPlaces(rt).find_place(other, STATION, ()) is None


async def test_a_point_is_called_by_the_nearest_address(rt: Runtime) -> None:
    operator = await in_helsinki(rt)
    place = await OwnPlaces(rt).find_place(operator, Point(60.1699, 24.9384), ("fi",))
    assert place is not None
    assert place.kind is PlaceKind.ADDRESS
    assert distance_m(place.point, Point(60.1699, 24.9384)) < 60
    assert await OwnPlaces(rt).find_place(operator, Point(61.0, 24.0), ()) is None


async def test_again_is_an_update(rt: Runtime) -> None:
    operator = (await make_operator(rt)).operator
    before = [poi("p1", "Kauppatori", STATION), poi("p2", "Vanha kirkko", STATION)]
    assert await fill(rt, operator, before) == (2, 0, 0)
    assert await fill(rt, operator, before) == (0, 2, 0)
    after = [poi("p1", "Uusi tori", STATION), poi("p3", "Teatteri", STATION)]
    assert await fill(rt, operator, after) == (1, 1, 1)
    assert await titles(rt, operator, "kauppatori") == []
    assert await titles(rt, operator, "vanha kirkko") == []
    assert await titles(rt, operator, "uusi tori") == ["Uusi tori"]
    # Another file's places stay.
    assert await fill(rt, operator, [poi("p1", "Satama", STATION)], "harbour") == (1, 0, 0)
    assert await fill(rt, operator, [], "helsinki") == (0, 0, 2)
    assert await titles(rt, operator, "satama") == ["Satama"]


def poi(ref: str, name: str, at: Point, subtitle: str = "") -> KnownPlace:
    return KnownPlace(
        ref=ref,
        kind=PlaceKind.POI,
        lat=at.lat,
        lon=at.lon,
        titles={"": name},
        subtitles={"": subtitle},
        folded=f"|{name.lower()}|",
    )

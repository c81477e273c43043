"""Places of Photon and Nominatim, as their servers answer."""

from typing import Any

import pytest

from isotope.adapters.maps.nominatim import NominatimPlaces
from isotope.adapters.maps.photon import PhotonPlaces
from isotope.domain.maps import PlacesUnavailable
from isotope.domain.maps.model import Place, PlaceKind
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point
from tests.adapters.test_roads import answering
from tests.kit.tenants import make_operator

AT = Point(60.1685, 24.9420)


def photon(lat: float = 60.1685, **properties: str) -> dict[str, Any]:
    geometry = {"type": "Point", "coordinates": [24.942, lat]}
    return {"type": "Feature", "geometry": geometry, "properties": properties}


PHOTON = {
    "type": "FeatureCollection",
    "features": [
        photon(
            name="Stockmann",
            street="Aleksanterinkatu",
            housenumber="52",
            postcode="00100",
            city="Helsinki",
            osm_key="shop",
        ),
        photon(street="Aleksanterinkatu", housenumber="52", city="Helsinki", osm_key="building"),
        photon(name="Aleksanterinkatu", city="Helsinki", osm_key="highway"),
        photon(country="Finland"),
        photon(lat=95.0, name="Nowhere"),
    ],
}
NOMINATIM = {
    "lat": "60.1685",
    "lon": "24.942",
    "name": "Stockmann",
    "category": "shop",
    "address": {"house_number": "52", "road": "Aleksanterinkatu", "postcode": "00100", "city": "Helsinki"},
}
STOCKMANN = Place(
    lat=60.1685, lon=24.942, title="Stockmann", subtitle="Aleksanterinkatu 52, 00100 Helsinki", kind=PlaceKind.POI
)


async def test_photon(rt: Runtime) -> None:
    operator, seen = (await make_operator(rt)).operator, list[str]()
    with answering(200, PHOTON, seen) as url:
        found = await PhotonPlaces(url).suggest(operator, "stock & co", AT, ("fi", "en"), 7)
        assert await PhotonPlaces(url).find_place(operator, AT, ("de",)) == STOCKMANN
        assert await PhotonPlaces(url).find_place(operator, Point(61, 25), ()) is None
        assert await PhotonPlaces(url).suggest(operator, " ", None, (), 7) == []
    assert found[0] == STOCKMANN
    assert [(place.title, place.kind) for place in found[1:]] == [
        ("Aleksanterinkatu 52", PlaceKind.ADDRESS),
        ("Aleksanterinkatu", PlaceKind.STREET),
    ]
    assert len(seen) == 3
    assert all(part in seen[0] for part in ("/api?", "limit=7", "lat=60.168500", "lon=24.942000"))
    assert "lang=" not in seen[0]
    assert "lang=de" in seen[1]


async def test_nominatim(rt: Runtime) -> None:
    operator, seen = (await make_operator(rt)).operator, list[str]()
    house = {**NOMINATIM, "name": "", "category": "building"}
    with answering(200, [NOMINATIM, house, {"error": "x"}], seen) as url:
        found = await NominatimPlaces(url).suggest(operator, "stockmann", AT, ("fi",), 5)
    assert found[0] == STOCKMANN
    assert [(place.title, place.subtitle, place.kind) for place in found[1:]] == [
        ("Aleksanterinkatu 52", "00100 Helsinki", PlaceKind.ADDRESS)
    ]
    assert "viewbox=24.6420" in seen[0]
    with answering(200, NOMINATIM) as url:
        assert await NominatimPlaces(url).find_place(operator, AT, ()) == STOCKMANN
        assert await NominatimPlaces(url).find_place(operator, Point(61, 25), ()) is None
    with answering(200, {"error": "Unable to geocode"}) as url:
        assert await NominatimPlaces(url).find_place(operator, AT, ()) is None


@pytest.mark.parametrize("finder", [PhotonPlaces, NominatimPlaces])
async def test_no_usable_answer(rt: Runtime, finder: type[PhotonPlaces] | type[NominatimPlaces]) -> None:
    operator = (await make_operator(rt)).operator
    for status, body in ((500, {}), (200, b"<html>"), (200, b"0" * 1_000_001)):
        with answering(status, body) as url, pytest.raises(PlacesUnavailable):
            await finder(url).suggest(operator, "x", None, (), 5)
    with pytest.raises(PlacesUnavailable):
        await finder("http://127.0.0.1:9").find_place(operator, AT, ())

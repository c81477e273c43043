"""Places of a Photon server (komoot), which searches OpenStreetMap while one types."""

from collections.abc import Sequence
from typing import Final

import msgspec

from isotope.adapters.maps.asking import ask
from isotope.domain.maps.model import Place, PlaceKind
from isotope.domain.tenants.model import Operator
from isotope.kernel.geo import Point, distance_m

_WALK_M: Final = 250.0
_KNOWN: Final = frozenset({"en", "de", "fr", "it"})


class _Geometry(msgspec.Struct):
    coordinates: tuple[float, float]


class _Properties(msgspec.Struct):
    name: str = ""
    street: str = ""
    housenumber: str = ""
    postcode: str = ""
    city: str = ""
    osm_key: str = ""


class _Feature(msgspec.Struct):
    geometry: _Geometry
    properties: _Properties


class _Features(msgspec.Struct):
    features: list[_Feature] = []


class PhotonPlaces:
    """Implements `PlaceFinder`. `url`: of the server, such as `http://photon.internal:2322`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def suggest(
        self, _operator: Operator, text: str, near: Point | None, languages: Sequence[str], limit: int
    ) -> list[Place]:
        if not text.strip():
            return []
        query = {"q": text, "limit": str(limit)} | _language(languages)
        if near is not None:
            query |= {"lat": f"{near.lat:.6f}", "lon": f"{near.lon:.6f}"}
        found = await ask(f"{self._url}/api", query, _Features, ",".join(languages))
        return [place for feature in found.features if (place := _place(feature)) is not None]

    async def find_place(self, _operator: Operator, at: Point, languages: Sequence[str]) -> Place | None:
        query = {"lat": f"{at.lat:.6f}", "lon": f"{at.lon:.6f}", "radius": "0.25"} | _language(languages)
        found = await ask(f"{self._url}/reverse", query, _Features, ",".join(languages))
        places = [place for feature in found.features if (place := _place(feature)) is not None]
        return next((place for place in places if distance_m(place.point, at) <= _WALK_M), None)


def _language(languages: Sequence[str]) -> dict[str, str]:
    """A public server knows four languages and refuses others; without one it answers in that of the spot."""
    return {"lang": languages[0]} if languages and languages[0] in _KNOWN else {}


def _place(feature: _Feature) -> Place | None:
    lon, lat = feature.geometry.coordinates
    of = feature.properties
    address = f"{of.street} {of.housenumber}".strip()
    title = of.name or address
    if not title or not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - degrees
        return None
    town = f"{of.postcode} {of.city}".strip()
    kind = PlaceKind.STREET if of.osm_key == "highway" else PlaceKind.POI
    where = (address, town) if of.name and of.street else (town,)
    return Place(
        lat=lat,
        lon=lon,
        title=title,
        subtitle=", ".join(filter(None, where)),
        kind=kind if of.name else PlaceKind.ADDRESS,
    )

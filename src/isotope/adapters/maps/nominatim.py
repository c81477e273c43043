"""Places of a Nominatim server. The public one forbids searching while one types: name your own."""

from collections.abc import Sequence
from typing import Final

import msgspec

from isotope.adapters.maps.asking import ask
from isotope.domain.maps.model import Place, PlaceKind
from isotope.domain.tenants.model import Operator
from isotope.kernel.geo import Point, distance_m

_WALK_M: Final = 250.0
# So far around the rider is looked first, degrees.
_AROUND: Final = 0.3


class _Address(msgspec.Struct):
    house_number: str = ""
    road: str = ""
    postcode: str = ""
    city: str = ""
    town: str = ""
    village: str = ""


class _Found(msgspec.Struct):
    lat: str = ""
    lon: str = ""
    name: str = ""
    category: str = ""
    address: _Address = msgspec.field(default_factory=_Address)


class NominatimPlaces:
    """Implements `PlaceFinder`. `url`: of the server, such as `http://nominatim.internal:8080`."""

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")

    async def suggest(
        self, _operator: Operator, text: str, near: Point | None, languages: Sequence[str], limit: int
    ) -> list[Place]:
        if not text.strip():
            return []
        query = {"q": text, "format": "jsonv2", "addressdetails": "1", "limit": str(limit)}
        if near is not None:
            west, east = max(-180.0, near.lon - _AROUND), min(180.0, near.lon + _AROUND)
            south, north = max(-90.0, near.lat - _AROUND), min(90.0, near.lat + _AROUND)
            query["viewbox"] = f"{west:.4f},{south:.4f},{east:.4f},{north:.4f}"
        found = await ask(f"{self._url}/search", query, list[_Found], ",".join(languages))
        return [place for one in found if (place := _place(one)) is not None]

    async def find_place(self, _operator: Operator, at: Point, languages: Sequence[str]) -> Place | None:
        query = {
            "lat": f"{at.lat:.6f}",
            "lon": f"{at.lon:.6f}",
            "format": "jsonv2",
            "addressdetails": "1",
            "zoom": "18",
        }
        # Where there is nothing it answers with an error in a body of its own: one without a place.
        place = _place(await ask(f"{self._url}/reverse", query, _Found, ",".join(languages)))
        return place if place is not None and distance_m(place.point, at) <= _WALK_M else None


def _place(found: _Found) -> Place | None:
    try:
        lat, lon = float(found.lat), float(found.lon)
    except ValueError:
        return None
    of = found.address
    address = f"{of.road} {of.house_number}".strip()
    title = found.name or address
    if not title or not (-90 <= lat <= 90 and -180 <= lon <= 180):  # noqa: PLR2004 - degrees
        return None
    town = f"{of.postcode} {of.city or of.town or of.village}".strip()
    is_street = found.category == "highway"
    kind = PlaceKind.ADDRESS if not found.name else PlaceKind.STREET if is_street else PlaceKind.POI
    where = (address, town) if found.name and of.road and not is_street else (town,)
    return Place(lat=lat, lon=lon, title=title, subtitle=", ".join(filter(None, where)), kind=kind)

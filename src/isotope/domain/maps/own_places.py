"""Places of the operator's own table."""

from collections.abc import Sequence
from typing import Final

from isotope.domain.maps import queries
from isotope.domain.maps.folding import take_apart
from isotope.domain.maps.model import FoundPlace, Place, PlaceKind, place_in
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point, distance_m

# A place at a spot is looked for so near, then so far.
_WALK_M: Final = (60.0, 250.0)
# An address says where one is better than the name of a shop, a shop better than a street, whose middle may be far.
_FARTHER_M: Final = {PlaceKind.ADDRESS: 0.0, PlaceKind.POI: 25.0, PlaceKind.STREET: 40.0}


class OwnPlaces:
    """Implements `PlaceFinder`. Not to be called inside a transaction: it opens its own."""

    def __init__(self, rt: Runtime) -> None:
        self._rt = rt

    async def suggest(
        self, operator: Operator, text: str, near: Point | None, languages: Sequence[str], limit: int
    ) -> list[Place]:
        """`near` None: the middle of the operator's places."""
        asked = take_apart(text)
        if not asked.words:
            return []
        async with self._rt.db.read() as tx:
            if near is None:
                sources = await queries.list_place_sources(tx, operator.id)
                near = next((Point(s.lat, s.lon) for s in sources if s.lat is not None and s.lon is not None), None)
            if near is None:
                return []
            found = await queries.list_like(tx, operator.id, asked, near, limit * 2)
        # The same words twice help nobody to choose.
        places: dict[tuple[str, str], Place] = {}
        for one in found:
            place = place_in(one, languages)
            places.setdefault((place.title, place.subtitle), place)
        return list(places.values())[:limit]

    async def find_place(self, operator: Operator, at: Point, languages: Sequence[str]) -> Place | None:
        for radius_m in _WALK_M:
            async with self._rt.db.glance() as tx:
                around = await queries.list_around(tx, operator.id, at, radius_m)
            if around:
                return place_in(min(around, key=lambda one: _distance_m(one, at)), languages)
        return None


def _distance_m(place: FoundPlace, at: Point) -> float:
    return distance_m(Point(place.lat, place.lon), at) + _FARTHER_M[place.kind]

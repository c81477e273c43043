"""Places of an OpenStreetMap extract: addresses, streets, and what has a name and is somewhere to go.

All of it is held in memory: about 1 kB a place.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import osmium

from isotope.adapters.maps.osm_places import Spot, StreetPart, places_of
from isotope.domain.maps.model import KnownPlace
from isotope.kernel.geo import Point

ATTRIBUTION: Final = "© OpenStreetMap contributors, ODbL 1.0, openstreetmap.org/copyright"

_EVERY: Final = 10_000
_MOST_REFS: Final = 200


class BadExtract(Exception):  # noqa: N818 - says what it is
    """The file is no extract that can be read; the message says why."""


@dataclass(frozen=True, slots=True)
class Extract:
    """What was found in a file."""

    places: list[KnownPlace]
    objects: int


def read_extract(
    path: Path,
    languages: Iterable[str] = (),
    *,
    number_first: bool = False,
    told: Callable[[int], None] = lambda _n: None,
) -> Extract:
    """Read it; `told` hears now and then how many objects it has been.

    `languages`: names in these are kept, beside those of the streets themselves. `number_first`: addresses are written
    `12 Main Street`.

    Raises:
        BadExtract
    """
    spots: list[Spot] = []
    parts: list[StreetPart] = []
    seen = 0
    thing: Any  # what it can do depends on what it is
    try:
        for thing in osmium.FileProcessor(str(path)).with_areas():
            seen += 1
            if seen % _EVERY == 0:
                told(seen)
            if thing.is_way() and "highway" in thing.tags and "name" in thing.tags:
                points = [Point(node.lat, node.lon) for node in thing.nodes if node.location.valid()]
                if points:
                    parts.append(StreetPart(thing.id, dict(thing.tags), points[len(points) // 2]))
            elif thing.is_node() and _says_where(thing.tags):
                spots.append(Spot(f"n{thing.id}", dict(thing.tags), Point(thing.location.lat, thing.location.lon), 0))
            elif thing.is_area() and _says_where(thing.tags) and (middle := _middle(thing)):
                ref = f"{'w' if thing.from_way() else 'r'}{thing.orig_id()}"
                spots.append(Spot(ref, dict(thing.tags), middle, 1))
    except (RuntimeError, OSError) as error:
        raise BadExtract(f"{path} is no OpenStreetMap extract that can be read (.osm.pbf): {error}") from error
    return Extract(places_of(spots, parts, languages, number_first=number_first), seen)


def _says_where(tags: Any) -> bool:
    return "name" in tags or "addr:housenumber" in tags


def _middle(area: Any) -> Point | None:
    """The middle of the corners of its first outer ring."""
    for ring in area.outer_rings():
        points = [(node.lat, node.lon) for node in ring if node.location.valid()][:_MOST_REFS]
        if points:
            return Point(sum(lat for lat, _lon in points) / len(points), sum(lon for _lat, lon in points) / len(points))
    return None

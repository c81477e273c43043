"""What an operator's riders are brought to, made of what OpenStreetMap says. Pure."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import cos, hypot, radians
from typing import Any, Final

import numpy as np
from scipy.spatial import cKDTree

from isotope.domain.maps import fold
from isotope.domain.maps.model import KnownPlace, PlaceKind
from isotope.kernel.geo import Point

_METRES_A_DEGREE: Final = 111_195.0
# Parts of a name so near each other are one street.
_STREET_GAP_M: Final = 1_000.0
# An address belongs to a street of its name so near.
_STREET_REACH_M: Final = 5_000.0
# What has no town is in that of an address so near.
_TOWN_REACH_M: Final = 500.0
# Of the same name and so near: the two sides of a tram stop, a station and its building.
_SAME_M: Final = 150.0
_NAME: Final = "name:"
_MOST_TITLE: Final = 200
_CODE: Final = frozenset({2, 3})

# Somewhere to go, and how likely it is meant.
_WEIGHTS: Final[Mapping[str, float]] = {
    **dict.fromkeys(("railway=station", "aeroway=terminal", "aeroway=aerodrome", "amenity=ferry_terminal"), 1.0),
    **dict.fromkeys(("amenity=bus_station", "public_transport=station", "amenity=hospital", "place=square"), 0.8),
    **dict.fromkeys(("shop=mall", "tourism=hotel", "tourism=museum", "tourism=attraction", "amenity=university"), 0.7),
    **dict.fromkeys(("amenity=theatre", "amenity=cinema", "leisure=stadium", "shop=department_store"), 0.6),
    **dict.fromkeys(("place=suburb", "place=quarter", "place=neighbourhood", "place=village", "place=town"), 0.6),
    **dict.fromkeys(("amenity=place_of_worship", "leisure=park", "amenity=townhall", "amenity=library"), 0.5),
    **dict.fromkeys(("railway=tram_stop", "highway=bus_stop", "railway=subway_entrance", "railway=halt"), 0.4),
}
_KEYS: Final = (
    *("aeroway", "amenity", "building", "club", "craft", "healthcare", "historic", "leisure", "man_made", "office"),
    *("place", "public_transport", "railway", "shop", "sport", "tourism"),
)
_OTHER_WEIGHT: Final = 0.3
# Named, but nowhere to go.
_NOWHERE: Final = frozenset(
    {
        *("amenity=bench", "amenity=parking_space", "amenity=waste_basket", "amenity=vending_machine", "amenity=clock"),
        *("amenity=parking_entrance", "amenity=loading_dock", "man_made=surveillance", "man_made=manhole"),
        *("place=country", "place=state", "place=region", "place=continent", "place=ocean", "place=sea"),
        *("railway=switch", "railway=signal", "railway=milestone", "railway=buffer_stop", "railway=level_crossing"),
        *("railway=crossing", "railway=railway_crossing", "public_transport=stop_area", "historic=memorial_plaque"),
    }
)
_TOWNS: Final = frozenset({"city", "town", "village", "hamlet", "suburb", "municipality"})


@dataclass(frozen=True, slots=True)
class Spot:
    """An object with a name or a house number. `rank`: a building (1) tells better where an address is than a shop (0)."""

    ref: str
    tags: Mapping[str, str]
    at: Point
    rank: int


@dataclass(frozen=True, slots=True)
class StreetPart:
    """A way with a name; `at` is a point in the middle of it."""

    id: int
    tags: Mapping[str, str]
    at: Point


@dataclass(slots=True)
class _Street:
    """One street, of all its parts."""

    ref: str
    names: dict[str, str]
    points: list[Point] = field(default_factory=list)
    town: dict[str, str] = field(default_factory=dict)

    @property
    def middle(self) -> Point:
        """A point of the street, the nearest to the middle of all."""
        lat = sum(point.lat for point in self.points) / len(self.points)
        lon = sum(point.lon for point in self.points) / len(self.points)
        return min(self.points, key=lambda point: (point.lat - lat) ** 2 + (point.lon - lon) ** 2)


def places_of(
    spots: Sequence[Spot], parts: Sequence[StreetPart], languages: Iterable[str], *, number_first: bool
) -> list[KnownPlace]:
    """Streets, their addresses, and everything with a name, with towns as they are called.

    In the given languages, and in those that the streets themselves are named in: not in the hundred that a capital is.
    """
    kept = frozenset(languages) | _languages_of(parts)
    spots = [replace(spot, tags=_in_languages(spot.tags, kept)) for spot in spots]
    parts = [replace(part, tags=_in_languages(part.tags, kept)) for part in parts]
    towns = _Towns(spots)
    streets = _streets_of(parts)
    addresses = list(_addresses_of(spots, streets, towns, number_first=number_first))
    found = [_street_place(street, towns) for by_name in streets.values() for street in by_name]
    return found + addresses + _merged(_poi(spot, towns) for spot in spots if _weight_of(spot.tags) is not None)


def _languages_of(parts: Sequence[StreetPart]) -> frozenset[str]:
    """Those that a fifth of the streets have a name in."""
    counts = Counter(language for part in parts for language in names_of(part.tags) if language)
    return frozenset(language for language, count in counts.items() if count * 5 >= len(parts))


def _in_languages(tags: Mapping[str, str], kept: frozenset[str]) -> dict[str, str]:
    return {key: value for key, value in tags.items() if not key.startswith(_NAME) or key.removeprefix(_NAME) in kept}


class _Towns:
    """Which town and postcode a spot is in: what it says, or what the nearest address says."""

    def __init__(self, spots: Sequence[Spot]) -> None:
        self._names = {
            spot.tags["name"]: names_of(spot.tags)
            for spot in spots
            if spot.tags.get("place") in _TOWNS and "name" in spot.tags
        }
        known = [spot for spot in spots if "addr:city" in spot.tags]
        self._known = [(spot.tags["addr:city"], spot.tags.get("addr:postcode", "")) for spot in known]
        self._narrow = cos(radians(known[0].at.lat)) if known else 1.0
        self._tree: Any = cKDTree(np.array([self._xy(spot.at) for spot in known])) if known else None

    def at(self, point: Point, tags: Mapping[str, str]) -> dict[str, str]:
        """Postcode and town in each language it is known in."""
        town, postcode = tags.get("addr:city", ""), tags.get("addr:postcode", "")
        if not town and self._tree is not None:
            distance, nr = self._tree.query(self._xy(point), distance_upper_bound=_TOWN_REACH_M)
            if distance < _TOWN_REACH_M:
                near_town, near_postcode = self._known[int(nr)]
                town, postcode = near_town, postcode or near_postcode
        names = self._names.get(town, {}) | {"": town}
        return {language: f"{postcode} {name}".strip() for language, name in names.items()}

    def _xy(self, point: Point) -> tuple[float, float]:
        return point.lat * _METRES_A_DEGREE, point.lon * _METRES_A_DEGREE * self._narrow


def names_of(tags: Mapping[str, str]) -> dict[str, str]:
    """Language to name; the empty language is what is written on the spot."""
    names = {
        key.removeprefix(_NAME): value[:_MOST_TITLE]
        for key, value in tags.items()
        if key.startswith(_NAME) and len(key) - len(_NAME) in _CODE and value.strip()
    }
    return {"": tags.get("name", "")[:_MOST_TITLE]} | names


def folded_of(tags: Mapping[str, str]) -> str:
    """Every name that it goes by, between bars."""
    more = ("alt_name", "official_name", "short_name", "loc_name", "old_name")
    extra = [one for key in more for one in tags.get(key, "").split(";")]
    folded = {fold(name): None for name in (*names_of(tags).values(), *extra)}
    kept = [name for name in folded if name]
    return f"|{'|'.join(kept)}|" if kept else ""


def _streets_of(parts: Sequence[StreetPart]) -> dict[str, list[_Street]]:
    """By folded name. The same name far off is another street."""
    by_name: dict[str, list[StreetPart]] = defaultdict(list)
    for part in parts:
        if name := fold(part.tags["name"]):
            by_name[name].append(part)
    return {name: [_street_of(group) for group in _near_groups(same)] for name, same in by_name.items()}


def _street_of(group: Sequence[StreetPart]) -> _Street:
    first = min(group, key=lambda part: part.id)
    tags = {key: value for part in group for key, value in part.tags.items()} | dict(first.tags)
    return _Street(f"s{first.id}", tags, [part.at for part in group])


def _near_groups(parts: Sequence[StreetPart]) -> list[list[StreetPart]]:
    """Parted where there is a gap."""
    narrow = cos(radians(parts[0].at.lat))
    places = np.array([(p.at.lat * _METRES_A_DEGREE, p.at.lon * _METRES_A_DEGREE * narrow) for p in parts])
    leader = list(range(len(parts)))

    def leader_of(nr: int) -> int:
        while leader[nr] != nr:
            leader[nr] = leader[leader[nr]]
            nr = leader[nr]
        return nr

    for a, b in cKDTree(places).query_pairs(_STREET_GAP_M):
        leader[leader_of(a)] = leader_of(b)
    groups: dict[int, list[StreetPart]] = defaultdict(list)
    for nr, part in enumerate(parts):
        groups[leader_of(nr)].append(part)
    return list(groups.values())


def _addresses_of(
    spots: Iterable[Spot], streets: dict[str, list[_Street]], towns: _Towns, *, number_first: bool
) -> Iterator[KnownPlace]:
    """One of each number of a street, of the object that tells best where it is. Streets without a way are added."""
    best: dict[tuple[str, str], tuple[tuple[int, int, str], Spot, _Street, str]] = {}
    for spot in spots:
        name = spot.tags.get("addr:street") or spot.tags.get("addr:place") or ""
        if not fold(name) or "addr:housenumber" not in spot.tags:
            continue
        street = _street_near(spot, name, streets)
        for number in spot.tags["addr:housenumber"].replace(",", ";").split(";"):
            key = (street.ref, fold(number).replace(" ", ""))
            # An entrance, a building, what is only an address, a shop.
            rank = (-int("entrance" in spot.tags), -spot.rank - int("name" not in spot.tags), spot.ref)
            if key[1] and (key not in best or rank < best[key][0]):
                best[key] = (rank, spot, street, number.strip())
    for (street_ref, folded_number), (_rank, spot, street, number) in best.items():
        names = names_of(street.names)
        town = towns.at(spot.at, spot.tags)
        yield KnownPlace(
            ref=f"a{spot.ref}:{folded_number}",
            kind=PlaceKind.ADDRESS,
            lat=spot.at.lat,
            lon=spot.at.lon,
            titles={
                language: f"{number} {name}" if number_first else f"{name} {number}" for language, name in names.items()
            },
            subtitles=town,
            street_ref=street_ref,
            number=folded_number,
        )


def _street_near(spot: Spot, name: str, streets: dict[str, list[_Street]]) -> _Street:
    """The street of that name nearest to it; made where there is none."""
    same = streets.setdefault(fold(name), [])
    narrow = cos(radians(spot.at.lat))

    def off_m(street: _Street) -> float:
        offs = (hypot(p.lat - spot.at.lat, (p.lon - spot.at.lon) * narrow) for p in street.points)
        return min(offs) * _METRES_A_DEGREE

    nearest = min(same, key=off_m, default=None)
    if nearest is None or off_m(nearest) > _STREET_REACH_M:
        nearest = _Street(f"s:{spot.ref}", {"name": name}, [spot.at])
        same.append(nearest)
    return nearest


def _street_place(street: _Street, towns: _Towns) -> KnownPlace:
    middle = street.middle
    town = towns.at(middle, {})
    return KnownPlace(
        ref=street.ref,
        kind=PlaceKind.STREET,
        lat=middle.lat,
        lon=middle.lon,
        titles=names_of(street.names),
        subtitles=town,
        folded=folded_of(street.names),
        area=_area_of(town),
        # One that only addresses speak of is mostly a way of writing another.
        weight=0.6 if "highway" in street.names else 0.1,
    )


def _weight_of(tags: Mapping[str, str]) -> float | None:
    """How likely it is meant; None: it is nowhere to go."""
    words = [f"{key}={tags[key]}" for key in (*_KEYS, "highway") if key in tags]
    if "name" not in tags or not fold(tags["name"]) or _NOWHERE.intersection(words):
        return None
    known = [_WEIGHTS[word] for word in words if word in _WEIGHTS]
    if known:
        return max(known)
    return _OTHER_WEIGHT if any(key in tags for key in _KEYS) else None


def _poi(spot: Spot, towns: _Towns) -> KnownPlace:
    town = towns.at(spot.at, spot.tags)
    street, number = spot.tags.get("addr:street", ""), spot.tags.get("addr:housenumber", "")
    where = f"{street} {number}".strip() if street else ""
    return KnownPlace(
        ref=f"p{spot.ref}",
        kind=PlaceKind.POI,
        lat=spot.at.lat,
        lon=spot.at.lon,
        titles=names_of(spot.tags),
        subtitles={language: ", ".join(filter(None, (where, name))) for language, name in town.items()},
        folded=folded_of(spot.tags),
        area=_area_of(town),
        weight=_weight_of(spot.tags) or 0.0,
    )


def _merged(found: Iterable[KnownPlace]) -> list[KnownPlace]:
    """Of those with the same name near each other the likeliest stays."""
    kept: dict[str, list[KnownPlace]] = defaultdict(list)
    for place in sorted(found, key=lambda one: (-one.weight, one.ref)):
        same = kept[fold(place.titles[""])]
        narrow = cos(radians(place.lat))
        near = (_SAME_M / _METRES_A_DEGREE) ** 2
        if all((o.lat - place.lat) ** 2 + ((o.lon - place.lon) * narrow) ** 2 > near for o in same):
            same.append(place)
    return [place for same in kept.values() for place in same]


def _area_of(town: Mapping[str, str]) -> str:
    """The towns, folded, without postcodes."""
    words = {" ".join(word for word in fold(name).split() if not word.isdecimal()): None for name in town.values()}
    return " ".join(word for word in words if word)[:_MOST_TITLE]

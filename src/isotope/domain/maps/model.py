"""Places and roads."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import StrEnum

import msgspec

from isotope.kernel.geo import Point


class PlaceKind(StrEnum):
    """What a place is; an address has a house number."""

    ADDRESS = "ADDRESS"
    STREET = "STREET"
    POI = "POI"


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Somewhere to be picked up or brought to. `title` and `subtitle` are for people, in their language."""

    lat: float
    lon: float
    title: str
    subtitle: str = ""
    kind: PlaceKind = PlaceKind.POI

    @property
    def point(self) -> Point:
        return Point(self.lat, self.lon)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """A way by road through all points in their order.

    Attributes:
        distance_m, duration_s: of all of it.
        legs: (metres, seconds) between each two points.
        polyline: encoded with 5 digits; a straight line where no roads are known.
        by_road: False where distance and time are estimated from the great circle.
    """

    distance_m: int
    duration_s: int
    legs: tuple[tuple[int, int], ...]
    polyline: str
    by_road: bool


class Matrix(msgspec.Struct, frozen=True, kw_only=True):
    """`durations_s[i][j]`, `distances_m[i][j]` from source i to target j; None: there is no way."""

    durations_s: tuple[tuple[int | None, ...], ...]
    distances_m: tuple[tuple[int | None, ...], ...]


class PlaceToken(msgspec.Struct, frozen=True, kw_only=True):
    """What a place's token holds; it was signed by us and has not ended."""

    place: Place
    expires_at: datetime


class FoundPlace(msgspec.Struct, frozen=True, kw_only=True):
    """A place in all its languages; the empty language is what is written on the spot."""

    kind: PlaceKind
    lat: float
    lon: float
    titles: Mapping[str, str]
    subtitles: Mapping[str, str]


class KnownPlace(FoundPlace, frozen=True, kw_only=True):
    """A place as it is kept.

    Attributes:
        ref: unique in its source.
        folded: its names as they are searched, between bars; empty for an address.
        weight: how likely it is meant, 0 to 1.
        street_ref: of an address: its street.
        number: of an address, folded.
    """

    ref: str
    folded: str = ""
    area: str = ""
    weight: float = 0.0
    street_ref: str | None = None
    number: str | None = None


class PlaceSource(msgspec.Struct, frozen=True, kw_only=True):
    """A file that places came from."""

    name: str
    attribution: str
    run: int
    places: int
    imported_at: datetime
    lat: float | None
    lon: float | None


def place_in(found: FoundPlace, languages: Sequence[str]) -> Place:
    """As it is told to people who read these languages, best first."""
    return Place(
        lat=found.lat,
        lon=found.lon,
        title=in_language(found.titles, languages),
        subtitle=in_language(found.subtitles, languages),
        kind=PlaceKind(found.kind),
    )


def in_language(texts: Mapping[str, str], languages: Sequence[str]) -> str:
    """The text in the first of the languages that there is; else what is written on the spot."""
    return next((texts[language] for language in languages if language in texts), texts.get("", ""))

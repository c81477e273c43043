"""Which places and roads the settings name."""

from collections.abc import Sequence
from pathlib import Path

from isotope.adapters.maps.graphs import place_file, read_place
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.adapters.maps.nominatim import NominatimPlaces
from isotope.adapters.maps.osrm import OsrmRoads
from isotope.adapters.maps.photon import PhotonPlaces
from isotope.domain.maps import Maps, OwnPlaces, PlaceFinder, Roads
from isotope.domain.maps.model import Matrix, Route
from isotope.infra.config import Config
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point


class RoadsHere:
    """The engine that a worker runs on this data folder; where none runs, the great circle. Implements `Roads`."""

    def __init__(self, data: Path) -> None:
        self._data = data
        self._file = place_file(data)
        self._written: int | None = None
        self._engine: OsrmRoads | None = None
        self._before: list[OsrmRoads] = []
        self._estimate = GreatCircleRoads()

    async def find_route(self, points: Sequence[Point]) -> Route | None:
        return await self._now().find_route(points)

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        return await self._now().get_matrix(sources, targets)

    async def close(self) -> None:
        for engine in (*self._before, *([self._engine] if self._engine else ())):
            await engine.close()

    def _now(self) -> Roads:
        try:
            written = self._file.stat().st_mtime_ns
        except OSError:
            written = None
        if written != self._written:
            # Somebody may be asking the one of before still.
            if self._engine is not None:
                self._before.append(self._engine)
            place = None if written is None else read_place(self._data)
            self._written, self._engine = written, None if place is None else OsrmRoads(place.url)
        return self._engine or self._estimate


def make_roads(config: Config) -> OsrmRoads | RoadsHere:
    return OsrmRoads(config.roads_url) if config.roads_url else RoadsHere(Path(config.data))


def make_finder(config: Config, rt: Runtime) -> PlaceFinder:
    match config.places:
        case "photon":
            return PhotonPlaces(config.places_url)
        case "nominatim":
            return NominatimPlaces(config.places_url)
        case "own":
            return OwnPlaces(rt)


def make_maps(config: Config, rt: Runtime) -> Maps:
    """Where places and roads are asked for."""
    roads = make_roads(config)
    return Maps(roads=roads, finder=make_finder(config, rt), close=roads.close)

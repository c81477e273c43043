"""Ways by road from an OSRM server (HTTP API v1), our own or any other."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import httpx2
import msgspec
import structlog

from isotope.domain.maps import RoadsUnavailable
from isotope.domain.maps.model import Matrix, Route
from isotope.infra import outbound
from isotope.kernel.geo import Point

_log = structlog.get_logger(__name__)

TIMEOUT: Final = httpx2.Timeout(4.0, connect=1.0, pool=4.0)
# A point is taken to the nearest road; one so far from any is on none.
REACH_M: Final = 1_000.0
# So many points on each side of one question; more are several questions.
SIDE: Final = 100
_AT_ONCE: Final = 4
_NO_WAY: Final = frozenset({"NoRoute", "NoSegment", "NoTable"})


class _Waypoint(msgspec.Struct):
    distance: float = 0.0


class _Leg(msgspec.Struct):
    distance: float
    duration: float


class _Route(msgspec.Struct):
    distance: float
    duration: float
    legs: list[_Leg]
    geometry: str


class _Routes(msgspec.Struct):
    code: str
    routes: list[_Route] = []
    waypoints: list[_Waypoint | None] = []


class _Table(msgspec.Struct):
    code: str
    durations: list[list[float | None]] = []
    distances: list[list[float | None]] = []
    sources: list[_Waypoint | None] = []
    destinations: list[_Waypoint | None] = []


class OsrmRoads:
    """Implements `Roads`. Asking has no effect, so a connection that broke is tried once more.

    Args:
        url: of the server, without what it answers to: `http://127.0.0.1:5000`.
    """

    def __init__(self, url: str, timeout: httpx2.Timeout = TIMEOUT) -> None:
        self._url = url.rstrip("/")
        self._timeout = timeout
        self._client: httpx2.AsyncClient | None = None
        self._free = asyncio.Semaphore(_AT_ONCE)

    async def find_route(self, points: Sequence[Point]) -> Route | None:
        answer = await self._ask("route", _places(points), {"overview": "full", "geometries": "polyline"}, _Routes)
        if answer is None or not answer.routes or not all(map(_is_near, answer.waypoints)):
            return None
        found = answer.routes[0]
        return Route(
            distance_m=round(found.distance),
            duration_s=round(found.duration),
            legs=tuple((round(leg.distance), round(leg.duration)) for leg in found.legs),
            polyline=found.geometry,
            by_road=True,
        )

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        rows = [sources[start : start + SIDE] for start in range(0, len(sources), SIDE)]
        columns = [targets[start : start + SIDE] for start in range(0, len(targets), SIDE)]
        parts = await asyncio.gather(*(self._part(row, column) for row in rows for column in columns))
        durations: list[tuple[int | None, ...]] = []
        distances: list[tuple[int | None, ...]] = []
        for nr, row in enumerate(rows):
            beside = parts[nr * len(columns) : (nr + 1) * len(columns)]
            for source in range(len(row)):
                durations.append(tuple(cell for part in beside for cell in part.durations_s[source]))
                distances.append(tuple(cell for part in beside for cell in part.distances_m[source]))
        return Matrix(durations_s=tuple(durations), distances_m=tuple(distances))

    async def close(self) -> None:
        if self._client is not None:
            await self._client.aclose()
            self._client = None

    async def _part(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        last = len(sources) + len(targets)
        answer = await self._ask(
            "table",
            _places([*sources, *targets]),
            {
                "sources": ";".join(map(str, range(len(sources)))),
                "destinations": ";".join(map(str, range(len(sources), last))),
                "annotations": "duration,distance",
            },
            _Table,
        )
        if answer is None:
            nothing = tuple((None,) * len(targets) for _source in sources)
            return Matrix(durations_s=nothing, distances_m=nothing)
        near = [[_is_near(a) and _is_near(b) for b in answer.destinations] for a in answer.sources]
        try:
            return Matrix(
                durations_s=_cells(answer.durations, near, len(sources), len(targets)),
                distances_m=_cells(answer.distances, near, len(sources), len(targets)),
            )
        except ValueError as error:
            raise RoadsUnavailable("a table of another size than was asked for") from error

    async def _ask(self, service: str, places: str, query: dict[str, str], shape: type[Any]) -> Any:
        """The answer; None: there is no way.

        Raises:
            RoadsUnavailable
        """
        outbound.guard()
        url = f"{self._url}/{service}/v1/driving/{places}"
        async with self._free:
            for may_again in (True, False):
                try:
                    answer = await self._connected().get(url, params=query)
                    break
                except (httpx2.RemoteProtocolError, httpx2.ReadError, httpx2.WriteError) as error:
                    # The server ended a connection that was kept.
                    if not may_again:
                        raise _unavailable(type(error).__name__) from error
                except httpx2.HTTPError as error:
                    raise _unavailable(type(error).__name__) from error
        try:
            found = msgspec.json.decode(answer.content, type=shape)
        except msgspec.MsgspecError as error:
            raise _unavailable(f"status {answer.status_code}") from error
        if found.code in _NO_WAY:
            return None
        if found.code != "Ok":
            raise _unavailable(str(found.code)[:40])
        return found

    def _connected(self) -> httpx2.AsyncClient:
        if self._client is None:
            self._client = httpx2.AsyncClient(timeout=self._timeout)
        return self._client


def _unavailable(why: str) -> RoadsUnavailable:
    _log.warning("roads.unavailable", why=why)
    return RoadsUnavailable(why)


def _places(points: Sequence[Point]) -> str:
    return ";".join(f"{point.lon:.6f},{point.lat:.6f}" for point in points)


def _is_near(waypoint: _Waypoint | None) -> bool:
    return waypoint is not None and waypoint.distance <= REACH_M


def _cells(
    values: Sequence[Sequence[float | None]], near: Sequence[Sequence[bool]], rows: int, columns: int
) -> tuple[tuple[int | None, ...], ...]:
    if not (len(values) == len(near) == rows and all(len(row) == columns for row in (*values, *near))):
        raise ValueError("not of that size")
    return tuple(
        tuple(round(cell) if cell is not None and is_near else None for cell, is_near in zip(row, ok, strict=True))
        for row, ok in zip(values, near, strict=True)
    )

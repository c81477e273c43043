"""How long the candidates' ways to the pick-ups are, by road."""

import asyncio
from collections.abc import Sequence
from itertools import chain
from typing import Final

import structlog

from isotope.domain.maps import estimate_way
from isotope.domain.maps.model import Matrix
from isotope.domain.maps.ports import Roads, RoadsUnavailable
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest, Pair
from isotope.kernel.geo import Point

# Requests whose ways are asked for at once: neighbours share their candidates.
_BLOCK: Final = 10
# Questions to the engine at once.
_AT_ONCE: Final = 4

_log = structlog.get_logger(__name__)


async def measure(
    roads: Roads,
    candidates: Sequence[tuple[int, int]],
    requests: Sequence[OpenRequest],
    drivers: Sequence[FreeDriver],
) -> list[Pair]:
    """The candidates that can get there. An engine that does not answer is stood in for by the great circle."""
    by_request: dict[int, list[int]] = {}
    for request, driver in candidates:
        by_request.setdefault(request, []).append(driver)
    order = sorted(by_request, key=lambda nr: (round(requests[nr].at.lat, 2), requests[nr].at.lon))
    asking = _Asking(roads)

    async def measure_block(block: Sequence[int]) -> list[Pair]:
        sources = sorted({driver for request in block for driver in by_request[request]})
        matrix = await asking.get_matrix([drivers[one].at for one in sources], [requests[one].at for one in block])
        place = {driver: nr for nr, driver in enumerate(sources)}
        pairs = [
            _pair(matrix, place[driver], column, request, driver)
            if matrix is not None
            else _guess(request, driver, requests[request].at, drivers[driver].at)
            for column, request in enumerate(block)
            for driver in by_request[request]
        ]
        return [pair for pair in pairs if pair is not None]

    blocks = [order[start : start + _BLOCK] for start in range(0, len(order), _BLOCK)]
    return list(chain.from_iterable(await asyncio.gather(*map(measure_block, blocks))))


class _Asking:
    """Asks an engine a few things at once; one that did not answer is not asked again in the same round."""

    def __init__(self, roads: Roads) -> None:
        self._roads = roads
        self._slots = asyncio.Semaphore(_AT_ONCE)
        self._is_silent = False

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix | None:
        async with self._slots:
            if self._is_silent:
                return None
            try:
                return await self._roads.get_matrix(sources, targets)
            except RoadsUnavailable:
                if not self._is_silent:
                    _log.warning("dispatch.roads_unavailable")
                self._is_silent = True
                return None


def _pair(matrix: Matrix, row: int, column: int, request: int, driver: int) -> Pair | None:
    seconds, metres = matrix.durations_s[row][column], matrix.distances_m[row][column]
    return None if seconds is None or metres is None else Pair(request, driver, seconds, metres)


def _guess(request: int, driver: int, to: Point, at: Point) -> Pair:
    metres, seconds = estimate_way(at, to)
    return Pair(request, driver, seconds, metres)

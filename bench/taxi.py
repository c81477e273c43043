"""One round of the dispatcher at 500 requests and 2,000 free drivers: as one assignment, and nearest first, in the same run.

Nearest first is given every driver within reach, the assignment only the candidates that a round looks at by road. Time is of
all that a round does without the store: candidates, ways by the great circle, matching. The floor of the matching is scipy's
solver on the same matrix made beforehand.
"""

import asyncio
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from random import Random
from typing import Final

from bench.figure import Figure
from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.domain.taxi.dispatch import solve
from isotope.domain.taxi.dispatch.candidates import NEAREST, list_candidates
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest, Pair
from isotope.domain.taxi.dispatch.ways import measure
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, TaxiClassId, TripId

REQUESTS: Final = 500
DRIVERS: Final = 2_000
# Turns of which the median is told.
TURNS: Final = 5
_CENTRE: Final = Point(60.17, 24.94)
# A city of some 20 by 20 km; half of the riders stand in its middle, as after work, and the drivers all over it.
_NORTH_DEG: Final = 0.09
_EAST_DEG: Final = 0.18
_CROWD_DEG: Final = 0.012
_CLASS: Final = TaxiClassId(1)


def make_city(requests: int, drivers: int, seed: int = 7) -> tuple[list[OpenRequest], list[FreeDriver]]:
    """The same one for the same seed."""
    dice = Random(seed)
    asking = [
        OpenRequest(
            trip_id=TripId(number),
            at=_crowd(dice) if number % 2 else _anywhere(dice),
            class_id=_CLASS,
            is_cash=False,
            # Of a minute's waiting, when nobody was found before: it looks as far as it may.
            waited_s=float(dice.randrange(60, 120)),
        )
        for number in range(requests)
    ]
    free = [
        FreeDriver(
            driver_id=DriverId(number),
            at=_anywhere(dice),
            class_ids=frozenset([_CLASS]),
            takes_cash=True,
            idle_s=float(dice.randrange(600)),
        )
        for number in range(drivers)
    ]
    return asking, free


def _anywhere(dice: Random) -> Point:
    return Point(_CENTRE.lat + dice.uniform(-_NORTH_DEG, _NORTH_DEG), _CENTRE.lon + dice.uniform(-_EAST_DEG, _EAST_DEG))


def _crowd(dice: Random) -> Point:
    return Point(_CENTRE.lat + dice.gauss(0, _CROWD_DEG), _CENTRE.lon + dice.gauss(0, 2 * _CROWD_DEG))


def main() -> list[Figure]:
    """Time and minutes of pick-up of one round."""
    return asyncio.run(_dispatch())


async def _dispatch() -> list[Figure]:
    settings, roads = TaxiSettings(), GreatCircleRoads()
    requests, drivers = make_city(REQUESTS, DRIVERS)

    async def gather(nearest: int) -> list[Pair]:
        candidates = list_candidates(requests, drivers, settings, nearest=nearest)
        return await measure(roads, candidates, requests, drivers)

    took_s = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        chosen = solve.assign(await gather(NEAREST), requests, drivers)
        took_s.append(time.perf_counter() - begin)
    pairs, every = await gather(NEAREST), await gather(DRIVERS)
    greedy = solve.nearest_first(every, requests, drivers)
    matrix = solve.matrix_of(pairs, requests, drivers)
    solver_s = _median_s(lambda: solve.match(matrix))
    assign_s = _median_s(lambda: solve.assign(pairs, requests, drivers))
    greedy_s = _median_s(lambda: solve.nearest_first(every, requests, drivers))
    both = {pair.request for pair in chosen} & {pair.request for pair in greedy}
    size = f"{REQUESTS} requests, {DRIVERS:,} drivers, {len(pairs):,} pairs"
    return [
        Figure(f"a round, {size}", statistics.median(took_s) * 1_000, "ms", "the limit of a round", 1_000.0),
        Figure("of it the matching", assign_s * 1_000, "ms", "scipy's solver on the matrix", solver_s * 1_000, 1),
        Figure(f"nearest first, of {len(every):,} pairs", greedy_s * 1_000, "ms", digits=1),
        Figure("requests with a driver", len(chosen), "", "nearest first", len(greedy)),
        Figure("way to all pick-ups", _minutes(chosen), "min", "nearest first", _minutes(greedy)),
        Figure(
            f"the same, of the {len(both)} whom both serve",
            _minutes(pair for pair in chosen if pair.request in both),
            "min",
            "nearest first",
            _minutes(pair for pair in greedy if pair.request in both),
        ),
        Figure("longest way to a pick-up", _longest(chosen), "min", "nearest first", _longest(greedy), 1),
    ]


def _minutes(pairs: Iterable[Pair]) -> float:
    return sum(pair.eta_s for pair in pairs) / 60


def _longest(pairs: Sequence[Pair]) -> float:
    return max(pair.eta_s for pair in pairs) / 60


def _median_s(work: Callable[[], object]) -> float:
    took = []
    for _ in range(TURNS):
        begin = time.perf_counter()
        work()
        took.append(time.perf_counter() - begin)
    return statistics.median(took)


if __name__ == "__main__":
    for figure in main():
        print(figure)

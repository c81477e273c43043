"""How long the ways to pick-ups are: by road in blocks, by the great circle when the engine is silent."""

from collections.abc import Sequence

import pytest

from isotope.adapters.maps.great_circle import GreatCircleRoads
from isotope.domain.maps import RoadsUnavailable
from isotope.domain.maps.model import Matrix, Route
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest
from isotope.domain.taxi.dispatch.ways import measure
from isotope.kernel.geo import Point
from isotope.kernel.ids import DriverId, TaxiClassId, TripId
from tests.kit.taxis import north

CLASS = TaxiClassId(1)
REQUESTS = [
    OpenRequest(trip_id=TripId(nr), at=north(37 * nr), class_id=CLASS, is_cash=False, waited_s=0.0) for nr in range(55)
]
DRIVERS = [
    FreeDriver(driver_id=DriverId(nr), at=north(-61 * nr), class_ids=frozenset([CLASS]), takes_cash=True, idle_s=0.0)
    for nr in range(12)
]
CANDIDATES = [(request, (request * 5 + one) % 12) for request in range(55) for one in range(3)]


class Engine:
    """Knows seconds and metres of each way; `fails` after so many questions; drivers in the south cannot get anywhere."""

    def __init__(self, fails_after: int = 1_000, cut_off_below: float = -90.0) -> None:
        self.asked = 0
        self._fails_after = fails_after
        self._cut_off_below = cut_off_below
        self._circle = GreatCircleRoads()

    async def find_route(self, points: Sequence[Point]) -> Route | None:
        raise NotImplementedError

    async def get_matrix(self, sources: Sequence[Point], targets: Sequence[Point]) -> Matrix:
        self.asked += 1
        if self.asked > self._fails_after:
            raise RoadsUnavailable
        rows = [
            [None if a.lat < self._cut_off_below else round(1e7 * (b.lat - a.lat)) for b in targets] for a in sources
        ]
        cells = tuple(map(tuple, rows))
        return Matrix(durations_s=cells, distances_m=cells)


async def test_each_candidate_has_its_own_way() -> None:
    engine = Engine()
    pairs = await measure(engine, CANDIDATES, REQUESTS, DRIVERS)
    assert engine.asked == 6
    assert sorted((pair.request, pair.driver) for pair in pairs) == sorted(CANDIDATES)
    for pair in pairs:
        way = round(1e7 * (REQUESTS[pair.request].at.lat - DRIVERS[pair.driver].at.lat))
        assert (pair.eta_s, pair.distance_m) == (way, way)


async def test_who_has_no_way_is_no_candidate() -> None:
    south = DRIVERS[6].at.lat
    pairs = await measure(Engine(cut_off_below=south), CANDIDATES, REQUESTS, DRIVERS)
    assert {pair.driver for pair in pairs} == set(range(7))


@pytest.mark.parametrize("fails_after", [0, 2])
async def test_a_silent_engine_is_stood_in_for_and_left_alone(fails_after: int) -> None:
    engine = Engine(fails_after=fails_after)
    pairs = await measure(engine, CANDIDATES, REQUESTS, DRIVERS)
    assert engine.asked == fails_after + 1
    assert sorted((pair.request, pair.driver) for pair in pairs) == sorted(CANDIDATES)


async def test_nobody_to_ask_about() -> None:
    assert await measure(Engine(), [], REQUESTS, DRIVERS) == []

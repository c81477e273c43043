"""Who is offered what, against a search through all ways to pair a few requests and drivers."""

from collections.abc import Sequence
from itertools import combinations, permutations

from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.taxi.dispatch import solve
from isotope.domain.taxi.dispatch.candidates import list_candidates, radius_m
from isotope.domain.taxi.dispatch.model import FreeDriver, OpenRequest, Pair
from isotope.domain.tenants.model import TaxiSettings
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import DriverId, TaxiClassId, TripId

SETTINGS = TaxiSettings()
CLASSES = [TaxiClassId(1), TaxiClassId(2)]
# Metres are told flat, and drivers are at most a few kilometres away.
FLAT = 0.001

places = st.builds(Point, st.floats(60.10, 60.24), st.floats(24.80, 25.08))


@st.composite
def towns(draw: st.DrawFn, most: int = 5) -> tuple[list[OpenRequest], list[FreeDriver]]:
    count = draw(st.integers(1, most))
    drivers = [
        FreeDriver(
            driver_id=DriverId(number),
            at=draw(places),
            class_ids=draw(st.frozensets(st.sampled_from(CLASSES), min_size=1)),
            takes_cash=draw(st.booleans()),
            idle_s=draw(st.floats(0, 5_000)),
            declined=draw(st.integers(0, 9)),
            held=draw(st.integers(0, 3)),
        )
        for number in range(count)
    ]
    ids = st.sampled_from([driver.driver_id for driver in drivers])
    requests = [
        OpenRequest(
            trip_id=TripId(number),
            at=draw(places),
            class_id=draw(st.sampled_from(CLASSES)),
            is_cash=draw(st.booleans()),
            waited_s=draw(st.floats(0, 400)),
            wanted_driver_id=draw(st.one_of(st.none(), st.none(), ids)),
            tried=draw(st.frozensets(ids, max_size=2)),
        )
        for number in range(draw(st.integers(1, most)))
    ]
    return requests, drivers


def pairs_of(requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver]) -> list[Pair]:
    return [
        Pair(request, driver, round(distance_m(requests[request].at, drivers[driver].at) / 8), 0)
        for request, driver in list_candidates(requests, drivers, SETTINGS)
    ]


def best(pairs: Sequence[Pair], requests: Sequence[OpenRequest], drivers: Sequence[FreeDriver]) -> tuple[int, float]:
    """How many can be served, and at what least sum of costs: by trying everything."""
    cost = {(p.request, p.driver): solve.cost_of(p, requests[p.request], drivers[p.driver]) for p in pairs}
    asking, free = sorted({p.request for p in pairs}), sorted({p.driver for p in pairs})
    for served in range(min(len(asking), len(free)), 0, -1):
        ways = [
            list(zip(some, others, strict=True))
            for some in combinations(asking, served)
            for others in permutations(free, served)
        ]
        sums = [sum(cost[pair] for pair in way) for way in ways if cost.keys() >= set(way)]
        if sums:
            return served, min(sums)
    return 0, 0.0


@given(towns(most=4))
def test_an_assignment_serves_as_many_as_possible_at_the_least_cost(
    town: tuple[list[OpenRequest], list[FreeDriver]],
) -> None:
    requests, drivers = town
    pairs = pairs_of(requests, drivers)
    chosen = solve.assign(pairs, requests, drivers)
    costs = sum(solve.cost_of(pair, requests[pair.request], drivers[pair.driver]) for pair in chosen)
    served, least = best(pairs, requests, drivers)
    assert len(chosen) == served
    assert abs(costs - least) < 1e-6
    assert len({pair.request for pair in chosen}) == len({pair.driver for pair in chosen}) == len(chosen)
    assert set(chosen) <= set(pairs)


@given(towns())
def test_candidates_are_those_who_may_and_all_of_them_where_they_are_few(
    town: tuple[list[OpenRequest], list[FreeDriver]],
) -> None:
    requests, drivers = town
    found = set(list_candidates(requests, drivers, SETTINGS))
    for nr, request in enumerate(requests):
        for index, driver in enumerate(drivers):
            away = distance_m(request.at, driver.at)
            reach = radius_m(request.waited_s, SETTINGS)
            if abs(away - reach) < reach * FLAT:
                continue
            may = (
                request.class_id in driver.class_ids
                and (driver.takes_cash or not request.is_cash)
                and driver.driver_id not in request.tried
                and driver.held < SETTINGS.offers_per_driver
                and (
                    away <= reach if request.wanted_driver_id is None else request.wanted_driver_id == driver.driver_id
                )
            )
            assert ((nr, index) in found) == may


@given(towns(), st.integers(1, 3))
def test_looking_at_fewer_by_road_leaves_nobody_out(
    town: tuple[list[OpenRequest], list[FreeDriver]], nearest: int
) -> None:
    requests, drivers = town

    def served(most: int) -> int:
        found = list_candidates(requests, drivers, SETTINGS, nearest=most)
        return len(solve.assign([Pair(*pair, 60, 500) for pair in found], requests, drivers))

    assert served(nearest) == served(len(drivers))


@given(st.integers(1, 30), st.integers(1, 30), st.integers(1, 5))
def test_a_crowd_that_shares_its_nearest_drivers_is_served(riders: int, free: int, nearest: int) -> None:
    here = Point(60.17, 24.94)
    requests = [
        OpenRequest(trip_id=TripId(nr), at=here, class_id=CLASSES[0], is_cash=False, waited_s=0.0)
        for nr in range(riders)
    ]
    drivers = [
        FreeDriver(
            driver_id=DriverId(nr),
            at=Point(here.lat + nr * 0.0003, here.lon),
            class_ids=frozenset(CLASSES),
            takes_cash=True,
            idle_s=0.0,
        )
        for nr in range(free)
    ]
    found = list_candidates(requests, drivers, SETTINGS, nearest=nearest)
    assert len(found) <= riders * (nearest + 1)
    assert len(solve.assign([Pair(*pair, 60, 500) for pair in found], requests, drivers)) == min(riders, free)


@given(towns())
def test_nearest_first_leaves_no_request_with_a_free_driver(town: tuple[list[OpenRequest], list[FreeDriver]]) -> None:
    requests, drivers = town
    pairs = pairs_of(requests, drivers)
    chosen = solve.nearest_first(pairs, requests, drivers)
    served, taken = {pair.request for pair in chosen}, {pair.driver for pair in chosen}
    assert len(served) == len(taken) == len(chosen)
    assert all(pair.request in served or pair.driver in taken for pair in pairs)


@given(towns(), st.integers(1, 4), st.integers(1, 4))
def test_a_broadcast_keeps_its_bounds(
    town: tuple[list[OpenRequest], list[FreeDriver]], at_once: int, offers_per_driver: int
) -> None:
    requests, drivers = town
    pairs = pairs_of(requests, drivers)
    chosen = solve.broadcast(pairs, requests, drivers, at_once=at_once, offers_per_driver=offers_per_driver)
    for nr, request in enumerate(requests):
        assert request.held_by + sum(pair.request == nr for pair in chosen) <= max(at_once, request.held_by)
    for index, driver in enumerate(drivers):
        assert driver.held + sum(pair.driver == index for pair in chosen) <= max(offers_per_driver, driver.held)

from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.kernel.geo import Point, distance_m
from isotope.simulator.path import Path, nearby, offset, street_path, translated

HELSINKI = Point(60.17, 24.94)
AUCKLAND = Point(-36.85, 174.765)

places = st.builds(offset, st.just(HELSINKI), st.floats(-3000, 3000), st.floats(-3000, 3000))


def test_repeated_points_are_one() -> None:
    a, b = HELSINKI, offset(HELSINKI, 100, 0)
    assert Path([a, a, a, b, b, a]).points == (a, b, a)


def test_one_point_is_a_line_of_no_length() -> None:
    path = Path([HELSINKI, HELSINKI])
    assert path.length_m == 0
    assert path.at(0) == path.at(50) == path.end == HELSINKI


def test_no_point_is_no_path() -> None:
    with pytest.raises(ValueError, match="at least one point"):
        Path([])


@given(st.lists(places, min_size=1, max_size=12), st.floats(0, 1))
def test_one_is_as_far_along_as_one_went(points: list[Point], part: float) -> None:
    path = Path(points)
    along = part * path.length_m
    begun = Path([*(p for p, at in zip(path.points, path._at_m, strict=True) if at <= along), path.at(along)])
    assert begun.length_m == pytest.approx(along, rel=1e-3, abs=0.05)


@given(st.lists(places, min_size=1, max_size=12))
def test_before_the_start_and_beyond_the_end(points: list[Point]) -> None:
    path = Path(points)
    assert path.at(-5) == path.start == points[0]
    assert path.at(path.length_m + 5) == path.end == points[-1]


@given(st.floats(-2500, 2500), st.floats(-2500, 2500), st.floats(-2500, 2500), st.floats(-2500, 2500))
def test_distances_stay_true_when_a_line_is_moved(e1: float, n1: float, e2: float, n2: float) -> None:
    there = [offset(AUCKLAND, e1, n1), offset(AUCKLAND, e2, n2)]
    here = translated(there, AUCKLAND, HELSINKI)
    assert distance_m(*here) == pytest.approx(distance_m(*there), rel=0.003, abs=0.01)
    assert distance_m(here[0], HELSINKI) == pytest.approx(distance_m(there[0], AUCKLAND), rel=0.003, abs=0.01)


@given(places, st.floats(1, 3000), st.integers())
def test_nearby_is_near(point: Point, radius_m: float, seed: int) -> None:
    assert distance_m(point, nearby(point, radius_m, Random(seed))) <= radius_m * 1.002


@given(places, places, st.integers())
def test_streets_lead_there(start: Point, end: Point, seed: int) -> None:
    path = street_path(start, end, Random(seed))
    assert (path.start, path.end) == (start, end)
    assert path.length_m >= distance_m(start, end) - 0.01
    assert path.length_m <= distance_m(start, end) * 1.5 + 0.01


@given(st.lists(places, min_size=1, max_size=12), st.floats(0, 1))
def test_the_two_parts_of_a_line_are_the_line(points: list[Point], part: float) -> None:
    path = Path(points)
    first, second = path.split(part * path.length_m)
    assert (first.start, second.end) == (path.start, path.end)
    assert first.end == second.start
    assert first.length_m + second.length_m == pytest.approx(path.length_m, rel=1e-3, abs=0.05)

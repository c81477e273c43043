"""The way of a ride as it is shown."""

from itertools import pairwise
from math import hypot

from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.sharing.route import Coarseness, blur, coarsen, hide_ends, simplify, to_flat
from isotope.kernel.geo import Point, distance_m

# A city: some ten kilometres, so that metres are flat.
places = st.lists(
    st.builds(Point, st.floats(60.15, 60.25), st.floats(24.8, 25.0)), max_size=40
)  # fmt: skip
metres = st.floats(0, 2_000)


def on_one_line(nr: int) -> Point:
    return Point(60.17 + nr * 0.001, 24.94)


def off_m(place: tuple[float, float], start: tuple[float, float], end: tuple[float, float]) -> float:
    """How far from the piece between two, the slow way."""
    along = (end[0] - start[0], end[1] - start[1])
    length = along[0] ** 2 + along[1] ** 2
    part = 0.0 if not length else ((place[0] - start[0]) * along[0] + (place[1] - start[1]) * along[1]) / length
    part = max(0.0, min(1.0, part))
    return hypot(place[0] - start[0] - part * along[0], place[1] - start[1] - part * along[1])


def test_a_straight_way_is_two_places() -> None:
    way = [on_one_line(nr) for nr in range(20)]
    assert simplify(way, 1) == [way[0], way[-1]]


def test_a_corner_stays_and_a_wobble_goes() -> None:
    # 0.0001 degrees of latitude are 11 m, 0.001 are 111 m.
    way = [Point(60.17, 24.94), Point(60.1701, 24.95), Point(60.17, 24.96), Point(60.18, 24.96)]
    assert simplify(way, 20) == [way[0], way[2], way[3]]
    assert simplify(way, 5) == way


@given(places, metres)
def test_what_is_left_is_part_of_it_and_nothing_is_farther_off_than_said(way: list[Point], tolerance_m: float) -> None:
    kept = simplify(way, tolerance_m)
    assert (kept[:1], kept[-1:]) == (way[:1], way[-1:])
    if tolerance_m == 0:
        assert kept == way
    # In the same order: each kept place is found after the one before it.
    rest = iter(way)
    assert all(any(place == other for other in rest) for place in kept)
    if len(kept) < 2:
        return
    flat = [(float(east), float(north)) for east, north in to_flat(way, way[0])]
    line = [(float(east), float(north)) for east, north in to_flat(kept, way[0])]
    pieces = list(pairwise(line))
    for place in flat:
        assert min(off_m(place, start, end) for start, end in pieces) <= tolerance_m + 1e-6


@given(places, st.floats(1, 500))
def test_the_grid_moves_a_place_by_less_than_its_width(way: list[Point], grid_m: float) -> None:
    for place in way:
        [moved] = blur([place], grid_m)
        assert distance_m(place, moved) <= grid_m * 0.72
        # It does not depend on where in the square one was, nor on the ride.
        assert blur([moved], grid_m) == [moved]
    assert len(blur(way, grid_m)) <= len(way)


@given(places, st.floats(1, 2_000))
def test_nothing_near_the_ends_is_shown(way: list[Point], hide_m: float) -> None:
    for place in hide_ends(way, hide_m):
        assert distance_m(way[0], place) >= hide_m
        assert distance_m(way[-1], place) >= hide_m


def test_all_of_it_together() -> None:
    way = [on_one_line(nr) for nr in range(20)]
    shown = coarsen(way, Coarseness(tolerance_m=10, blur_m=50, hide_m=250))
    assert len(shown) == 2
    # 0.001 degrees are 111 m: the first and last two places are hidden, and the grid is 50 m wide.
    assert distance_m(shown[0], way[3]) < 40
    assert distance_m(shown[-1], way[-4]) < 40


def test_a_way_too_short_to_show_is_none() -> None:
    assert coarsen([], Coarseness()) == []
    assert coarsen([on_one_line(0)], Coarseness()) == []
    assert coarsen([on_one_line(0), on_one_line(1)], Coarseness(hide_m=500)) == []
    assert coarsen([on_one_line(0), on_one_line(0)], Coarseness(blur_m=10)) == []

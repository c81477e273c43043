"""Encoded ways: there and back, and thinned without going astray."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.kernel.geo import Point, distance_m
from isotope.kernel.polyline import decode, encode, thinned

# The example of the format's own description.
KNOWN = "_p~iF~ps|U_ulLnnqC_mqNvxq`@"
POINTS = [Point(38.5, -120.2), Point(40.7, -120.95), Point(43.252, -126.453)]

points = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
walks = st.lists(st.tuples(st.integers(-300, 300), st.integers(-300, 300)), min_size=2, max_size=300)


def test_the_known_example() -> None:
    assert encode(POINTS) == KNOWN
    assert decode(KNOWN) == POINTS
    assert decode("") == []


@given(st.lists(points, max_size=30))
def test_there_and_back(way: list[Point]) -> None:
    back = decode(encode(way))
    assert len(back) == len(way)
    assert all(abs(a.lat - b.lat) < 1e-5 and abs(a.lon - b.lon) < 1e-5 for a, b in zip(way, back, strict=True))


@pytest.mark.parametrize("text", ["\x1f", "é", "_p~iF", "_", "_p~iF~"])
def test_what_is_no_way(text: str) -> None:
    with pytest.raises(ValueError, match="not an encoded way"):
        decode(text)


@given(walks, st.integers(40, 400))
def test_a_thinned_way_fits_and_keeps_its_ends(steps: list[tuple[int, int]], most: int) -> None:
    at, way = Point(60.17, 24.94), []
    for north, east in steps:
        at = Point(at.lat + north * 1e-5, at.lon + east * 1e-5)
        way.append(at)
    text = encode(way)
    found = thinned(text, most)
    assert len(found) <= most or len(decode(found)) == 2
    whole, kept = decode(text), decode(found)
    assert (kept[0], kept[-1]) == (whole[0], whole[-1])
    assert [point for point in kept if point not in whole] == []
    if len(text) <= most:
        assert found == text


def test_bends_that_say_nothing_go_first() -> None:
    straight = [Point(60.17 + nr * 1e-4, 24.94) for nr in range(100)]
    way = [*straight, Point(60.18, 24.96)]
    kept = decode(thinned(encode(way), 60))
    assert kept == [way[0], straight[-1], way[-1]] or len(kept) <= 4
    assert min(distance_m(point, straight[-1]) for point in kept) < 15

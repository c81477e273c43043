"""Distances on the globe."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.kernel.geo import EARTH_RADIUS_M, Point, distance_m

POINTS = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))


@pytest.mark.parametrize(
    ("a", "b", "metres"),
    [
        (Point(60.1699, 24.9384), Point(60.1699, 24.9384), 0),
        # Helsinki to Tallinn, by any great-circle calculator.
        (Point(60.1699, 24.9384), Point(59.4370, 24.7536), 82_150),
        (Point(0, 0), Point(0, 180), 20_015_115),
        (Point(0, 179.9995), Point(0, -179.9995), 111),
    ],
)
def test_known_distances(a: Point, b: Point, metres: float) -> None:
    assert distance_m(a, b) == pytest.approx(metres, rel=1e-3, abs=0.5)


@given(a=POINTS, b=POINTS)
def test_there_and_back_is_as_far_and_never_more_than_half_around(a: Point, b: Point) -> None:
    assert distance_m(a, b) == pytest.approx(distance_m(b, a))
    assert 0 <= distance_m(a, b) <= 3.1416 * EARTH_RADIUS_M

"""Of many points at once the same is said as of each alone."""

from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.rental.model import Station, StationId, StationSpec
from isotope.domain.rental.places import place_of, station_at, stations_at
from isotope.kernel.geo import Point
from isotope.kernel.ids import OperatorId
from tests.kit.fleet import HOME, square

TOLERANCE_M = 50.0

# Around a point of low, high and very high latitude: some 4 km north to south.
lats, lons = st.floats(-0.02, 0.02), st.floats(-0.02, 0.02)
offsets = st.tuples(lats, lons)
middles = st.sampled_from([HOME, Point(0.01, -0.01), Point(-78.0, 120.0)])


def station(number: int, point: Point, *, size_m: float, is_circle: bool) -> Station:
    return Station(
        operator_id=OperatorId(1),
        id=StationId(number),
        ref=str(number),
        title="",
        point=point,
        area=None if is_circle else square(point, size_m),
        radius_m=size_m if is_circle else None,
        spec=StationSpec(),
    )


@given(middles, st.lists(st.tuples(offsets, st.floats(5.0, 800.0), st.booleans()), max_size=8), st.lists(offsets))
def test_many_points(
    middle: Point, drawn: list[tuple[tuple[float, float], float, bool]], points: list[tuple[float, float]]
) -> None:
    stations = [
        station(number, Point(middle.lat + lat, middle.lon + lon), size_m=size_m, is_circle=is_circle)
        for number, ((lat, lon), size_m, is_circle) in enumerate(drawn, 1)
    ]
    places = [(one.id, place_of(one)) for one in stations]
    # Beside those drawn, points just inside and outside of the tolerance.
    asked = [Point(middle.lat + lat, middle.lon + lon) for lat, lon in points]
    for one in stations:
        reach_m = (one.radius_m or 0.0) + TOLERANCE_M
        asked += [Point(one.point.lat + off_m / 111_195.0, one.point.lon) for off_m in (reach_m - 0.1, reach_m + 0.1)]
    assert stations_at(places, asked, TOLERANCE_M) == [station_at(places, point, TOLERANCE_M) for point in asked]

import polyline as oracle
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.simulator.polyline import PolylineError, decode

latitudes = st.integers(-90 * 10**5, 90 * 10**5).map(lambda v: v / 1e5)
longitudes = st.integers(-180 * 10**5, 180 * 10**5).map(lambda v: v / 1e5)


def test_the_example_of_the_published_algorithm() -> None:
    points = decode("_p~iF~ps|U_ulLnnqC_mqNvxq`@")
    assert [(p.lat, p.lon) for p in points] == [(38.5, -120.2), (40.7, -120.95), (43.252, -126.453)]


@given(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=30))
def test_it_reads_what_another_implementation_writes(line: list[tuple[float, float]]) -> None:
    assert [(p.lat, p.lon) for p in decode(oracle.encode(line, 5))] == line


@given(st.lists(st.tuples(latitudes, longitudes), min_size=1, max_size=10))
def test_precision_six(line: list[tuple[float, float]]) -> None:
    assert [(p.lat, p.lon) for p in decode(oracle.encode(line, 6), precision=6)] == line


def test_no_text_is_no_points() -> None:
    assert decode("") == []


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("_p~iF", "no longitude"),
        ("_p~iF~ps|", "middle of a number"),
        ("_p~iF ps|U", "character 6"),
        ("_p~iF\x7fps|U", "character 6"),
        (oracle.encode([(91.0, 0.0)]), "off the globe"),
        (oracle.encode([(0.0, 181.0)]), "off the globe"),
    ],
)
def test_what_is_no_polyline_is_refused(text: str, says: str) -> None:
    with pytest.raises(PolylineError, match=says):
        decode(text)


@given(st.text(max_size=40))
def test_any_text_gives_points_or_the_refusal(text: str) -> None:
    try:
        points = decode(text)
    except PolylineError:
        return
    assert all(-90 <= p.lat <= 90 and -180 <= p.lon <= 180 for p in points)

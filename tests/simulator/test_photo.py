"""Simulated riders send photos that are photos."""

from isotope.adapters.pictures import read_picture
from isotope.simulator.photo import HEIGHT, WIDTH, parked_photo


def test_each_is_a_good_picture_and_another() -> None:
    sent = [parked_photo(ride_id) for ride_id in range(1, 20)]
    for content in sent:
        kept = read_picture(content)
        assert (kept.width, kept.height, kept.faults) == (WIDTH, HEIGHT, ())
    assert len(set(sent)) == len(sent)

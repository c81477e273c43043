from decimal import Decimal
from random import Random

import phonenumbers
import pytest

from isotope.kernel.geo import Point
from isotope.simulator.api import ApiRefused
from isotope.simulator.app import amount, fine_offered, nearest_legal, new_phone


def test_numbers_of_simulated_riders_could_exist() -> None:
    rng = Random(1)
    numbers = {new_phone(rng) for _ in range(3000)}
    wrong = [n for n in numbers if not phonenumbers.is_valid_number(phonenumbers.parse(f"+{n[0]}{n[1]}"))]
    assert wrong == []
    assert len(numbers) > 2990


@pytest.mark.parametrize(("text", "value"), [("2.60", "2.60"), ("2.60 EUR", "2.60"), ("EUR 12", "12"), ("free", "0")])
def test_the_amount_in_a_price(text: str, value: str) -> None:
    assert amount(text) == Decimal(value)


def test_where_a_refusal_says_that_one_may_park() -> None:
    details = {"nearest_parking": {"coordinates": {"latitude": 60.1, "longitude": 24.9}, "distance_m": 12.0}}
    assert nearest_legal(ApiRefused(409, "end_refused_no_go_zone", "", details)) == Point(60.1, 24.9)
    assert nearest_legal(ApiRefused(409, "end_refused_no_go_zone", "", {"nearest_parking": None})) is None
    assert nearest_legal(ApiRefused(409, "debt_open", "", details)) is None


def test_for_what_fine_a_ride_may_be_ended() -> None:
    details = {"fine": {"amount": "15.00", "currency": "EUR"}}
    assert fine_offered(ApiRefused(409, "end_refused_no_parking_zone_fine", "", details)) == "15.00"
    assert fine_offered(ApiRefused(409, "end_refused_no_go_zone", "", {"fine": None})) is None
    assert fine_offered(ApiRefused(409, "debt_open", "", {})) is None

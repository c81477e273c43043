"""The limit of a vehicle that zones and money want slow at once."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.devices.model import Capability, CommandName, ValueSpec
from isotope.domain.fleet import ModelSpec
from isotope.domain.sharing.speeds import speed_wanted

TAKES = Capability(command=CommandName.SPEED_LIMIT, value=ValueSpec(type="integer", min=5, max=63))
SCOOTER = ModelSpec(max_speed_kmh=25, capabilities=(TAKES,))


@pytest.mark.parametrize(
    ("zones", "money", "kmh"),
    [
        (None, None, 25),
        (10, None, 10),
        (None, 6, 7),
        (10, 6, 7),
        (10, 15, 10),
        (15, 10, 10),
        (40, None, 25),
        (40, 30, 25),
        (3, None, 7),
    ],
)
def test_the_lowest_of_both(zones: int | None, money: int | None, kmh: int) -> None:
    assert speed_wanted(SCOOTER, zones, money) == {"kmh": kmh}


def test_units_that_take_little_or_nothing() -> None:
    assert speed_wanted(ModelSpec(max_speed_kmh=25), 10) is None
    assert speed_wanted(msgspec.structs.replace(SCOOTER, max_speed_kmh=None), None) == {"kmh": 63}
    assert speed_wanted(msgspec.structs.replace(SCOOTER, max_speed_kmh=None), 12) == {"kmh": 12}
    # A limit that would stop it in traffic is never sent, and no limit makes it faster than its model.
    assert speed_wanted(msgspec.structs.replace(SCOOTER, max_speed_kmh=6), 3) == {"kmh": 6}


@given(st.none() | st.integers(1, 60), st.none() | st.integers(3, 25))
def test_the_end_of_one_leads_back_to_the_other(zones: int | None, money: int | None) -> None:
    both, one, other = speed_wanted(SCOOTER, zones, money), speed_wanted(SCOOTER, zones), speed_wanted(SCOOTER, money)
    assert both is not None
    assert both in (one, other)
    assert both["kmh"] == min(limit["kmh"] for limit in (one, other) if limit is not None)

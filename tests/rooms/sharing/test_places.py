"""What a rider has open, as the store has it, and the places that it takes."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from isotope.domain.sharing.places import OpenPlace, free_place, list_open_places
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import VehicleId
from isotope.kernel.vehicle_types import VehicleType
from tests.kit.samples import make_world


def taken(*places: int) -> list[OpenPlace]:
    return [
        OpenPlace(
            kind="ride",
            id=place,
            place=place,
            vehicle_id=VehicleId(place),
            vehicle_type=VehicleType.SCOOTER,
            payment_method_id="wallet",
        )
        for place in places
    ]


@pytest.mark.parametrize(
    ("places", "limit", "free"),
    [((), 1, 1), ((1,), 1, None), ((1,), 2, 2), ((2,), 2, 1), ((1, 3), 5, 2), ((1, 2, 3), 3, None), ((7,), 3, 1)],
)
def test_the_lowest_free_place(places: tuple[int, ...], limit: int, free: int | None) -> None:
    assert free_place(taken(*places), limit) == free


@given(places=st.sets(st.integers(1, 20)), limit=st.integers(1, 20))
def test_a_place_is_given_exactly_while_one_is_free(places: set[int], limit: int) -> None:
    free = free_place(taken(*places), limit)
    assert (free is None) is (set(range(1, limit + 1)) <= places)
    if free is not None:
        assert free not in places
        assert 1 <= free <= limit
        assert set(range(1, free)) <= places


@pytest.mark.asyncio
async def test_rides_and_reservations_are_listed_with_type_and_payer_each_operators_alone(rt: Runtime) -> None:
    world, other = await asyncio.gather(make_world(rt), make_world(rt))
    async with rt.db.read() as tx:
        opened = await list_open_places(tx, world.kit.operator.id, world.rider.id)
        assert await list_open_places(tx, other.kit.operator.id, world.rider.id) == []
    found = [(one.kind, one.id, one.place, one.vehicle_type, one.payment_method_id) for one in opened]
    assert sorted(found) == [
        ("reservation", world.reservation_id, 2, VehicleType.SCOOTER, None),
        ("ride", world.ride_id, 1, VehicleType.SCOOTER, "wallet"),
    ]
    assert {one.vehicle_id for one in opened} == {world.fleet.vehicle_ids[0], world.fleet.vehicle_ids[-1]}

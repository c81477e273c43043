"""Vehicles that are only rented for given dates: nobody rides or reserves them on the spot."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from isotope.infra.runtime import Runtime
from tests.kit.city import small_city
from tests.kit.fleet import HOME, SPEC


@pytest.mark.parametrize("path", ["sharing/start-ride", "sharing/reserve-vehicle"])
async def test_they_are_not_taken_on_the_spot(rt: Runtime, tmp_path: Path, path: str) -> None:
    async with small_city(rt, tmp_path, spec=replace(SPEC, sharing=False)) as city:
        rider = await city.rider()
        where = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        answer = await city.ask(rider, path, where)
        assert (answer.status_code, answer.json()["code"]) == (409, "vehicle_rental_only")
        assert await city.vehicle_status() == ("READY", None)
        assert await city.rides() == []

"""Real trips through the whole system: register, pay in, find, start, ride, park, pay."""

from pathlib import Path

import pytest

from isotope.cli._books import check_books
from isotope.simulator.city import CityPlan
from isotope.simulator.replay_city import replay_in_city
from isotope.simulator.trips import read_trips, sample
from tests.journeys.kit.store import open_rides, vehicles_held
from tests.journeys.kit.system import DEMO_CITY, running_system
from tests.journeys.kit.trips import recorded_trips

TRIPS = 25


@pytest.mark.journey
async def test_recorded_trips_are_ridden_and_paid_and_leave_nothing_open(tmp_path: Path) -> None:
    trips = sample(read_trips(recorded_trips()), TRIPS)
    with running_system(tmp_path / "data") as system:
        plan = CityPlan(
            folder=DEMO_CITY,
            api=system.api,
            gateway_host=system.gateway_host,
            gateway_port=system.gateway_port,
            public_key="demo-public",
            secret_key="demo-secret",
            riders=8,
            speed_factor=200,
            seed=1,
        )
        summary = await replay_in_city(plan, trips)
        books = await check_books(system.database_url)
        left_open, held = await open_rides(system.database_url), await vehicles_held(system.database_url)
    assert summary.faults() == []
    assert summary.rides == TRIPS
    assert summary.paid > 0
    assert summary.ridden_m == pytest.approx(summary.recorded_m + summary.detour_m, rel=0.02)
    assert summary.unexplained == []
    assert set(summary.refusals) <= {
        "end_refused_no_go_zone",
        "end_refused_no_parking_zone",
        "end_refused_outside_parking",
    }
    assert books.faults == []
    assert (left_open, held) == (0, 0)


def test_every_recorded_trip_can_be_read() -> None:
    trips = read_trips(recorded_trips())
    assert len(trips) > 490
    lines_m = sum(trip.path.length_m for trip in trips)
    assert lines_m == pytest.approx(sum(trip.distance_m for trip in trips), rel=0.01)

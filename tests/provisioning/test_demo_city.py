"""The demo city: made by its generator, legal, and large enough for the trips that are replayed in it."""

import itertools
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from pathlib import Path
from zoneinfo import ZoneInfo

import msgspec
import pytest

from isotope.domain.rental.model import Station, StationDraft, StationId
from isotope.domain.rental.places import place_of, station_at
from isotope.domain.zones import Zone, ZoneDraft, ZoneIndex, ZoneType, may_end_at
from isotope.infra.runtime import Runtime
from isotope.kernel.geo import Point, distance_m
from isotope.kernel.ids import OperatorId, ZoneId
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning import Folder, apply_folder, demo, plan_folder, read_folder
from isotope.simulator.trips import moved_to, read_trips

DEMO = Path(demo.__file__).parents[1] / "demo_city"
MONDAY = datetime(2026, 6, 1, 0, 30, tzinfo=UTC)


@pytest.fixture(scope="module")
def folder() -> Folder:
    return read_folder(DEMO, {})


@pytest.fixture(scope="module")
def index(folder: Folder) -> ZoneIndex:
    operator_id = OperatorId(1)
    zones = [
        Zone(operator_id=operator_id, id=ZoneId(number), **msgspec.structs.asdict(draft))
        for number, draft in enumerate(folder.zones, 1)
    ]
    return ZoneIndex(operator_id, zones, time_zone=ZoneInfo(folder.operator.time_zone), version=1, changed_at=MONDAY)


def a_week(every_h: int) -> Iterator[datetime]:
    return (MONDAY + timedelta(hours=hour) for hour in range(0, 168, every_h))


def test_it_is_what_its_generator_makes() -> None:
    again = "run: python -m isotope.provisioning.demo src/isotope/demo_city"
    assert (DEMO / "zones.geojson").read_text(encoding="utf-8") == demo.zones_text(), again
    assert (DEMO / "vehicles.csv").read_text(encoding="utf-8") == demo.vehicles_text(), again
    assert (DEMO / "rental_zones.geojson").read_text(encoding="utf-8") == demo.stations_text(), again
    assert (DEMO / "taxi_vehicles.csv").read_text(encoding="utf-8") == demo.taxi_vehicles_text(), again
    assert (DEMO / "drivers.csv").read_text(encoding="utf-8") == demo.drivers_text(), again


def test_its_facts(folder: Folder) -> None:
    operator = folder.operator
    assert (operator.keys.public, operator.keys.secret) == ("demo-public", "demo-secret")
    ((email, role, password),) = [(member.email, member.role, member.password) for member in operator.staff]
    assert (email, role, password) == ("admin@demo.test", "owner", "demo-password")
    assert (operator.currency, operator.time_zone, operator.languages) == ("EUR", "Europe/Helsinki", ("en", "fi", "sv"))
    types = Counter(folder.models.models[row.model].vehicle_type for row in folder.vehicles)
    assert sum(types.values()) == 320
    assert set(types) == {
        VehicleType.SCOOTER,
        VehicleType.BIKE,
        VehicleType.E_BIKE,
        VehicleType.E_CARGO_BIKE,
        VehicleType.MOPED,
        VehicleType.CAR,
    }
    assert len(folder.models.models) >= 5
    assert all(row.device_identity and row.device_secret for row in folder.vehicles)


def test_its_rentals(folder: Folder) -> None:
    rented = [row for row in folder.vehicles if row.model in folder.rental.models]
    assert len(folder.rental.models) == 4
    assert len(folder.stations) == 3
    assert len(rented) == 20
    assert sum(folder.models.models[row.model].sharing for row in rented) == 4
    places = [(StationId(number), place_of(station(draft))) for number, draft in enumerate(folder.stations)]
    stands = Counter((row.model, station_at(places, Point(row.lat, row.lon), 0)) for row in rented)
    assert {model for model, _station in stands} == set(folder.rental.models)
    assert {where for _model, where in stands} == {0, 1, 2}, "every one stands in a station"
    assert len(stands) == 12, "and every model is at every station"
    assert any(draft.spec.opening for draft in folder.stations)
    assert any(draft.spec.closed for draft in folder.stations)
    assert any(package.windows for package in folder.rental.packages.values())
    assert any(addon.stock for addon in folder.rental.addons.values())
    assert all(tariff.deposit_minor for tariff in folder.rental.tariffs.values())


def test_its_taxis(folder: Folder) -> None:
    assert set(folder.taxi.classes) == {"standard", "green", "business", "van"}
    assert (len(folder.taxi_vehicles), len(folder.drivers)) == (60, 60)
    assert {ref for car in folder.taxi_vehicles for ref in car.class_refs} == set(folder.taxi.classes)
    assert all(
        max(folder.taxi.classes[ref].capacity for ref in car.class_refs) <= car.seats for car in folder.taxi_vehicles
    )
    assert {plate for driver in folder.drivers for plate in driver.plates} == {
        car.plate for car in folder.taxi_vehicles
    }
    assert len({driver.name for driver in folder.drivers}) == 60
    assert {driver.language for driver in folder.drivers} == set(folder.operator.languages)
    assert {driver.cash for driver in folder.drivers} == {True, False}


def station(draft: StationDraft) -> Station:
    return Station(operator_id=OperatorId(1), id=StationId(1), **msgspec.structs.asdict(draft))


def test_it_has_zones_of_every_type_and_shape(folder: Folder) -> None:
    assert {zone.zone_type for zone in folder.zones} == set(ZoneType)
    assert 35 <= len(folder.zones) <= 50

    def holes(zone: ZoneDraft) -> int:
        return len(zone.area["coordinates"]) - 1 if zone.area else 0

    assert any(zone.zone_type is ZoneType.NO_GO_ZONE and holes(zone) for zone in folder.zones)
    assert sum(holes(zone) > 0 for zone in folder.zones) > 2
    assert any(zone.radius_m for zone in folder.zones)
    assert any(zone.spec.windows for zone in folder.zones)


def test_zones_overlap(folder: Folder, index: ZoneIndex) -> None:
    spot = Point(*demo.SPOTS["kamppi"])
    found = {
        zone.ref for vehicle_type in VehicleType for at in a_week(6) for zone in index.zones_at(spot, vehicle_type, at)
    }
    assert {"parking-scooters", "parking-bikes-centre", "station-kamppi", "paid-centre", "slow-centre-night"} <= found


def test_every_vehicle_stands_where_its_ride_could_end_at_any_hour(folder: Folder, index: ZoneIndex) -> None:
    wrong = [
        (row.nr, at, no.reason)
        for row, at in itertools.product(folder.vehicles, a_week(3))
        if (
            no := may_end_at(
                index,
                Point(row.lat, row.lon),
                folder.models.models[row.model].vehicle_type,
                at,
                model_ref=row.model,
            )
        )
    ]
    assert wrong == []


def test_the_recorded_trips_can_be_ridden_and_ended(index: ZoneIndex) -> None:
    """Few end in a forbidden island, and none of these far from a legal place; none leaves the service area."""
    source = Path(str(files("flamingo_escooter"))) / "data" / "flamingo_trip_dataset_sample.csv"
    trips = moved_to(read_trips(source), Point(*demo.CENTRE))
    far = max(distance_m(Point(*demo.CENTRE), point) for trip in trips for point in trip.line)
    assert far < demo.SERVICE_RADIUS_M - 1_000
    for at in a_week(12):
        refused = [no for trip in trips if (no := may_end_at(index, trip.line[-1], VehicleType.SCOOTER, at))]
        assert 0 < len(refused) < len(trips) / 20
        assert all(no.nearest is not None and no.nearest.distance_m < 100 for no in refused)


async def test_it_is_applied_and_applying_it_again_changes_nothing(rt: Runtime, folder: Folder) -> None:
    applied = await apply_folder(rt, folder)
    assert applied.made_keys == {}
    assert (await plan_folder(rt, folder)).changes == ()

"""Rentals of a folder against the real store."""

from collections.abc import Callable
from datetime import timedelta
from itertools import product
from pathlib import Path
from typing import Any

import pytest

from isotope.domain.rental.model import (
    Booking,
    BookingStatus,
    BookingTerms,
    Rates,
    RentalTariff,
    RentalTariffId,
    StationId,
)
from isotope.domain.rental.store import insert_booking, next_booking_id
from isotope.domain.tenants import Operator, get_operator_by_slug
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import ModelId, OperatorId, VehicleId
from isotope.kernel.vehicle_types import VehicleType
from isotope.provisioning import Action, Applied, Kind, Plan, apply_folder, plan_folder, read_folder
from isotope.provisioning.rental_files import tariff_of
from tests.kit.riders import make_rider
from tests.provisioning.folders import ExampleFolder

RENTAL, STATIONS = "rental.yaml", "rental_zones.geojson"
KINDS = (Kind.RENTAL_TARIFF, Kind.RENTAL_PACKAGE, Kind.RENTAL_ADDON, Kind.RENTAL_MODEL, Kind.STATION)
NAMES = {
    (Kind.RENTAL_TARIFF, "day"),
    (Kind.RENTAL_TARIFF, "e-bike"),
    (Kind.RENTAL_PACKAGE, "weekend"),
    (Kind.RENTAL_ADDON, "bag"),
    (Kind.RENTAL_ADDON, "seat"),
    (Kind.RENTAL_MODEL, "gull"),
    (Kind.STATION, "main-hall"),
    (Kind.STATION, "harbour"),
}
TABLES = ("rental_tariff", "rental_package", "rental_addon", "rental_zone")


@pytest.fixture
def example(tmp_path: Path) -> ExampleFolder:
    return ExampleFolder(tmp_path / "one")


async def put(rt: Runtime, example: ExampleFolder) -> Applied:
    return await apply_folder(rt, read_folder(example.path, example.environ))


async def look(rt: Runtime, example: ExampleFolder) -> Plan:
    return await plan_folder(rt, read_folder(example.path, example.environ))


async def operator_of(rt: Runtime, example: ExampleFolder) -> Operator:
    async with rt.db.read() as tx:
        return await get_operator_by_slug(tx, example.slug)


async def rows(rt: Runtime, example: ExampleFolder, sql: Any) -> list[Any]:
    operator = await operator_of(rt, example)
    async with rt.db.read() as tx:
        return await tx.tuples(sql, {"id": operator.id})


def rentals(plan: Plan, action: Action) -> set[tuple[Kind, str]]:
    return {(change.kind, change.name) for change in plan.changes if change.kind in KINDS and change.action is action}


def notes(plan: Plan) -> dict[str, str]:
    return {change.name: change.note for change in plan.changes if change.action is Action.WAITING}


@pytest.mark.parametrize(
    ("own", "types", "default", "found"),
    [
        ("mine", {VehicleType.CAR: "cars"}, "all", "mine"),
        ("mine", {VehicleType.CAR: "cars"}, None, "mine"),
        ("mine", {}, "all", "mine"),
        ("mine", {}, None, "mine"),
        ("", {VehicleType.CAR: "cars"}, "all", "cars"),
        ("", {VehicleType.CAR: "cars"}, None, "cars"),
        ("", {VehicleType.VAN: "vans"}, "all", "all"),
        ("", {}, "all", "all"),
        ("", {VehicleType.VAN: "vans"}, None, None),
        ("", {}, None, None),
    ],
)
def test_a_model_has_its_own_tariff_else_its_types_else_the_default(
    own: str, types: dict[VehicleType, str], default: str | None, found: str | None
) -> None:
    assert tariff_of(own, VehicleType.CAR, types, default) == found


async def test_everything_is_in_the_store_and_a_second_time_nothing_changes(
    rt: Runtime, example: ExampleFolder
) -> None:
    plan = await look(rt, example)
    assert rentals(plan, Action.CREATED) == NAMES
    assert (await put(rt, example)).plan == plan
    assert (await look(rt, example)).changes == ()
    assert await rows(
        rt,
        example,
        """
        select m.ref, t.ref, r.spec ->> 'minimum_energy_pct', r.retired_at from rental_model r
          join vehicle_model m on m.operator_id = r.operator_id and m.id = r.model_id
          join rental_tariff t on t.operator_id = r.operator_id and t.id = r.tariff_id
         where r.operator_id = %(id)s
        """,
    ) == [("gull", "e-bike", "40", None)]
    assert await rows(
        rt, example, "select ref, lat, lon, radius_m from rental_zone where operator_id = %(id)s order by ref"
    ) == [("harbour", 60.1602, 24.9552, None), ("main-hall", 60.1711, 24.9412, 80.0)]


BELONGS = """
    select v.nr, z.ref from rental_vehicle r
      join vehicle v on v.operator_id = r.operator_id and v.id = r.vehicle_id
      join rental_zone z on z.operator_id = r.operator_id and z.id = r.zone_id
     where r.operator_id = %(id)s order by v.nr
"""


async def test_vehicles_of_rented_models_belong_to_the_station_that_they_stand_in(
    rt: Runtime, example: ExampleFolder
) -> None:
    example.write(
        "vehicles.csv", example.read("vehicles.csv") + "2002,gull,60.1605,24.956,,,,\n2003,gull,60.2,24.9,,,,\n"
    )
    await put(rt, example)
    assert await rows(rt, example, BELONGS) == [("2001", "main-hall"), ("2002", "harbour")]
    # The station grows over one that stood beside it.
    example.replace(STATIONS, '"radius_m": 80', '"radius_m": 5000')
    await put(rt, example)
    assert await rows(rt, example, BELONGS) == [("2001", "main-hall"), ("2002", "main-hall"), ("2003", "main-hall")]


async def test_a_change_is_shown_field_by_field(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace(RENTAL, "types: {E_BIKE: e-bike}\n", "")
    example.replace(RENTAL, "hour_minor: 250", "hour_minor: 260")
    example.replace(STATIONS, '"lead_min": 240', '"lead_min": 120')
    example.replace(STATIONS, "[24.9552, 60.1602]", "[24.9553, 60.1602]")
    plan = await look(rt, example)
    assert {
        (change.name, field.field, str(field.before), str(field.after))
        for change in plan.changes
        for field in change.fields
    } == {
        ("e-bike", "rates.hour_minor", "250", "260"),
        ("gull", "priced_by", "e-bike", "day"),
        ("harbour", "lead_min", "240", "120"),
        ("harbour", "pin", "[24.9552, 60.1602]", "[24.9553, 60.1602]"),
    }
    await put(rt, example)
    assert (await look(rt, example)).changes == ()


async def test_what_is_no_longer_named_is_retired_and_comes_back_under_its_id(
    rt: Runtime, example: ExampleFolder
) -> None:
    await put(rt, example)
    ids = [
        await rows(rt, example, f"select ref, id from {table} where operator_id = %(id)s order by ref")
        for table in TABLES
    ]
    texts = {name: example.read(name) for name in (RENTAL, STATIONS)}
    example.without_rentals()
    plan = await look(rt, example)
    assert rentals(plan, Action.RETIRED) == NAMES
    await put(rt, example)
    assert (await look(rt, example)).is_empty
    assert await rows(rt, example, BELONGS) == []
    assert await rows(rt, example, "select status from vehicle where operator_id = %(id)s and nr = '2001'") == [
        ("READY",)
    ]

    for name, text in texts.items():
        example.write(name, text)
    assert rentals(await look(rt, example), Action.RESTORED) == NAMES
    await put(rt, example)
    assert ids == [
        await rows(rt, example, f"select ref, id from {table} where operator_id = %(id)s order by ref")
        for table in TABLES
    ]
    assert await rows(rt, example, BELONGS) == [("2001", "main-hall")]


async def book(rt: Runtime, example: ExampleFolder) -> Booking:
    """A booking of 2001 in a day, as it is stored, without money."""
    operator = await operator_of(rt, example)
    rider, now = await make_rider(rt, operator), rt.clock.now()
    async with rt.db.write() as tx:
        [(vehicle_id, model_id, zone_id, tariff_id)] = await tx.tuples(
            """
            select v.id, v.model_id, r.zone_id, m.tariff_id from vehicle v
              join rental_vehicle r on r.operator_id = v.operator_id and r.vehicle_id = v.id
              join rental_model m on m.operator_id = v.operator_id and m.model_id = v.model_id
             where v.operator_id = %(id)s and v.nr = '2001'
            """,
            {"id": operator.id},
        )
        return await insert_booking(
            tx,
            Booking(
                operator_id=OperatorId(operator.id),
                id=await next_booking_id(tx),
                rider_id=rider.id,
                vehicle_id=VehicleId(vehicle_id),
                model_id=ModelId(model_id),
                zone_id=StationId(zone_id),
                status=BookingStatus.UPCOMING,
                starts_at=now + timedelta(days=1),
                ends_at=now + timedelta(days=2),
                currency="EUR",
                terms=BookingTerms(
                    tariff_id=RentalTariffId(tariff_id),
                    tariff=RentalTariff(rates=Rates(day_minor=1)),
                    time_zone="Europe/Helsinki",
                ),
                payment_method_id="wallet",
                requested_at=now,
            ),
        )


async def end(rt: Runtime, booking: Booking) -> None:
    async with rt.db.write() as tx:
        await tx.execute(
            "update booking set status = 'CANCELLED', closed_at = requested_at, next_at = null"
            " where operator_id = %(operator_id)s and id = %(id)s",
            {"operator_id": booking.operator_id, "id": booking.id},
        )


async def test_what_is_booked_waits(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    booking = await book(rt, example)
    example.without_rentals()
    plan = (await put(rt, example)).plan
    waiting = {(Kind.STATION, "main-hall"), (Kind.RENTAL_MODEL, "gull"), (Kind.RENTAL_TARIFF, "e-bike")}
    assert rentals(plan, Action.WAITING) == waiting
    assert rentals(plan, Action.RETIRED) == NAMES - waiting
    assert notes(plan) == {
        "main-hall": "is retired once its bookings are over: 1",
        "gull": "is retired once its bookings are over: 1",
        "e-bike": "is retired once model gull no longer waits",
    }
    assert await rows(rt, example, BELONGS) == [("2001", "main-hall")]
    assert (await look(rt, example)).is_empty

    await end(rt, booking)
    assert rentals(await look(rt, example), Action.RETIRED) == waiting
    await put(rt, example)
    assert (await look(rt, example)).changes == ()


def leave_out(example: ExampleFolder) -> None:
    """The vehicle and its model."""
    example.without_rentals()
    example.write("vehicles.csv", example.read("vehicles.csv").split("2001,")[0])
    example.write("models.yaml", example.read("models.yaml").split("  gull:")[0])
    example.write("pricing.yaml", example.read("pricing.yaml").replace("  e-bike:", "  other:"))


def change_model(example: ExampleFolder) -> None:
    example.replace("vehicles.csv", "2001,gull", "2001,kite")


@pytest.mark.parametrize("change", [leave_out, change_model])
async def test_a_booked_vehicle_stays_what_it_is(
    rt: Runtime, example: ExampleFolder, change: Callable[[ExampleFolder], None]
) -> None:
    await put(rt, example)
    booking = await book(rt, example)
    change(example)
    plan = (await put(rt, example)).plan
    assert plan.names(Kind.VEHICLE, Action.WAITING) == {"2001"}
    of = "select m.ref, v.status, m.retired_at from vehicle v join vehicle_model m on m.operator_id = v.operator_id"
    nr = " and m.id = v.model_id where v.operator_id = %(id)s and v.nr = '2001'"
    assert await rows(rt, example, of + nr) == [("gull", "READY", None)]

    await end(rt, booking)
    await put(rt, example)
    assert (await look(rt, example)).changes == ()
    [(ref, status, retired_at)] = await rows(rt, example, of + nr)
    assert (ref, status, retired_at is None) in {("gull", "DEPRECATED", False), ("kite", "READY", True)}


async def test_another_code_of_a_booked_vehicle_does_not_wait(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    await book(rt, example)
    example.replace("vehicles.csv", "4711", "4712")
    plan = (await put(rt, example)).plan
    assert plan.names(Kind.VEHICLE, Action.CHANGED) == {"2001"}


async def test_prices_of_what_is_booked_change_at_once(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    await book(rt, example)
    example.replace(RENTAL, "hour_minor: 250", "hour_minor: 260")
    plan = (await put(rt, example)).plan
    assert rentals(plan, Action.CHANGED) == {(Kind.RENTAL_TARIFF, "e-bike")}


def test_a_station_without_a_pin_has_one_inside_it(example: ExampleFolder) -> None:
    example.replace(STATIONS, '"pin": [24.9552, 60.1602], ', "")
    [_hall, harbour] = read_folder(example.path, example.environ).stations
    assert 24.955 < harbour.point.lon < 24.957
    assert 60.160 < harbour.point.lat < 60.161


@pytest.mark.parametrize(("has_rental", "has_stations"), [*product((True, False), repeat=2)])
async def test_each_file_may_be_missing(
    rt: Runtime, example: ExampleFolder, has_rental: bool, has_stations: bool
) -> None:
    for name, stays in ((RENTAL, has_rental), (STATIONS, has_stations)):
        if not stays:
            (example.path / name).unlink()
    plan = (await put(rt, example)).plan
    assert rentals(plan, Action.CREATED) == {
        (kind, name) for kind, name in NAMES if (has_stations if kind is Kind.STATION else has_rental)
    }
    assert (await look(rt, example)).changes == ()

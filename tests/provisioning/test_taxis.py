"""Taxi classes, cars and drivers of a folder against the real store."""

from pathlib import Path
from typing import Any

import pytest

from isotope.domain.tenants import get_operator_by_slug
from isotope.infra.runtime import Runtime
from isotope.provisioning import Action, Applied, Kind, Plan, apply_folder, plan_folder, read_folder
from tests.kit.riders import make_rider
from tests.provisioning.folders import ExampleFolder

TAXI, CARS, DRIVERS = "taxi.yaml", "taxi_vehicles.csv", "drivers.csv"
KINDS = (Kind.TAXI_CLASS, Kind.TAXI_VEHICLE, Kind.DRIVER)
AAVA, OTSO = "358 451900001", "358 451900002"
NAMES = {
    (Kind.TAXI_CLASS, "boat"),
    (Kind.TAXI_CLASS, "ferry"),
    (Kind.TAXI_VEHICLE, "HRB-101"),
    (Kind.TAXI_VEHICLE, "HRB-102"),
    (Kind.DRIVER, AAVA),
    (Kind.DRIVER, OTSO),
}


@pytest.fixture
def example(tmp_path: Path) -> ExampleFolder:
    return ExampleFolder(tmp_path / "one")


async def put(rt: Runtime, example: ExampleFolder) -> Applied:
    return await apply_folder(rt, read_folder(example.path, example.environ))


async def look(rt: Runtime, example: ExampleFolder) -> Plan:
    return await plan_folder(rt, read_folder(example.path, example.environ))


def taxis(plan: Plan, action: Action) -> set[tuple[Kind, str]]:
    return {(change.kind, change.name) for change in plan.changes if change.kind in KINDS and change.action is action}


def notes(plan: Plan) -> dict[str, str]:
    return {change.name: change.note for change in plan.changes if change.action is Action.WAITING}


async def rows(rt: Runtime, example: ExampleFolder, sql: Any) -> list[Any]:
    """Of a statement that has the operator's slug as %(slug)s."""
    async with rt.db.read() as tx:
        return await tx.tuples(sql, {"slug": example.slug})


OF = "operator_id = (select id from operator where slug = %(slug)s)"
DRIVE = f"""
    select d.name, d.language, d.cash_allowed, d.commission_pct::float, d.status,
           array(select v.plate from driver_vehicle dv join taxi_vehicle v on v.id = dv.vehicle_id
                  where dv.driver_id = d.id order by v.plate)
      from driver d where d.{OF} order by d.id
"""


async def test_everything_is_in_the_store_and_a_second_time_nothing_changes(
    rt: Runtime, example: ExampleFolder
) -> None:
    plan = await look(rt, example)
    assert taxis(plan, Action.CREATED) == NAMES
    assert (await put(rt, example)).plan == plan
    assert (await look(rt, example)).changes == ()
    assert await rows(
        rt, example, f"select ref, spec ->> 'capacity', retired_at from taxi_class where {OF} order by ref"
    ) == [("boat", "4", None), ("ferry", "10", None)]
    assert await rows(
        rt,
        example,
        f"""
        select v.plate, v.seats, array(select c.ref from taxi_class c where c.id = any(v.class_ids) order by c.ref)
          from taxi_vehicle v where v.{OF} order by v.plate
        """,
    ) == [("HRB-101", 4, ["boat"]), ("HRB-102", 10, ["boat", "ferry"])]
    assert await rows(rt, example, DRIVE) == [
        ("Aava Laine", "fi", True, None, "ACTIVE", ["HRB-101", "HRB-102"]),
        ("Otso Salmi", "en", False, 15.0, "ACTIVE", ["HRB-102"]),
    ]


async def test_a_change_is_shown_field_by_field(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace(TAXI, "km_minor: 120", "km_minor: 130")
    example.replace(CARS, "10,boat ferry", "12,ferry")
    example.replace(DRIVERS, "false,15,HRB-102", "true,12.5,HRB-101 HRB-102")
    plan = await look(rt, example)
    assert {
        (change.name, field.field, str(field.before), str(field.after))
        for change in plan.changes
        for field in change.fields
    } == {
        ("boat", "tariff.km_minor", "120", "130"),
        ("HRB-102", "seats", "10", "12"),
        ("HRB-102", "classes", "['boat', 'ferry']", "['ferry']"),
        (OTSO, "cash", "False", "True"),
        (OTSO, "commission_pct", "15.0", "12.5"),
        (OTSO, "vehicles", "['HRB-102']", "['HRB-101', 'HRB-102']"),
    }
    await put(rt, example)
    assert (await look(rt, example)).changes == ()
    assert (await rows(rt, example, DRIVE))[1] == (
        "Otso Salmi",
        "en",
        True,
        12.5,
        "ACTIVE",
        ["HRB-101", "HRB-102"],
    )


async def test_the_order_of_classes_and_cars_says_nothing(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    example.replace(CARS, "boat ferry", "ferry boat")
    example.replace(DRIVERS, "HRB-101 HRB-102", "HRB-102 HRB-101")
    assert (await look(rt, example)).changes == ()


async def ids(rt: Runtime, example: ExampleFolder) -> list[Any]:
    return [await rows(rt, example, f"select id from {table} where {OF} order by id") for table in TABLES]


TABLES = ("taxi_class", "taxi_vehicle", "driver")


async def test_what_is_no_longer_named_is_retired_and_comes_back_under_its_id(
    rt: Runtime, example: ExampleFolder
) -> None:
    await put(rt, example)
    before = await ids(rt, example)
    async with rt.db.write() as tx:
        await tx.execute(
            f"""
            insert into driver_token (token_hash, operator_id, driver_id, created_at, expires_at)
            select sha256(convert_to(id::text || phone, 'UTF8')), operator_id, id, now(), now() + interval '1 day'
              from driver where {OF}
            """,
            {"slug": example.slug},
        )
    texts = {name: example.read(name) for name in (TAXI, CARS, DRIVERS)}
    example.without_taxis()
    assert taxis(await look(rt, example), Action.RETIRED) == NAMES
    await put(rt, example)
    assert (await look(rt, example)).is_empty
    assert [row[4] for row in await rows(rt, example, DRIVE)] == ["RETIRED", "RETIRED"]
    assert await rows(rt, example, f"select 1 from driver_token where {OF}") == [], "and they are logged out"

    for name, text in texts.items():
        example.write(name, text)
    assert taxis(await look(rt, example), Action.RESTORED) == NAMES
    await put(rt, example)
    assert await ids(rt, example) == before
    assert [row[4] for row in await rows(rt, example, DRIVE)] == ["ACTIVE", "ACTIVE"]
    assert (await look(rt, example)).changes == ()


async def test_a_driver_whom_staff_blocked_stays_blocked(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    async with rt.db.write() as tx:
        await tx.execute(f"update driver set status = 'BLOCKED' where {OF}", {"slug": example.slug})
    example.replace(DRIVERS, "Aava Laine", "Aava Laine-Salo")
    await put(rt, example)
    [aava, _otso] = await rows(rt, example, DRIVE)
    assert (aava[0], aava[4]) == ("Aava Laine-Salo", "BLOCKED")


async def order(rt: Runtime, example: ExampleFolder, status: str) -> None:
    """A trip of the class boat that Aava drives, or is wanted for, with nothing in it but what it refers to."""
    async with rt.db.read() as tx:
        operator = await get_operator_by_slug(tx, example.slug)
    rider = await make_rider(rt, operator)
    async with rt.db.write() as tx:
        await tx.execute(
            f"""
            insert into trip (operator_id, rider_id, class_id, status, quote_id, payment, payment_method_id, currency,
                              terms, requested_at, driver_id, vehicle_id, wanted_driver_id)
            select d.operator_id, %(rider_id)s, c.id, %(status)s, gen_random_uuid(), 'CASH', 'cash', 'EUR', '{{}}', now(),
                   case when %(status)s <> 'REQUESTED' then d.id end,
                   case when %(status)s <> 'REQUESTED' then v.id end,
                   case when %(status)s = 'REQUESTED' then d.id end
              from driver d, taxi_class c, taxi_vehicle v
             where d.{OF} and d.name = 'Aava Laine' and c.{OF} and c.ref = 'boat' and v.{OF} and v.plate = 'HRB-101'
            """,
            {"slug": example.slug, "rider_id": rider.id, "status": status},
        )


@pytest.mark.parametrize("status", ["REQUESTED", "ACCEPTED"])
async def test_what_an_open_trip_refers_to_waits(rt: Runtime, example: ExampleFolder, status: str) -> None:
    await put(rt, example)
    await order(rt, example, status)
    example.without_taxis()
    plan = (await put(rt, example)).plan
    waiting = {(Kind.TAXI_CLASS, "boat"), (Kind.DRIVER, AAVA)}
    if status == "ACCEPTED":
        waiting.add((Kind.TAXI_VEHICLE, "HRB-101"))
    assert taxis(plan, Action.WAITING) == waiting
    assert taxis(plan, Action.RETIRED) == NAMES - waiting
    assert set(notes(plan).values()) == {"is retired once its trips are over: 1"}
    assert [row[4] for row in await rows(rt, example, DRIVE)] == ["ACTIVE", "RETIRED"]
    assert (await look(rt, example)).is_empty

    async with rt.db.write() as tx:
        await tx.execute(
            f"update trip set status = 'CANCELED', closed_at = requested_at where {OF}", {"slug": example.slug}
        )
    assert taxis(await look(rt, example), Action.RETIRED) == waiting
    await put(rt, example)
    assert (await look(rt, example)).changes == ()


async def test_a_car_in_which_somebody_is_online_waits(rt: Runtime, example: ExampleFolder) -> None:
    await put(rt, example)
    async with rt.db.write() as tx:
        await tx.execute(
            f"""
            insert into driver_state (operator_id, driver_id, is_online, vehicle_id, online_since)
            select d.operator_id, d.id, true, v.id, now() from driver d, taxi_vehicle v
             where d.{OF} and d.name = 'Aava Laine' and v.{OF} and v.plate = 'HRB-102'
            """,
            {"slug": example.slug},
        )
    example.replace(CARS, "HRB-102,Targa 32,blue,10,boat ferry\n", "")
    example.replace(DRIVERS, "HRB-101 HRB-102", "HRB-101")
    example.replace(DRIVERS, "15,HRB-102", "15,HRB-101")
    plan = (await put(rt, example)).plan
    assert notes(plan) == {"HRB-102": "is retired once nobody is online in it"}

    # Who is retired is no longer online.
    example.write(DRIVERS, example.read(DRIVERS).split("358,451900001")[0])
    await put(rt, example)
    await put(rt, example)
    assert (await look(rt, example)).changes == ()
    assert await rows(rt, example, f"select is_online, lat from driver_state where {OF}") == [(False, None)]


@pytest.mark.parametrize("missing", [(DRIVERS,), (CARS, DRIVERS), (TAXI, CARS, DRIVERS)])
async def test_files_may_be_missing(rt: Runtime, example: ExampleFolder, missing: tuple[str, ...]) -> None:
    gone = {TAXI: Kind.TAXI_CLASS, CARS: Kind.TAXI_VEHICLE, DRIVERS: Kind.DRIVER}
    for name in missing:
        (example.path / name).unlink()
    plan = (await put(rt, example)).plan
    left = {(kind, name) for kind, name in NAMES if kind not in {gone[file] for file in missing}}
    assert taxis(plan, Action.CREATED) == left
    assert (await look(rt, example)).changes == ()

"""Trips and drivers on the dashboard: every filter against a look at all rows, bookmarks, roles, files."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any

import pytest
import pytest_asyncio

from isotope.domain.taxi.model import TripStatus
from isotope.domain.tenants.model import Role, Settings, TaxiSettings
from tests.kit.clock import SettableClock
from tests.kit.drivers import HELSINKI, DriverKit, make_class, make_driver
from tests.kit.http import Api
from tests.kit.passengers import THERE, Passenger, make_passenger
from tests.kit.riders import make_rider
from tests.kit.staff import Desk, make_desk, make_subaccount

ENDED = {"ride_status": "RIDE_ENDED"}


@pytest_asyncio.fixture
async def rita(api: Api, clock: SettableClock) -> Passenger:
    return await make_passenger(api, clock, settings=Settings(taxi=TaxiSettings(open_per_rider=20)))


@dataclass(frozen=True, slots=True)
class Town:
    """Forty trips that are over, with anything that lists ask for, and every row of the store."""

    desk: Desk
    rita: Passenger
    rows: list[dict[str, Any]]


async def ids(desk: Desk, **body: Any) -> list[int]:
    return [one["ride_id"] for one in (await desk.ok("taxi/rides", {**ENDED, "page_length": 100, **body}))["data"]]


async def make_town(rita: Passenger) -> Town:
    """Trips are ordered over HTTP once, and then changed row by row: all kinds of distances, times and words."""
    rt, rng = rita.api.services.rt, Random(5)
    names = ["José Peña", "Ada Lovelace", "Åke Ström", "Rita Rider"]
    riders = [
        await make_rider(rt, rita.operator, name=name, email=f"r{nr}@example.test") for nr, name in enumerate(names)
    ]
    drivers = [await make_driver(rt, rita.operator, name=name, class_id=rita.comfort) for name in ("Aino A", "Béla B")]
    template = await rita.order()
    async with rt.db.write() as tx:
        for nr in range(40):
            at = rita.clock.now() - timedelta(hours=7 * nr)
            seconds = rng.choice([60, 300, 900, 3_600])
            driver = rng.choice(drivers)
            await tx.execute(
                """
                insert into trip (operator_id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, payment,
                                  payment_method_id, currency, terms, comment, requested_at, started_at, ended_at,
                                  closed_at, outcome, closed_by, driven_m, rating, rating_comment, rated_at)
                select operator_id, %(rider)s, %(class)s, 'ENDED', gen_random_uuid(), %(driver)s, %(vehicle)s, payment,
                       payment_method_id, currency, terms, '=1+1', %(at)s, %(at)s, %(ended)s, %(ended)s, 'driven',
                       'driver:1', %(driven)s, %(rating)s, %(words)s, case when %(rating)s::smallint is null then null else %(at)s end
                  from trip where id = %(template)s
                """,
                {
                    "rider": rng.choice(riders).id,
                    "class": rng.choice([rita.comfort, rita.van]),
                    "driver": driver.id,
                    "vehicle": driver.vehicle_id,
                    "at": at,
                    "ended": at + timedelta(seconds=seconds),
                    "driven": rng.choice([0, 500, 2_500, 12_000]),
                    "rating": (rating := rng.choice([None, 1, 3, 5])),
                    "words": rng.choice([None, "", "Fine"]) if rating else None,
                    "template": template,
                },
            )
        await tx.execute(
            """
            insert into trip_point (operator_id, trip_id, nr, lat, lon, title)
            select t.operator_id, t.id, p.nr, p.lat, p.lon, p.title
              from trip t join trip_point p on p.trip_id = %(template)s where t.status = 'ENDED' and t.operator_id = %(o)s
            """,
            {"template": template, "o": rita.operator.id},
        )
        rows = await tx.dicts(
            """
            select t.*, r.name as rider_name, r.email, r.phone, d.name as driver_name, v.plate
              from trip t join rider r on r.id = t.rider_id left join driver d on d.id = t.driver_id
              left join taxi_vehicle v on v.id = t.vehicle_id
             where t.operator_id = %(o)s and t.status = 'ENDED'
            """,
            {"o": rita.operator.id},
        )
    return Town(await make_desk(rt, rita.api, rita.kit), rita, rows)


def expected(town: Town, holds: Callable[[Mapping[str, Any]], bool]) -> list[int]:
    """Looked at one by one."""
    found = sorted((row for row in town.rows if holds(row)), key=lambda row: (row["requested_at"], row["id"]))
    return [row["id"] for row in reversed(found)]


def metres(row: Mapping[str, Any]) -> float:
    return float(row["driven_m"] or row["terms"]["distance_m"])


def minutes(row: Mapping[str, Any]) -> float:
    return float((row["ended_at"] - row["started_at"]).total_seconds() / 60)


async def test_every_filter_alone_and_some_together(rita: Passenger) -> None:
    town = await make_town(rita)
    day = "2026-05-28"
    cases: dict[str, tuple[dict[str, Any], Callable[[Mapping[str, Any]], bool]]] = {
        "nothing": ({}, lambda _row: True),
        "models": ({"models": [rita.van]}, lambda row: row["class_id"] == rita.van),
        "both models": ({"models": [rita.van, rita.comfort]}, lambda _row: True),
        "all models": ({"models": [0]}, lambda _row: True),
        "no model": ({"models": [999_999]}, lambda _row: False),
        "distance": ({"distance": {"from": 1, "to": 5}}, lambda row: 1_000 <= metres(row) <= 5_000),
        "from": ({"distance": {"from": 10, "to": None}}, lambda row: metres(row) >= 10_000),
        "duration": ({"duration": {"from": 5, "to": 15}}, lambda row: 5 <= minutes(row) <= 15),
        "feedback": ({"feedback": {"from": 2, "to": 3}}, lambda row: row["rating"] == 3),
        "rated": ({"feedback": {"from": 1, "to": 5}}, lambda row: row["rating"] is not None),
        "available": ({"comments": "AVAILABLE"}, lambda row: bool(row["rating_comment"])),
        "empty": ({"comments": "EMPTY"}, lambda row: not row["rating_comment"]),
        "all": ({"comments": "ALL"}, lambda _row: True),
        "a day": ({"date_range": {"from": day, "to": day}}, lambda row: local_day(row) == day),
        "since": ({"date_range": {"from": day, "to": None}}, lambda row: local_day(row) >= day),
        "until": ({"date_range": {"from": None, "to": day}}, lambda row: local_day(row) <= day),
        "rider": ({"search": "pena jose"}, lambda row: row["rider_name"] == "José Peña"),
        "rider's mail": ({"search": "r1@EXAMPLE"}, lambda row: row["rider_name"] == "Ada Lovelace"),
        "rider's phone": ({"search": "phone"}, lambda _row: False),
        "driver": ({"search": "bela b"}, lambda row: row["driver_name"] == "Béla B"),
        "nobody": ({"search": "nobody at all"}, lambda _row: False),
        "together": (
            {"models": [rita.comfort], "feedback": {"from": 3, "to": None}, "distance": {"from": 0, "to": 3}},
            lambda row: row["class_id"] == rita.comfort and (row["rating"] or 0) >= 3 and metres(row) <= 3_000,
        ),
    }
    plate, number = town.rows[3]["plate"], town.rows[7]["id"]
    cases["plate"] = ({"search": plate}, lambda row: row["plate"] == plate)
    cases["number"] = ({"search": str(number)}, lambda row: str(number) in row["phone"] or row["id"] == number)
    for name, (body, holds) in cases.items():
        assert await ids(town.desk, **body) == expected(town, holds), name
    # The cases tell things apart: none but those about all rows finds all of them.
    found_all = {name for name, (_body, holds) in cases.items() if len(expected(town, holds)) == len(town.rows)}
    assert found_all == {"nothing", "both models", "all models", "all"}


def local_day(row: Mapping[str, Any]) -> str:
    return str((row["requested_at"] + timedelta(hours=3)).date())


async def test_all_bookmarks_while_trips_are_added(rita: Passenger) -> None:
    town = await make_town(rita)
    met: list[int] = []
    sent: dict[str, Any] = {}
    backwards: list[list[int]] = []
    pages = []
    for name in ("page_bookmark", "bookmark_next", "bookmark") * 10:
        page = await town.desk.ok("taxi/rides", {**ENDED, "page_length": 7, **sent})
        pages.append(page)
        met += [one["ride_id"] for one in page["data"]]
        rt = rita.api.services.rt
        async with rt.db.write() as tx:
            await tx.execute(
                """
                insert into trip (operator_id, rider_id, class_id, status, quote_id, driver_id, vehicle_id, payment,
                                  payment_method_id, currency, terms, requested_at, started_at, ended_at, closed_at)
                select operator_id, rider_id, class_id, status, gen_random_uuid(), driver_id, vehicle_id, payment,
                       payment_method_id, currency, terms, %(at)s, started_at, ended_at, closed_at
                  from trip where id = %(id)s
                """,
                {"at": rita.clock.now() + timedelta(minutes=len(met)), "id": town.rows[0]["id"]},
            )
            await tx.execute(
                """
                insert into trip_point (operator_id, trip_id, nr, lat, lon, title)
                select p.operator_id, (select max(id) from trip where operator_id = %(o)s), p.nr, p.lat, p.lon, p.title
                  from trip_point p where p.trip_id = %(id)s
                """,
                {"o": rita.operator.id, "id": town.rows[0]["id"]},
            )
        if not page["has_next_page"]:
            break
        sent = {name: page["bookmark_next"]}
    assert met == expected(town, lambda _row: True)
    assert [page["has_previous_page"] for page in pages] == [False] + [True] * (len(pages) - 1)
    for page in reversed(pages[1:]):
        before = await town.desk.ok("taxi/rides", {**ENDED, "page_length": 7, "bookmark": page["bookmark_previous"]})
        backwards.append([one["ride_id"] for one in before["data"]])
    assert backwards == [[one["ride_id"] for one in page["data"]] for page in reversed(pages[:-1])]
    assert await town.desk.refused("taxi/rides", {**ENDED, "bookmark": "made up"}) == (400, "validation_failed")
    other = (await town.desk.ok("taxi/drivers", {"page_length": 1}))["bookmark_next"]
    assert await town.desk.refused("taxi/rides", {**ENDED, "bookmark": other}) == (400, "validation_failed")


async def test_the_export_is_the_same_rows(rita: Passenger) -> None:
    town = await make_town(rita)
    page = await town.desk.ok("taxi/rides", {**ENDED, "export": True})
    assert [row["ride_id"] for row in page["data"]] == expected(town, lambda _row: True)
    answer = await rita.api.client.post(
        "/api/v2/admin/taxi/rides",
        json={**ENDED, "export": True},
        headers={"Authorization": f"Bearer {town.desk.token}", "Accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert [int(row["ride_id"]) for row in rows] == expected(town, lambda _row: True)
    assert list(rows[0]) == list(page["data"][0])
    assert {row["comment"] for row in rows} == {"'=1+1"}
    assert await town.desk.refused("taxi/rides", {**ENDED, "page_length": 101}) == (400, "validation_failed")


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.READ_ONLY])
async def test_who_does_not_see_people(rita: Passenger, role: Role) -> None:
    town = await make_town(rita)
    desk = await make_desk(rita.api.services.rt, rita.api, rita.kit, role)
    [*rides] = (await desk.ok("taxi/rides", {**ENDED, "page_length": 100}))["data"]
    assert {ride["customer"]["name"] for ride in rides} <= {"J. P.", "A. L.", "Å. S.", "R. R."}
    assert all(ride["customer"]["phone"].startswith("***") for ride in rides)
    assert all("***@" in ride["customer"]["email"] for ride in rides)
    assert {ride["driver"]["name"] for ride in rides} == {"A. A.", "B. B."}
    # Nor are they found by what is hidden.
    assert await ids(desk, search="lovelace") == []
    assert await ids(desk, search=town.rows[0]["plate"]) != []
    rows = (await desk.ok("taxi/rides", {**ENDED, "export": True}))["data"]
    assert not any("Lovelace" in str(row) or "r1@" in str(row) for row in rows)
    drivers = (await desk.ok("taxi/drivers", {}))["data"]
    assert {driver["name"] for driver in drivers} == {"A. A.", "B. B."}


async def test_staff_of_a_subaccount_see_no_taxis(rita: Passenger) -> None:
    rt = rita.api.services.rt
    desk = await make_desk(rt, rita.api, rita.kit, subaccount_id=await make_subaccount(rt, rita.kit))
    assert await desk.refused("taxi/rides", ENDED) == (403, "whole_operator_only")
    assert await desk.refused("taxi/drivers") == (403, "whole_operator_only")


async def test_each_status_shows_its_own(rita: Passenger) -> None:
    desk = await make_desk(rita.api.services.rt, rita.api, rita.kit)
    driver = await rita.driver()
    canceled = await rita.order()
    await rita.ok("cancel-ride", {"ride_id": canceled})
    started = await rita.order()
    await rita.accept(started, driver)
    await rita.drive(started, driver, TripStatus.STARTED)
    requested = await rita.order()
    for status, ride_id in {
        "RIDE_CANCELED": canceled,
        "RIDE_STARTED": started,
        "RIDE_REQUESTED": requested,
        "RIDE_ENDED": None,
        "RIDE_ACCEPTED": None,
        "DRIVER_ARRIVED": None,
        "SCHEDULED_RIDE": None,
    }.items():
        assert await ids(desk, ride_status=status) == ([] if ride_id is None else [ride_id]), status


async def drivers_of(rita: Passenger) -> list[DriverKit]:
    """Five: two that were heard of, one that was not lately, two at home."""
    rt = rita.api.services.rt
    other = await make_class(rt, rita.operator)
    made = []
    for nr, name in enumerate(("Aino Ahola", "Béla Bartók", "Carl Cederström", "Dora Dahl", "Eva Eklund")):
        made.append(await make_driver(rt, rita.operator, name=name, class_id=other if nr == 1 else rita.comfort))
        rita.clock.advance(minutes=1)
    await made[2].go_online(HELSINKI)
    rita.clock.advance(minutes=30)
    for nr in (0, 1):
        await made[nr].go_online(THERE)
    return made


async def test_drivers_by_every_filter(rita: Passenger) -> None:
    desk = await make_desk(rita.api.services.rt, rita.api, rita.kit)
    made = await drivers_of(rita)
    async with rita.api.services.rt.db.read() as tx:
        [(plate,)] = await tx.tuples("select plate from taxi_vehicle where id = %(id)s", {"id": made[3].vehicle_id})
        [(class_id,)] = await tx.tuples("select class_ids[1] from driver_state where driver_id = %s", (made[1].id,))
    cases: list[tuple[dict[str, Any], list[int]]] = [
        ({}, [4, 3, 2, 1, 0]),
        ({"filter": ["ONLINE"]}, [1, 0]),
        ({"filter": ["NO_CONNECTION"]}, [2]),
        ({"filter": ["OFFLINE"]}, [4, 3]),
        ({"filter": ["ONLINE", "OFFLINE"]}, [4, 3, 1, 0]),
        ({"filter": []}, [4, 3, 2, 1, 0]),
        ({"class_ids": [class_id]}, [1]),
        ({"class_ids": [0]}, [4, 3, 2, 1, 0]),
        ({"search": "bartok"}, [1]),
        ({"search": "CEDERSTROM carl"}, [2]),
        ({"search": plate}, [3]),
        ({"search": "aino", "filter": ["OFFLINE"]}, []),
    ]
    for body, wanted in cases:
        found = await desk.ok("taxi/drivers", body)
        assert [one["driver_id"] for one in found["data"]] == [made[nr].id for nr in wanted], body
        assert found["record_count"] == len(wanted), body
    pages = [await desk.ok("taxi/drivers", {"page": nr, "page_length": 2}) for nr in (1, 2, 3, 4)]
    assert [[one["driver_id"] for one in page["data"]] for page in pages] == [
        [made[4].id, made[3].id],
        [made[2].id, made[1].id],
        [made[0].id],
        [],
    ]
    assert [page["has_next_page"] for page in pages] == [True, True, False, False]
    again = await desk.ok("taxi/drivers", {"page_length": 2, "page_bookmark": pages[0]["bookmark_next"]})
    assert again["data"] == pages[1]["data"]


async def test_drivers_on_the_map_and_in_a_file(rita: Passenger) -> None:
    desk = await make_desk(rita.api.services.rt, rita.api, rita.kit)
    made = await drivers_of(rita)
    on_map = (await desk.ok("taxi/drivers", {"map_view": True, "filter": ["ONLINE"]}))["data"]
    assert [(one["id"], one["name"], one["coordinates"]["latitude"]) for one in on_map] == [
        (made[1].id, "Béla Bartók", THERE.lat),
        (made[0].id, "Aino Ahola", THERE.lat),
    ]
    assert "balance" not in on_map[0]
    rows = (await desk.ok("taxi/drivers", {"export": True}))["data"]
    assert [row["driver_id"] for row in rows] == [driver.id for driver in reversed(made)]
    assert [row["latitude"] for row in rows] == [None, None, HELSINKI.lat, THERE.lat, THERE.lat]

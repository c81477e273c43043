"""Rides on the dashboard: every filter against a look at all of them, bookmarks, roles, subaccounts, files."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.fleet import Fleet, make_fleet
from tests.kit.http import Api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.samples import make_running_ride
from tests.kit.staff import Desk, give_to_subaccount, make_desk, make_subaccount
from tests.kit.tenants import OperatorKit, make_operator

NAMES = ["José Peña", "Ada Lovelace", "Åke Ström"]
ENDED = {"ride_status": "ENDED"}
Row = Mapping[str, Any]

_INSERT = """
    insert into ride (operator_id, rider_id, vehicle_id, model_id, status, place, currency, terms, requested_at, started_at,
                      ended_at, start_lat, start_lon, end_lat, end_lon, start_odometer_m, distance_m, outcome, lines,
                      total_minor, tax_minor, charged_bonus_minor, charged_balance_minor, charged_card_minor, debt_minor,
                      review_status, review_reasons, parking_quality)
    values (%(o)s, %(rider)s, %(vehicle)s, %(model)s, %(status)s, 1, 'EUR', %(terms)s, %(at)s, %(at)s, %(ended)s, 60.1, 24.9,
            60.2, 24.95, 0, %(distance)s, %(outcome)s, '[]', %(total)s, 0, %(bonus)s, %(balance)s, 0, 0, %(review)s,
            %(reasons)s, %(parking)s)
    returning id
"""


@dataclass(frozen=True, slots=True)
class Past:
    """Sixty rides that are over, with anything that the list asks for, and what the store has of them."""

    kit: OperatorKit
    desk: Desk
    fleets: list[Fleet]
    riders: list[RiderKit]
    rows: list[dict[str, Any]]
    running: int


async def make_past(rt: Runtime, api: Api, clock: SettableClock) -> Past:
    rng, kit = Random(11), await make_operator(rt)
    fleets = [await make_fleet(rt, kit.operator, vehicles=2) for _ in range(2)]
    riders = [
        await make_rider(rt, kit.operator, name=name, email=f"q{nr}@example.test") for nr, name in enumerate(NAMES)
    ]
    running = await make_running_ride(rt, kit, riders[0], fleets[0])
    async with rt.db.write() as tx:
        terms = await tx.scalar("select terms from ride where id = %(id)s", {"id": running})
        for nr in range(60):
            fleet, at = rng.choice(fleets), clock.now() - timedelta(hours=5 * nr + 1)
            failed = nr % 10 == 0
            bonus, balance = rng.choice([0, 50]), rng.choice([100, 250])
            ride_id = await tx.scalar(
                _INSERT,
                {
                    "o": kit.operator.id,
                    "rider": rng.choice(riders).id,
                    "vehicle": rng.choice(fleet.vehicle_ids),
                    "model": fleet.model_id,
                    "status": "FAILED" if failed else "ENDED",
                    "terms": Jsonb(terms),
                    "at": at,
                    "ended": at + timedelta(seconds=rng.choice([30, 300, 1_200, 7_200])),
                    "distance": rng.choice([0, 900, 4_000, 20_000]),
                    "outcome": "not_unlocked" if failed else "by_rider",
                    "total": bonus + balance,
                    "bonus": bonus,
                    "balance": balance,
                    "review": None if failed else rng.choice([None, None, "IN_REVIEW", "APPROVED"]),
                    "reasons": ["photo_missing"],
                    "parking": rng.choice([None, None, "GOOD", "ACCEPTABLE", "BAD"]),
                },
            )
            if not failed and (rating := rng.choice([None, 1, 3, 5])):
                await tx.execute(
                    "insert into ride_rating (operator_id, ride_id, rider_id, rating, comment, at)"
                    " select operator_id, id, rider_id, %(rating)s, %(words)s, ended_at from ride where id = %(id)s",
                    {"id": ride_id, "rating": rating, "words": rng.choice(["", "=Fine", "So so"])},
                )
        rows = await tx.dicts(
            """
            select r.*, u.name, u.email, u.phone, v.nr, d.identity, a.comment
              from ride r join rider u on u.id = r.rider_id join vehicle v on v.id = r.vehicle_id
              join device d on d.id = v.device_id left join ride_rating a on a.ride_id = r.id
             where r.operator_id = %(o)s
            """,
            {"o": kit.operator.id},
        )
    return Past(kit, await make_desk(rt, api, kit), fleets, riders, rows, running)


def expected(past: Past, holds: Callable[[Row], bool], status: str = "ENDED") -> list[int]:
    def is_listed(row: Row) -> bool:
        match status:
            case "ENDED":
                return bool(row["status"] == "ENDED")
            case "IN_REVIEW":
                return bool(row["review_status"] == "IN_REVIEW")
            case _:
                return row["status"] not in ("ENDED", "FAILED")

    found = [row for row in past.rows if is_listed(row) and holds(row)]
    found.sort(key=lambda row: (row["requested_at"], row["id"]), reverse=True)
    return [row["id"] for row in found]


async def ids(desk: Desk, **body: Any) -> list[int]:
    return [one["id"] for one in (await desk.ok("rides", {**ENDED, "page_length": 100, **body}))["data"]]


def minutes(row: Row) -> float:
    return float((row["ended_at"] - row["started_at"]).total_seconds() / 60)


def day_of(row: Row) -> str:
    at: datetime = row["requested_at"] + timedelta(hours=3)
    return str(at.date())


def everything(_row: Row) -> bool:
    return True


async def test_every_filter_alone_and_some_together(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    second = past.fleets[1].model_id
    some = past.rows[7]
    day = day_of(some)
    cases: dict[str, tuple[dict[str, Any], Callable[[Row], bool]]] = {
        "nothing": ({}, everything),
        "model": ({"models": [second]}, lambda row: row["model_id"] == second),
        "models": ({"models": [second, past.fleets[0].model_id]}, everything),
        "all models": ({"models": [0]}, everything),
        "distance": ({"distance": {"from": 0.5, "to": 5}}, lambda row: 500 <= row["distance_m"] <= 5_000),
        "far": ({"distance": {"from": 10, "to": None}}, lambda row: row["distance_m"] >= 10_000),
        "duration": ({"duration": {"from": 1, "to": 20}}, lambda row: 1 <= minutes(row) <= 20),
        "long": ({"duration": {"from": 60, "to": None}}, lambda row: minutes(row) >= 60),
        "feedback": ({"feedback": {"from": 2, "to": 4}}, lambda row: row["rating"] == 3),
        "rated": ({"feedback": {"from": 1, "to": 5}}, lambda row: row["rating"] is not None),
        "available": ({"comments": "AVAILABLE"}, lambda row: bool(row["comment"])),
        "empty": ({"comments": "EMPTY"}, lambda row: not row["comment"]),
        "any comment": ({"comments": "ALL"}, everything),
        "good": ({"parking_quality": ["GOOD"]}, lambda row: row["parking_quality"] == "GOOD"),
        "not good": (
            {"parking_quality": ["BAD", "ACCEPTABLE"]},
            lambda row: row["parking_quality"] in ("BAD", "ACCEPTABLE"),
        ),
        "not rated": ({"parking_quality": ["NOT_RATED"]}, lambda row: row["parking_quality"] is None),
        "bad or not": ({"parking_quality": ["NOT_RATED", "BAD"]}, lambda row: row["parking_quality"] in (None, "BAD")),
        "any parking": ({"parking_quality": ["ALL", "BAD"]}, everything),
        "a day": ({"date_range": {"from": day, "to": day}}, lambda row: day_of(row) == day),
        "since": ({"date_range": {"from": day, "to": None}}, lambda row: day_of(row) >= day),
        "until": ({"date_range": {"from": None, "to": day}}, lambda row: day_of(row) <= day),
        "rider": ({"search": "PENA jose"}, lambda row: row["name"] == "José Peña"),
        "mail": ({"search": "q1@example"}, lambda row: row["name"] == "Ada Lovelace"),
        "phone": ({"search": some["phone"]}, lambda row: row["phone"] == some["phone"]),
        "vehicle": ({"search": some["nr"]}, lambda row: row["nr"] == some["nr"]),
        "imei": ({"search": some["identity"]}, lambda row: row["identity"] == some["identity"]),
        "nobody": ({"search": "xyzzy"}, lambda row: row["id"] < 0),
        "short": ({"search": "jo"}, lambda row: row["id"] < 0),
        "together": (
            {"search": "ada", "comments": "EMPTY", "distance": {"from": None, "to": 5}, "models": [second]},
            lambda row: (
                row["name"] == "Ada Lovelace"
                and not row["comment"]
                and row["distance_m"] <= 5_000
                and row["model_id"] == second
            ),
        ),
    }
    for name, (body, holds) in cases.items():
        assert await ids(past.desk, **body) == expected(past, holds), name
    whole = {name for name, (_body, holds) in cases.items() if expected(past, holds) == expected(past, everything)}
    assert whole == {"nothing", "models", "all models", "any comment", "any parking"}
    assert some["id"] in await ids(past.desk, search=str(some["id"]))


async def test_the_three_statuses(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    for status in ("ACTIVE", "ENDED", "IN_REVIEW"):
        found = await ids(past.desk, ride_status=status)
        assert found == expected(past, everything, status), status
    clock.advance(minutes=10)
    [active] = (await past.desk.ok("rides", {"ride_status": "ACTIVE"}))["data"]
    assert (active["id"], active["price"], active["end_time"], active["end_location"]) == (
        past.running,
        None,
        None,
        None,
    )
    assert (active["time"], active["duration_seconds"], active["kilometers"]) == ("10 min", 600, "0.0 km")
    assert await ids(past.desk, ride_status="ACTIVE", duration={"from": 9, "to": 11}) == [past.running]
    assert await ids(past.desk, ride_status="ACTIVE", duration={"from": 11, "to": None}) == []
    assert await past.desk.refused("rides", {}) == (400, "validation_failed")
    assert await past.desk.refused("rides", {"ride_status": "FAILED"}) == (400, "validation_failed")


async def test_what_is_shown(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    shown = {one["id"]: one for one in (await past.desk.ok("rides", {**ENDED, "page_length": 100}))["data"]}
    for row in past.rows:
        if row["status"] != "ENDED":
            continue
        one = shown[row["id"]]
        assert (one["vehicle_number"], one["vehicle_id"], one["vehicle_model_id"]) == (
            row["nr"],
            row["vehicle_id"],
            row["model_id"],
        )
        assert (one["user_name"], one["email"], one["phone"]) == (row["name"], row["email"], "358" + row["phone"])
        assert (one["price"], one["charged_bonus"], one["charged_balance"]) == (
            row["total_minor"] / 100,
            row["charged_bonus_minor"] / 100,
            row["charged_balance_minor"] / 100,
        )
        assert (one["kilometers"], one["distance_meters"]) == (f"{row['distance_m'] / 1000:.1f} km", row["distance_m"])
        assert (one["feedback"], one["comment"]) == (row["rating"], row["comment"] or None)
        assert one["end_location"] == {"latitude": 60.2, "longitude": 24.95}
        assert one["started_at"] == int(row["started_at"].timestamp())
        assert one["start_time"] == f"{row['started_at'] + timedelta(hours=3):%Y-%m-%d %H:%M:%S}"
        assert (one["review_status"], one["parking_quality"]) == (row["review_status"], row["parking_quality"])


async def test_photos_come_with_their_ride(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    first = expected(past, everything)[0]
    async with rt.db.write() as tx:
        for nr in range(2):
            await tx.execute(
                "insert into ride_image (operator_id, ride_id, blob_key, content_type, bytes, at)"
                " values (%(o)s, %(id)s, %(key)s, 'image/jpeg', 5, %(at)s)",
                {"o": past.kit.operator.id, "id": first, "key": f"{first}-{nr}", "at": clock.now()},
            )
    [one, *rest] = (await past.desk.ok("rides", ENDED))["data"]
    assert (one["id"], len(one["images"]), one["image"]) == (first, 2, one["images"][0])
    assert "/files/" in one["image"]
    assert {ride["image"] for ride in rest} == {None}


async def test_all_bookmarks_while_rides_are_added(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    met: list[int] = []
    pages: list[Any] = []
    sent: dict[str, str] = {}
    names = ["page_bookmark", "bookmark_next", "bookmark"]
    while True:
        pages.append(await past.desk.ok("rides", {**ENDED, "page_length": 7, **sent}))
        met += [one["id"] for one in pages[-1]["data"]]
        clock.advance(minutes=1)
        async with rt.db.write() as tx:
            await tx.execute(
                _INSERT,
                {
                    **dict.fromkeys(("outcome", "review", "parking")),
                    "o": past.kit.operator.id,
                    "rider": past.riders[0].id,
                    "model": past.fleets[0].model_id,
                    "vehicle": past.fleets[0].vehicle_id,
                    "status": "ENDED",
                    "terms": Jsonb(past.rows[0]["terms"]),
                    "at": clock.now(),
                    "ended": clock.now(),
                    "distance": 5,
                    "total": 0,
                    "bonus": 0,
                    "balance": 0,
                    "reasons": [],
                },
            )
        if not pages[-1]["has_next_page"]:
            break
        sent = {names[len(pages) % 3]: pages[-1]["bookmark_next"]}
    assert met == expected(past, everything)
    assert len(pages) > 6
    for before, page in pairwise(pages):
        back = await past.desk.ok("rides", {**ENDED, "page_length": 7, "bookmark": page["bookmark_previous"]})
        assert [one["id"] for one in back["data"]] == [one["id"] for one in before["data"]]
    other = await make_desk(rt, api, await make_operator(rt))
    assert await other.refused("rides", {**ENDED, **sent}) == (400, "validation_failed")


async def test_a_file(rt: Runtime, api: Api, clock: SettableClock) -> None:
    past = await make_past(rt, api, clock)
    answer = await api.client.post(
        "/api/v2/admin/rides",
        json={**ENDED, "export": True, "models": [past.fleets[0].model_id]},
        headers={"Authorization": f"Bearer {past.desk.token}", "Accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [int(row["id"]) for row in rows] == expected(past, lambda row: row["model_id"] == past.fleets[0].model_id)
    assert {row["comment"] for row in rows} <= {"", "'=Fine", "So so"}
    data = (await past.desk.ok("rides", {**ENDED, "export": True}))["data"]
    assert [one["id"] for one in data] == expected(past, everything)
    assert list(data[0]) == list(rows[0])


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.READ_ONLY])
async def test_who_does_not_see_people(rt: Runtime, api: Api, clock: SettableClock, role: Role) -> None:
    past = await make_past(rt, api, clock)
    desk = await make_desk(rt, api, past.kit, role)
    rides = (await desk.ok("rides", {**ENDED, "page_length": 100}))["data"]
    assert {one["user_name"] for one in rides} == {"J. P.", "A. L.", "Å. S."}
    assert all(one["phone"].startswith("***") and one["email"].startswith("q***@") for one in rides)
    assert await ids(desk, search="lovelace") == []
    assert await ids(desk, search=past.rows[3]["nr"]) != []
    rows = (await desk.ok("rides", {**ENDED, "export": True}))["data"]
    assert not any("Lovelace" in str(row) or "q1@" in str(row) for row in rows)


async def test_a_subaccount_sees_its_rides(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    east, west = await make_subaccount(rt, kit, "east"), await make_subaccount(rt, kit, "west")
    made = {}
    for name, subaccount in (("none", None), ("east", east), ("west", west)):
        fleet = await make_fleet(rt, kit.operator)
        await give_to_subaccount(rt, kit, subaccount, fleet.vehicle_ids)
        made[name] = await make_running_ride(rt, kit, await make_rider(rt, kit.operator, name="Ada"), fleet)
        clock.advance(minutes=1)
        # A ride stays with the subaccount in which it was ridden.
        await give_to_subaccount(rt, kit, None, fleet.vehicle_ids)
    active = {"ride_status": "ACTIVE"}
    for subaccount, wanted in ((None, ["west", "east", "none"]), (east, ["east"]), (west, ["west"])):
        desk = await make_desk(rt, api, kit, subaccount_id=subaccount)
        assert await ids(desk, **active) == [made[name] for name in wanted]
        assert await ids(desk, **active, search="ada") == [made[name] for name in wanted]
        for ride_id in made.values():
            found = await ids(desk, **active, search=str(ride_id))
            assert (ride_id in found) is (ride_id in [made[name] for name in wanted])

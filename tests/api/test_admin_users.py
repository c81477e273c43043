"""Riders on the dashboard: every filter against a look at all of them, bookmarks, roles, subaccounts, files."""

import csv
import io
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from random import Random
from typing import Any

import pytest

from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import SubaccountId
from tests.kit.clock import SettableClock
from tests.kit.fleet import make_fleet
from tests.kit.http import Api
from tests.kit.riders import make_rider
from tests.kit.samples import make_running_ride
from tests.kit.staff import Desk, give_to_subaccount, make_desk, make_subaccount
from tests.kit.tenants import OperatorKit, make_operator

NAMES = ["José Peña", "Ada Lovelace", "Åke Ström", "Rita Rider", "=cmd()", "Bo 100%_x"]
Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Crowd:
    """Riders with anything that the list asks for, and what the store has of them."""

    kit: OperatorKit
    desk: Desk
    rows: list[dict[str, Any]]
    now: datetime


async def make_crowd(rt: Runtime, api: Api, clock: SettableClock, count: int = 30) -> Crowd:
    rng, kit = Random(3), await make_operator(rt)
    start = clock.now()
    for nr in range(count):
        clock.set(start - timedelta(hours=50 * (count - nr)))
        rider = await make_rider(rt, kit.operator, name=rng.choice(NAMES), email=f"p{nr}@example.test")
        of: dict[str, Any] = {"o": kit.operator.id, "r": rider.id, "at": start}
        async with rt.db.write() as tx:
            # Balances are sums of entries, which are not what is looked at here.
            await tx.execute("set local session_replication_role = replica")
            for kind, amount in (
                ("RIDER_BALANCE", rng.choice([0, 500, 2_000])),
                ("RIDER_BONUS", rng.choice([0, 100])),
                ("RIDER_DEBT", rng.choice([0, 0, -700])),
            ):
                await tx.execute(
                    "insert into ledger_account (operator_id, kind, rider_id, currency, balance_minor)"
                    " values (%(o)s, %(kind)s, %(r)s, 'EUR', %(amount)s)",
                    {**of, "kind": kind, "amount": amount},
                )
            await tx.execute("set local session_replication_role = origin")
            for status in rng.choice([[], [], ["ACTIVE"], ["REMOVED"], ["REMOVED", "ACTIVE"]]):
                await tx.execute(
                    "insert into card (operator_id, rider_id, provider, customer_ref, card_ref, brand, last4, exp_month,"
                    " exp_year, status, created_at) values (%(o)s, %(r)s, 'sandbox', 'c', gen_random_uuid()::text, 'visa',"
                    " '4242', 1, 2030, %(status)s, %(at)s)",
                    {**of, "status": status},
                )
            status = rng.choice(["ACTIVE"] * 4 + ["BLOCKED", "DELETION_REQUESTED"])
            await tx.execute(
                "update rider set status = %(status)s::text, deletion_due_at ="
                " case when %(status)s::text = 'DELETION_REQUESTED' then %(at)s::timestamptz end"
                " where operator_id = %(o)s and id = %(r)s",
                {**of, "status": status},
            )
            if nr % 5 == 0:
                await tx.execute(
                    "insert into rider_licence (operator_id, rider_id, categories, checked_by, checked_at)"
                    " values (%(o)s, %(r)s, '{B,AM}', 'secret_key', %(at)s)",
                    of,
                )
            await tx.execute(
                "insert into rider_total (operator_id, subaccount_id, rider_id, rides, last_ride_at, rating_sum,"
                " rating_count) values (%(o)s, 0, %(r)s, %(rides)s, %(last)s, %(sum)s, %(count)s)",
                {
                    **of,
                    "rides": rng.choice([0, 1, 7]),
                    "last": rng.choice([None, start - timedelta(hours=3), start - timedelta(hours=30)]),
                    "sum": 0 if nr % 3 else 9,
                    "count": 0 if nr % 3 else 2,
                },
            )
    clock.set(start)
    async with rt.db.write() as tx:
        rows = await tx.dicts(
            """
            select r.*, t.rides, t.last_ride_at, t.rating_sum, t.rating_count,
                   (select sum(balance_minor)::bigint from ledger_account a where a.rider_id = r.id and kind <> 'RIDER_DEBT') as wallet,
                   (select -sum(balance_minor)::bigint from ledger_account a where a.rider_id = r.id and kind = 'RIDER_DEBT') as debt,
                   (select count(*) from card c where c.rider_id = r.id and c.status = 'ACTIVE') as cards
              from rider r join rider_total t on t.rider_id = r.id and t.subaccount_id = 0
             where r.operator_id = %(o)s
            """,
            {"o": kit.operator.id},
        )
    return Crowd(kit, await make_desk(rt, api, kit), rows, start)


def expected(crowd: Crowd, holds: Callable[[Row], bool]) -> list[int]:
    found = sorted((row for row in crowd.rows if holds(row)), key=lambda row: (row["created_at"], row["id"]))
    return [row["id"] for row in reversed(found)]


async def ids(desk: Desk, **body: Any) -> list[int]:
    return [row["id"] for row in (await desk.ok("users", {"page_length": 100, **body}))["data"]]


def slider(key: str, low: float | None, high: float | None) -> dict[str, Any]:
    return {"sliders": [{"key": key, "from": low, "to": high}]}


def hours(crowd: Crowd, row: Row) -> float:
    return float((crowd.now - row["last_ride_at"]).total_seconds() / 3600) if row["last_ride_at"] else -1


async def test_every_filter_alone_and_some_together(rt: Runtime, api: Api, clock: SettableClock) -> None:
    crowd = await make_crowd(rt, api, clock)
    some = crowd.rows[4]
    day = str(some["created_at"].astimezone(UTC).date())

    def everybody(_row: Row) -> bool:
        return True

    def is_on(row: Row) -> str:
        return str((row["created_at"] + timedelta(hours=3)).date())

    cases: dict[str, tuple[dict[str, Any], Callable[[Row], bool]]] = {
        "nothing": ({}, everybody),
        "all": ({"filter": ["ALL", "BLOCKED"]}, everybody),
        "debt": ({"filter": ["WITH_DEBT"]}, lambda row: row["debt"] > 0),
        "blocked": ({"filter": ["BLOCKED"]}, lambda row: row["status"] == "BLOCKED"),
        "deletion": ({"filter": ["DELETION_REQUESTED"]}, lambda row: row["status"] == "DELETION_REQUESTED"),
        "card": ({"filter": ["WITH_SAVED_CARD"]}, lambda row: row["cards"] > 0),
        "no card": ({"filter": ["WITHOUT_SAVED_CARD"]}, lambda row: row["cards"] == 0),
        "either": ({"filter": ["BLOCKED", "WITH_DEBT"]}, lambda row: row["status"] == "BLOCKED" or row["debt"] > 0),
        "wallet": (slider("wallet", 5, 10), lambda row: 500 <= row["wallet"] <= 1_000),
        "wallet from": (slider("wallet", 1, 1_000), lambda row: row["wallet"] >= 100),
        "wallet whole": (slider("wallet", -1_000, 1_000), everybody),
        "rides": (slider("rides", 1, 5), lambda row: 1 <= row["rides"] <= 5),
        "rides whole": (slider("rides", 0, 1_000), everybody),
        "feedback": (slider("feedback", 4, 5), lambda row: row["rating_count"] > 0),
        "feedback whole": (slider("feedback", 0, 5), everybody),
        "last ride": (slider("last_ride", 0, 24), lambda row: 0 <= hours(crowd, row) <= 24),
        "last ride long ago": (slider("last_ride", 24, 720), lambda row: hours(crowd, row) >= 24),
        "last ride whole": (slider("last_ride", 0, 720), everybody),
        "a day": ({"date_range": {"from": day, "to": day}}, lambda row: is_on(row) == day),
        "since": ({"date_range": {"from": day, "to": None}}, lambda row: is_on(row) >= day),
        "until": ({"date_range": {"from": None, "to": day}}, lambda row: is_on(row) <= day),
        "name": ({"search": "pena JOSE"}, lambda row: row["name"] == "José Peña"),
        "special": ({"search": "100%_x"}, lambda row: row["name"] == "Bo 100%_x"),
        "mail": ({"search": some["email"]}, lambda row: row["email"] == some["email"]),
        "phone": (
            {"search": f"+358 {some['phone'][:3]} {some['phone'][3:]}"},
            lambda row: row["phone"] == some["phone"],
        ),
        "nobody": ({"search": "xyzzy"}, lambda row: False),  # noqa: ARG005 - a case as the others
        "short": ({"search": "jo"}, lambda row: False),  # noqa: ARG005
        "together": (
            {"filter": ["WITH_SAVED_CARD"], "search": "ada", **slider("rides", 1, None)},
            lambda row: row["cards"] > 0 and row["name"] == "Ada Lovelace" and row["rides"] >= 1,
        ),
        "two sliders": (
            {"sliders": [*slider("rides", 1, None)["sliders"], *slider("wallet", None, 6)["sliders"]]},
            lambda row: row["rides"] >= 1 and row["wallet"] <= 600,
        ),
    }
    for name, (body, holds) in cases.items():
        assert await ids(crowd.desk, **body) == expected(crowd, holds), name
    whole = {name for name, (_body, holds) in cases.items() if len(expected(crowd, holds)) == len(crowd.rows)}
    assert whole == {"nothing", "all", *(name for name in cases if name.endswith("whole"))}
    assert some["id"] in await ids(crowd.desk, search=str(some["id"]))


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"filter": ["RICH"]}, "filter.0"),
        (slider("height", 1, 2), "sliders.0.key"),
        (slider("rides", 5, 2), "sliders.0.to"),
        ({"date_range": {"from": "2025-01-01", "to": "2026-06-01"}}, "date_range.to"),
        ({"date_range": {"from": "2026-06-02", "to": "2026-06-01"}}, "date_range.to"),
        ({"date_range": {"from": "2026-02-30", "to": None}}, "date_range.from"),
        ({"date_range": {"from": "1.6.2026", "to": None}}, "date_range.from"),
        ({"date_range": ["2026-06-01", "2026-06-02"]}, "date_range"),
        ({"date_range": {"start": "2026-06-01"}}, "date_range"),
        ({"page_length": 101}, "page_length"),
        ({"bookmark_next": "zzz"}, "bookmark_next"),
    ],
)
async def test_what_is_refused(rt: Runtime, api: Api, body: dict[str, Any], field: str) -> None:
    desk = await make_desk(rt, api, await make_operator(rt))
    answer = await desk.ask("users", body)
    assert answer.status_code == 400
    assert [fault["field"] for fault in answer.json()["errors"]] == [field]


async def test_what_is_shown(rt: Runtime, api: Api, clock: SettableClock) -> None:
    crowd = await make_crowd(rt, api, clock)
    shown = {row["id"]: row for row in (await crowd.desk.ok("users", {"page_length": 100}))["data"]}
    for row in crowd.rows:
        one = shown[row["id"]]
        assert (one["name"], one["email"], one["phone"]) == (row["name"], row["email"], "358" + row["phone"])
        assert (one["wallet"], one["debt"], one["rides"]) == (row["wallet"] / 100, row["debt"] / 100, row["rides"])
        assert one["wallet"] == one["balance"] + one["bonus"]
        assert one["saved_card"] == ("Yes" if row["cards"] else "No")
        assert (one["blocked"], one["status"]) == (row["status"] == "BLOCKED", row["status"])
        assert one["avg_feedback"] == (4.5 if row["rating_count"] else None)
        assert (one["currency_symbol"], one["currency_code"]) == ("€", "EUR")
    assert {(one["document"], one["document_addition"]) for one in shown.values()} == {
        (None, None),
        ("driving_licence", "AM, B"),
    }


async def test_all_bookmarks_while_riders_register(rt: Runtime, api: Api, clock: SettableClock) -> None:
    crowd = await make_crowd(rt, api, clock)
    met: list[int] = []
    pages: list[Any] = []
    sent: dict[str, str] = {}
    while True:
        pages.append(await crowd.desk.ok("users", {"page_length": 7, **sent}))
        met += [row["id"] for row in pages[-1]["data"]]
        clock.advance(minutes=1)
        await make_rider(rt, crowd.kit.operator)
        if not pages[-1]["has_next_page"]:
            break
        sent = {"bookmark_next": pages[-1]["bookmark_next"]}
    assert met == expected(crowd, lambda _row: True)
    for before, page in pairwise(pages):
        back = await crowd.desk.ok("users", {"page_length": 7, "page_bookmark": page["bookmark_previous"]})
        assert back["data"] == before["data"]
    other = await make_desk(rt, api, await make_operator(rt))
    assert await other.refused("users", sent) == (400, "validation_failed")


async def test_a_file(rt: Runtime, api: Api, clock: SettableClock) -> None:
    crowd = await make_crowd(rt, api, clock)
    answer = await api.client.post(
        "/api/v2/admin/users",
        json={"export": True},
        headers={"Authorization": f"Bearer {crowd.desk.token}", "Accept": "text/csv"},
    )
    rows = list(csv.DictReader(io.StringIO(answer.text, newline="")))
    assert [int(row["id"]) for row in rows] == expected(crowd, lambda _row: True)
    assert {row["name"] for row in rows if "cmd" in row["name"]} == {"'=cmd()"}
    data = (await crowd.desk.ok("users", {"export": True}))["data"]
    assert [one["id"] for one in data] == [int(row["id"]) for row in rows]


@pytest.mark.parametrize("role", [Role.OPERATOR, Role.READ_ONLY])
async def test_who_does_not_see_people(rt: Runtime, api: Api, clock: SettableClock, role: Role) -> None:
    crowd = await make_crowd(rt, api, clock)
    desk = await make_desk(rt, api, crowd.kit, role)
    data = (await desk.ok("users", {"page_length": 100}))["data"]
    assert {row["name"] for row in data} <= {"J. P.", "A. L.", "Å. S.", "R. R.", "=.", "B. 1."}
    assert all(row["phone"].startswith("***") and row["email"].startswith("p***@") for row in data)
    assert await ids(desk, search="lovelace") == []
    assert await ids(desk, search=crowd.rows[0]["phone"]) == []


async def test_a_subaccount_sees_who_rode_there(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    east, west = await make_subaccount(rt, kit, "east"), await make_subaccount(rt, kit, "west")
    riders = [await make_rider(rt, kit.operator, name=name) for name in ("Anna", "Berta", "Carla", "Dora")]
    places: list[tuple[SubaccountId | None, int]] = [(east, 0), (west, 0), (west, 1), (None, 2)]
    for subaccount, nr in places:
        fleet = await make_fleet(rt, kit.operator)
        await give_to_subaccount(rt, kit, subaccount, fleet.vehicle_ids)
        ride_id = await make_running_ride(rt, kit, riders[nr], fleet)
        async with rt.db.write() as tx:
            await tx.execute(
                "update ride set status = 'ENDED', ended_at = %(at)s, total_minor = 0, tax_minor = 0, lines = '[]',"
                " charged_bonus_minor = 0, charged_balance_minor = 0, debt_minor = 0 where id = %(id)s",
                {"at": clock.now(), "id": ride_id},
            )
    seen = {}
    for name, subaccount in (("all", None), ("east", east), ("west", west)):
        desk = await make_desk(rt, api, kit, subaccount_id=subaccount)
        seen[name] = {row["id"]: row["rides"] for row in (await desk.ok("users"))["data"]}
        found = await ids(desk, search="anna")
        assert found == [riders[0].id]
        assert await ids(desk, search="carla") == ([riders[2].id] if subaccount is None else [])
    assert seen == {
        "all": {riders[3].id: 0, riders[2].id: 1, riders[1].id: 1, riders[0].id: 2},
        "east": {riders[0].id: 1},
        "west": {riders[1].id: 1, riders[0].id: 1},
    }

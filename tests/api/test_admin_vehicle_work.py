"""Statuses by hand, who did it, and what happened to a vehicle."""

from typing import Any

import pytest

from isotope.domain.fleet import AlertKind, clear_alerts, raise_alert
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM
from tests.kit.clock import SettableClock
from tests.kit.fleet import HOME, Fleet, make_fleet
from tests.kit.http import Api
from tests.kit.riders import make_rider
from tests.kit.samples import make_running_ride
from tests.kit.staff import Desk, give_to_subaccount, make_desk, make_subaccount
from tests.kit.tenants import OperatorKit, make_operator

BY_HAND = [
    "READY",
    "NOT_READY",
    "DISCHARGED",
    "STOLEN",
    "NEED_INVESTIGATION",
    "NEED_SERVICE",
    "CHARGING",
    "TRANSPORTATION",
    "STORAGE",
    "DEPRECATED",
]


async def put(desk: Desk, body: dict[str, Any], key: str | None = None) -> tuple[int, Any]:
    headers = {"Authorization": f"Bearer {desk.token}"} | ({"Idempotency-Key": key} if key else {})
    answer = await desk.api.client.put("/api/v2/admin/vehicle/status", json=body, headers=headers)
    return answer.status_code, answer.json()


async def statuses(rt: Runtime, kit: OperatorKit) -> list[str]:
    async with rt.db.read() as tx:
        rows = await tx.tuples("select status from vehicle where operator_id = %s order by id", (kit.operator.id,))
    return [status for (status,) in rows]


async def make(rt: Runtime, api: Api, vehicles: int = 3) -> tuple[OperatorKit, Fleet, Desk]:
    kit = await make_operator(rt)
    return kit, await make_fleet(rt, kit.operator, vehicles=vehicles), await make_desk(rt, api, kit)


async def test_every_status_of_the_contract(rt: Runtime, api: Api) -> None:
    kit, fleet, desk = await make(rt, api, vehicles=1)
    for status in [*BY_HAND, "READY"]:
        code, said = await put(desk, {"status": status, "vehicle_id": fleet.vehicle_id})
        assert (code, said["status"], said["results"][0]["status"]) == (200, status, status)
        assert await statuses(rt, kit) == [status]
    for status in ("IN_USE", "RESERVED", "REBALANCING", "ready", ""):
        code, said = await put(desk, {"status": status, "vehicle_id": fleet.vehicle_id})
        assert (code, said["code"]) == (400, "validation_failed")


async def test_what_may_be_is_done_and_the_rest_says_why_not(rt: Runtime, api: Api) -> None:
    kit, fleet, desk = await make(rt, api)
    await make_running_ride(rt, kit, await make_rider(rt, kit.operator), fleet)
    other = await make_fleet(rt, (await make_operator(rt)).operator)
    named = [fleet.vehicle_ids[2], fleet.vehicle_ids[0], other.vehicle_id, fleet.vehicle_ids[1], fleet.vehicle_ids[2]]
    code, said = await put(desk, {"status": "STORAGE", "vehicle_ids": named}, key="once")
    assert code == 200
    assert [(one["vehicle_id"], one["is_changed"], one["status"], one["code"]) for one in said["results"]] == [
        (named[0], True, "STORAGE", None),
        (named[1], False, "IN_USE", "vehicle_held"),
        (named[2], False, None, "vehicle_not_found"),
        (named[3], True, "STORAGE", None),
    ]
    assert fleet.nrs[0] in said["results"][1]["message"]
    assert said["message"] == "2 of 4 vehicles: STORAGE from now on."
    assert await put(desk, {"status": "STORAGE", "vehicle_ids": named}, key="once") == (200, said)
    assert await statuses(rt, kit) == ["IN_USE", "STORAGE", "STORAGE"]
    # Nothing at all is a refusal.
    assert (await put(desk, {"status": "STORAGE", "vehicle_id": named[1]}))[1]["code"] == "vehicle_held"
    code, said = await put(desk, {"status": "STORAGE", "vehicle_ids": [other.vehicle_id]})
    assert (code, said["code"]) == (404, "vehicle_not_found")
    nothing: list[dict[str, Any]] = [{}, {"vehicle_ids": []}, {"vehicle_ids": None}]
    for body in nothing:
        assert (await put(desk, {"status": "STORAGE", **body}))[0] == 400


@pytest.mark.parametrize(("role", "code"), [(Role.OPERATOR, 200), (Role.SUPPORT, 403), (Role.READ_ONLY, 403)])
async def test_who_may(rt: Runtime, api: Api, role: Role, code: int) -> None:
    kit, fleet, _owner = await make(rt, api, vehicles=1)
    desk = await make_desk(rt, api, kit, role)
    assert (await put(desk, {"status": "CHARGING", "vehicle_id": fleet.vehicle_id}))[0] == code


async def test_the_log_says_who_what_and_where(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit, fleet, desk = await make(rt, api)
    second = await make_desk(rt, api, kit, Role.OPERATOR)
    began = int(clock.now().timestamp())
    clock.advance(minutes=1)
    await put(desk, {"status": "CHARGING", "vehicle_id": fleet.vehicle_ids[0]})
    clock.advance(days=2)
    await put(second, {"status": "STORAGE", "vehicle_ids": list(fleet.vehicle_ids)})
    log = (await desk.ok("employee-activity-log", {"filter": "VEHICLE_STATUS_CHANGE"}))["data"]
    assert [(row["vehicle_nr"], row["status_from"], row["status_to"]) for row in log] == [
        (fleet.nrs[2], "READY", "STORAGE"),
        (fleet.nrs[1], "READY", "STORAGE"),
        (fleet.nrs[0], "CHARGING", "STORAGE"),
        (fleet.nrs[0], "READY", "CHARGING"),
    ]
    first = log[3]
    assert (first["coordinates"], first["vehicle_battery"], first["last_iot_update_date"], first["last_ride_date"]) == (
        {"latitude": HOME.lat, "longitude": HOME.lon},
        80,
        began,
        None,
    )
    assert first["date"] == began + 60
    assert len({row["admin_id"] for row in log}) == 2
    # By who, by day, by vehicle, page by page.
    own = {"admin_id": first["admin_id"]}
    assert [row["id"] for row in (await desk.ok("employee-activity-log", own))["data"]] == [first["id"]]
    day = str(clock.now().date())
    today = await desk.ok("employee-activity-log", {"date_range": {"from": day, "to": day}})
    assert [row["id"] for row in today["data"]] == [row["id"] for row in log[:3]]
    of_one = await desk.ok("employee-activity-log", {"vehicle_id": fleet.vehicle_ids[0]})
    assert [row["id"] for row in of_one["data"]] == [log[2]["id"], log[3]["id"]]
    page = await desk.ok("employee-activity-log", {"page_length": 3})
    rest = await desk.ok("employee-activity-log", {"page_length": 3, "bookmark": page["bookmark_next"]})
    assert (page["data"], rest["data"]) == (log[:3], log[3:])
    back = await desk.ok("employee-activity-log", {"page_length": 3, "bookmark": rest["bookmark_previous"]})
    assert back["data"] == log[:3]


async def test_the_last_ride_before_it(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit, fleet, desk = await make(rt, api, vehicles=1)
    ended = []
    for _nr in range(2):
        ride_id = await make_running_ride(rt, kit, await make_rider(rt, kit.operator), fleet)
        clock.advance(minutes=10)
        ended.append(int(clock.now().timestamp()))
        async with rt.db.write() as tx:
            await tx.execute(
                """
                update ride set status = 'ENDED', ended_at = %(at)s, total_minor = 0, tax_minor = 0, lines = '[]',
                       charged_bonus_minor = 0, charged_balance_minor = 0, debt_minor = 0, distance_m = 700
                 where operator_id = %(o)s and id = %(id)s
                """,
                {"o": kit.operator.id, "id": ride_id, "at": clock.now()},
            )
            await tx.execute(
                "update vehicle set status = 'READY', held_by = null where operator_id = %s", (kit.operator.id,)
            )
        clock.advance(minutes=10)
        await put(desk, {"status": "CHARGING" if _nr else "READY", "vehicle_id": fleet.vehicle_id})
        await put(desk, {"status": "STORAGE" if _nr else "NOT_READY", "vehicle_id": fleet.vehicle_id})
        if not _nr:
            await put(desk, {"status": "READY", "vehicle_id": fleet.vehicle_id})
    log = (await desk.ok("employee-activity-log"))["data"]
    assert [row["last_ride_date"] for row in log] == [ended[1], ended[1], ended[0], ended[0]]


async def test_all_that_happened_to_a_vehicle(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit, fleet, desk = await make(rt, api, vehicles=2)
    vehicle_id = fleet.vehicle_id
    of = {"o": kit.operator.id, "v": vehicle_id, "r": (await make_rider(rt, kit.operator)).id}
    clock.advance(minutes=1)
    await put(desk, {"status": "NEED_SERVICE", "vehicle_ids": list(fleet.vehicle_ids)})
    clock.advance(minutes=1)
    async with rt.db.write() as tx:
        await raise_alert(tx, kit.operator.id, vehicle_id, AlertKind.CONTACT_LOST, actor=SYSTEM, now=clock.now())
        await tx.execute(
            "insert into vehicle_note (operator_id, vehicle_id, text, actor, at)"
            " values (%(o)s, %(v)s, 'Flat tyre', 'staff:999999', %(at)s)",
            {**of, "at": clock.now()},
        )
    clock.advance(minutes=1)
    async with rt.db.write() as tx:
        await clear_alerts(tx, kit.operator.id, vehicle_id, [AlertKind.CONTACT_LOST], clock.now())
        await tx.execute(
            "insert into damage_report (operator_id, rider_id, vehicle_id, category, status, at)"
            " values (%(o)s, %(r)s, %(v)s, 'brakes', 'IN_REVIEW', %(at)s)",
            {**of, "at": clock.now()},
        )
        await tx.execute(
            "insert into device_command (operator_id, device_id, name, actor, cause, moving_kmh, status, requested_at,"
            " expires_at, finished_at) values (%(o)s, %(d)s, 'ring', 'system', 'test', 5, 'DONE', %(at)s, %(at)s, %(at)s)",
            {**of, "d": fleet.device_id, "at": clock.now()},
        )
        await tx.execute(
            "update staff_task set stage = 'DONE', done_at = %(at)s, done_by = 'system' where operator_id = %(o)s",
            {**of, "at": clock.now()},
        )
    whole = (await desk.ok("vehicles/activity", {"vehicle_id": vehicle_id}))["data"]
    assert [(row["action"], row["description"]) for row in whole] == [
        ("command", "ring: DONE"),
        ("damage", "brakes (IN_REVIEW)"),
        ("alert_cleared", "CONTACT_LOST"),
        ("task_done", "Problem with IoT"),
        ("alert", "CONTACT_LOST"),
        ("task", "Problem with IoT (HIGH)"),
        ("note", "Flat tyre"),
        ("status", "READY to NEED_SERVICE"),
    ]
    assert whole[-1]["user"].endswith("@example.test")
    assert (whole[0]["user"], whole[1]["user"][:6]) == ("system", "rider:")
    met: list[Any] = []
    sent: dict[str, str] = {}
    for _page in range(5):
        page = await desk.ok("vehicles/activity", {"vehicle_id": vehicle_id, "page_length": 3, **sent})
        met += page["data"]
        if not page["has_next_page"]:
            break
        sent = {"bookmark": page["bookmark_next"]}
    assert met == whole
    other = {"vehicle_id": fleet.vehicle_ids[1], **sent}
    assert await desk.refused("vehicles/activity", other) == (400, "validation_failed")


async def test_a_subaccount_sees_and_changes_its_own(rt: Runtime, api: Api) -> None:
    kit, fleet, owner = await make(rt, api)
    east, west = await make_subaccount(rt, kit, "east"), await make_subaccount(rt, kit, "west")
    await give_to_subaccount(rt, kit, east, [fleet.vehicle_ids[0]])
    await give_to_subaccount(rt, kit, west, [fleet.vehicle_ids[1]])
    desk = await make_desk(rt, api, kit, subaccount_id=east)
    _code, said = await put(desk, {"status": "CHARGING", "vehicle_ids": list(fleet.vehicle_ids)})
    assert [one["code"] for one in said["results"]] == [None, "vehicle_not_found", "vehicle_not_found"]
    assert said["results"][1]["vehicle_nr"] is None
    await put(owner, {"status": "STORAGE", "vehicle_ids": list(fleet.vehicle_ids)})
    log = (await desk.ok("employee-activity-log"))["data"]
    assert [(row["vehicle_id"], row["status_to"]) for row in log] == [
        (fleet.vehicle_ids[0], "STORAGE"),
        (fleet.vehicle_ids[0], "CHARGING"),
    ]
    assert len((await owner.ok("employee-activity-log"))["data"]) == 4
    assert (await desk.ok("vehicles/activity", {"vehicle_id": fleet.vehicle_ids[0]}))["data"]
    for other in fleet.vehicle_ids[1:]:
        assert await desk.refused("vehicles/activity", {"vehicle_id": other}) == (404, "vehicle_not_found")


async def test_notes_on_a_vehicle(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit, fleet, desk = await make(rt, api, vehicles=2)
    other = await make_desk(rt, api, kit, Role.OPERATOR)
    body = {"vehicle_id": fleet.vehicle_id, "notes": "  Flat tyre, left "}
    first = (await desk.ok("vehicle/notes", body, key="one"))["data"]
    assert (await desk.ok("vehicle/notes", body, key="one"))["data"] == first
    assert (first["notes"], first["date"]) == ("Flat tyre, left", int(clock.now().timestamp()))
    clock.advance(minutes=1)
    second = (await other.ok("vehicle/notes", {**body, "notes": "Mended"}))["data"]
    assert (await desk.get("vehicle/notes", vehicle_id=fleet.vehicle_id))["data"] == [second, first]
    assert (await desk.get("vehicle/notes", vehicle_id=fleet.vehicle_ids[1]))["data"] == []
    assert first["created_by"] != second["created_by"]
    read_only = await make_desk(rt, api, kit, Role.READ_ONLY)
    assert (await read_only.get("vehicle/notes", vehicle_id=fleet.vehicle_id))["data"] == [second, first]
    assert await read_only.refused("vehicle/notes", body) == (403, "role_not_allowed")
    assert await desk.refused("vehicle/notes", {**body, "notes": "   "}) == (400, "validation_failed")
    assert await desk.refused("vehicle/notes", {**body, "notes": "x" * 4_001}) == (400, "validation_failed")
    stranger = await make_desk(rt, api, await make_operator(rt))
    assert await stranger.refused("vehicle/notes", body) == (404, "vehicle_not_found")
    east = await make_desk(rt, api, kit, subaccount_id=await make_subaccount(rt, kit))
    assert await east.refused("vehicle/notes", body) == (404, "vehicle_not_found")
    answer = await api.client.get(
        "/api/v2/admin/vehicle/notes",
        params={"vehicle_id": fleet.vehicle_id},
        headers={"Authorization": f"Bearer {east.token}"},
    )
    assert (answer.status_code, answer.json()["code"]) == (404, "vehicle_not_found")

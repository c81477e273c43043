"""Staff write to a rider: what arrives in which app, and who may."""

from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

import httpx2
import pytest

from isotope.domain.identity import PushFailed
from isotope.domain.tenants.model import Role
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.fleet import make_fleet
from tests.kit.http import OPENAPI, Api
from tests.kit.riders import RiderKit, make_rider
from tests.kit.samples import make_running_ride
from tests.kit.staff import Desk, give_to_subaccount, make_desk, make_subaccount
from tests.kit.tenants import OperatorKit, make_operator

SEND = "user/send-push-notification"


def app() -> str:
    return f"app-{uuid4().hex}"


async def say(api: Api, kit: OperatorKit, rider: RiderKit, token: str, **more: Any) -> httpx2.Response:
    """The rider's app tells where it is."""
    body = {"push_token": token, **more}
    return await api.post(f"{OPENAPI}/user/set-push-token", body, key=kit.public_key, token=rider.token)


async def said(api: Api, kit: OperatorKit, rider: RiderKit, token: str, **more: Any) -> str:
    answer = await say(api, kit, rider, token, **more)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["message"])


async def shown(api: Api, token: str) -> list[tuple[str, str]]:
    """What the app shows, newest first."""
    answer = await api.client.get("/dev/push-outbox", params={"token": token})
    return [(one["title"], one["body"]) for one in answer.json()]


def letter(rider: RiderKit, message: str = "Hello") -> dict[str, Any]:
    return {"title": "Title", "message": message, "user_id": rider.id}


async def texts(api: Api, *tokens: str) -> list[list[str]]:
    return [[body for _title, body in await shown(api, token)] for token in tokens]


async def test_a_notification_comes_to_every_app_of_the_rider_and_no_other(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, other = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    desk = await make_desk(rt, api, kit)
    phone, tablet, others = app(), app(), app()
    assert await said(api, kit, rider, phone) == "Notifications come to this device."
    await said(api, kit, rider, tablet)
    await said(api, kit, other, others)
    done = await desk.ok(SEND, letter(rider, "Äö 🛴"))
    assert done == {"status": 1, "message": "Sent to 2 of 2 devices.", "devices": 2, "sent": 2}
    assert await shown(api, phone) == await shown(api, tablet) == [("Title", "Äö 🛴")]
    assert await shown(api, others) == []


async def test_an_app_is_of_the_rider_who_said_it_last(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    before, after = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    desk = await make_desk(rt, api, kit)
    token = app()
    await said(api, kit, before, token)
    await said(api, kit, after, token)
    assert await desk.refused(SEND, letter(before)) == (409, "no_push_device")
    await desk.ok(SEND, letter(after, "yours"))
    assert await texts(api, token) == [["yours"]]


async def test_at_another_operator_the_same_app_is_another(rt: Runtime, api: Api) -> None:
    kits = [await make_operator(rt), await make_operator(rt)]
    riders = [await make_rider(rt, kit.operator) for kit in kits]
    token = app()
    for kit, rider in zip(kits, riders, strict=True):
        await said(api, kit, rider, token)
    for kit, rider in zip(kits, riders, strict=True):
        await (await make_desk(rt, api, kit)).ok(SEND, letter(rider, str(rider.id)))
    assert await texts(api, token) == [[str(riders[1].id), str(riders[0].id)]]
    stranger = await make_desk(rt, api, kits[0])
    assert await stranger.refused(SEND, letter(riders[1])) == (404, "user_not_found")


async def test_who_logs_out_of_an_app_gets_nothing_there(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, other = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    desk = await make_desk(rt, api, kit)
    left, kept = app(), app()
    for token in (left, kept, left):
        await said(api, kit, rider, token)
    # Somebody else's app is not theirs to switch off.
    await said(api, kit, other, kept, is_on=False)
    for _time in range(2):
        assert await said(api, kit, rider, left, is_on=False) == "No more notifications come to this device."
    assert (await desk.ok(SEND, letter(rider)))["devices"] == 1
    assert await texts(api, left, kept) == [[], ["Hello"]]


async def test_the_last_ten_apps_count(rt: Runtime, api: Api, clock: SettableClock) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    tokens = [app() for _ in range(12)]
    for token in [*tokens[:10], tokens[0], *tokens[10:]]:
        clock.advance(seconds=1)
        await said(api, kit, rider, token)
    assert (await desk.ok(SEND, letter(rider)))["sent"] == 10
    # The first was heard of again, so the second and the third are those that are left out.
    assert [bool(got) for got in await texts(api, *tokens)] == [True, False, False, *[True] * 9]


async def test_apps_that_are_gone_are_forgotten(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    token, gone = app(), f"gone-{app()}"
    await said(api, kit, rider, token)
    await said(api, kit, rider, gone)
    assert await desk.ok(SEND, letter(rider)) == {
        "status": 1,
        "message": "Sent to 1 of 1 devices.",
        "devices": 1,
        "sent": 1,
    }
    assert await tokens_of(rt, rider) == {token}
    await said(api, kit, rider, token, is_on=False)
    await said(api, kit, rider, gone)
    assert await desk.refused(SEND, letter(rider)) == (409, "no_push_device")
    assert await tokens_of(rt, rider) == set()


async def tokens_of(rt: Runtime, rider: RiderKit) -> set[str]:
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select token from rider_push_token where operator_id = %s and rider_id = %s",
            (rider.rider.operator_id, rider.id),
        )
    return {token for (token,) in rows}


@dataclass
class FailingPush:
    """Implements `PushSender`: these apps cannot be reached at the moment."""

    failing: set[str]
    sent: list[str] = field(default_factory=list)

    async def send(self, token: str, title: str, body: str) -> None:
        assert (title, body) == ("Title", "Hello")
        self.sent.append(token)
        if token in self.failing:
            raise PushFailed("a test")


async def test_what_fails_is_told_and_its_apps_are_kept(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    tokens = [app(), app()]
    for token in tokens:
        await said(api, kit, rider, token)
    push = api.services.push = FailingPush(set(tokens[:1]))
    assert (await desk.ok(SEND, letter(rider)))["message"] == "Sent to 1 of 2 devices."
    push.failing = set(tokens)
    answer = await desk.ask(SEND, letter(rider))
    assert (answer.status_code, answer.json()["code"], answer.headers["Retry-After"]) == (503, "push_unavailable", "30")
    # Each app once a call: nothing that failed is tried again by itself.
    assert sorted(push.sent) == sorted(tokens * 2)
    assert await tokens_of(rt, rider) == set(tokens)


async def test_the_same_key_sends_once(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    token, key = app(), uuid4().hex
    await said(api, kit, rider, token)
    assert await desk.ok(SEND, letter(rider), key=key) == await desk.ok(SEND, letter(rider), key=key)
    assert await texts(api, token) == [["Hello"]]


@pytest.mark.parametrize("role", Role)
async def test_who_may_write(rt: Runtime, api: Api, role: Role) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit, role)
    token = app()
    await said(api, kit, rider, token)
    may = role in (Role.OWNER, Role.MANAGER, Role.SUPPORT)
    answer = await desk.ask(SEND, letter(rider))
    assert (answer.status_code, answer.json().get("code")) == ((200, None) if may else (403, "role_not_allowed"))
    assert await texts(api, token) == [["Hello"] if may else []]


async def test_staff_of_a_subaccount_write_to_riders_who_rode_there(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    subaccount_id = await make_subaccount(rt, kit)
    east, west = await make_fleet(rt, kit.operator), await make_fleet(rt, kit.operator)
    await give_to_subaccount(rt, kit, subaccount_id, east.vehicle_ids)
    riders = [await make_rider(rt, kit.operator) for _ in range(3)]
    for rider in riders:
        await said(api, kit, rider, app())
    await make_running_ride(rt, kit, riders[0], east)
    await make_running_ride(rt, kit, riders[1], west)
    desk = await make_desk(rt, api, kit, subaccount_id=subaccount_id)
    assert (await desk.ok(SEND, letter(riders[0])))["sent"] == 1
    for rider in riders[1:]:
        assert await desk.refused(SEND, letter(rider)) == (404, "user_not_found")
    whole: Desk = await make_desk(rt, api, kit)
    for rider in riders:
        assert (await whole.ok(SEND, letter(rider)))["sent"] == 1


async def delete(api: Api, kit: OperatorKit, rider: RiderKit, *, hard: bool) -> None:
    body, token = ({"user_id": rider.id}, kit.secret_key) if hard else ({}, rider.token)
    answer = await api.post(f"{OPENAPI}/user/delete-user", body, key=kit.public_key, token=token)
    assert answer.status_code == 200, answer.text


@pytest.mark.parametrize("hard", [True, False])
async def test_with_the_rider_go_their_apps_and_what_was_written(rt: Runtime, api: Api, *, hard: bool) -> None:
    kit = await make_operator(rt)
    rider, other = await make_rider(rt, kit.operator), await make_rider(rt, kit.operator)
    desk = await make_desk(rt, api, kit)
    token, others = app(), app()
    await said(api, kit, rider, token)
    await said(api, kit, other, others)
    for one in (rider, other):
        await desk.ok(SEND, letter(one))
    await delete(api, kit, rider, hard=hard)
    assert await tokens_of(rt, rider) == set()
    assert await texts(api, token, others) == [[], ["Hello"]]
    refused = (404, "user_not_found") if hard else (409, "no_push_device")
    assert await desk.refused(SEND, letter(rider)) == refused
    answer = await api.post(
        f"{OPENAPI}/user/set-push-token",
        {"push_token": token, "user_id": rider.id},
        key=kit.public_key,
        token=kit.secret_key,
    )
    expected = (404, "user_not_found") if hard else (409, "deletion_requested")
    assert (answer.status_code, answer.json()["code"]) == expected
    assert await tokens_of(rt, rider) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        {"title": ""},
        {"title": "x" * 101},
        {"message": ""},
        {"message": "x" * 801},
        {"message": None},
        {"user_id": 0},
        {"user_id": None},
    ],
)
async def test_what_cannot_be_sent(rt: Runtime, api: Api, wrong: dict[str, Any]) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    assert await desk.refused(SEND, letter(rider) | wrong) == (400, "validation_failed")


async def test_what_is_longest_may_be_sent(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider, desk = await make_rider(rt, kit.operator), await make_desk(rt, api, kit)
    token = app()
    await said(api, kit, rider, token)
    await desk.ok(SEND, {"title": "🛴" * 100, "message": "🛴" * 800, "user_id": str(rider.id)})
    assert await shown(api, token) == [("🛴" * 100, "🛴" * 800)]


@pytest.mark.parametrize("token", ["", "x" * 1025, "with blanks", "schlüssel", None])
async def test_what_is_no_token(rt: Runtime, api: Api, token: Any) -> None:
    kit = await make_operator(rt)
    rider = await make_rider(rt, kit.operator)
    answer = await say(api, kit, rider, token)
    assert (answer.status_code, answer.json()["code"]) == (400, "validation_failed")


async def test_the_longest_token_is_kept(rt: Runtime, api: Api) -> None:
    kit = await make_operator(rt)
    rider = await make_rider(rt, kit.operator)
    token = (uuid4().hex * 32)[:1024]
    await said(api, kit, rider, token)
    assert await tokens_of(rt, rider) == {token}

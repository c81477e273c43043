"""Sent again, nothing happens again: real handlers, real vehicles' units, real sockets."""

import asyncio
import threading
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest

from isotope.api.operation import Call
from isotope.api.sections import operations
from isotope.infra.db import Database
from isotope.infra.runtime import Runtime
from tests.kit.city import small_city
from tests.kit.clock import SettableClock
from tests.kit.devices import Manner
from tests.kit.fleet import HOME
from tests.kit.http import OPENAPI, Api, credentials
from tests.kit.samples import make_world
from tests.kit.server import serve
from tests.kit.tenants import make_operator
from tests.kit.waiting import until

USER = f"{OPENAPI}/user"
AT_ONCE = 50


async def twice(
    api: Api, path: str, *, key: str, token: str, name: str, body: dict[str, Any], is_form: bool = False
) -> httpx2.Response:
    """Send it, and again; what it was answered, which must be the same."""
    headers = credentials(key, token) | {"Idempotency-Key": name}
    answers = []
    for _time in range(2):
        if is_form:
            parts = [(field, (None, str(value).encode())) for field, value in body.items()]
            answers.append(await api.client.post(f"{OPENAPI}/{path}", files=parts, headers=headers))
        else:
            answers.append(await api.client.post(f"{OPENAPI}/{path}", json=body, headers=headers))
    first, again = answers
    assert (again.status_code, again.content) == (first.status_code, first.content), path
    assert "idempotent-replayed" not in first.headers, path
    assert again.headers["idempotent-replayed"] == "true", path
    return first


async def test_a_ride_with_every_call_sent_twice(rt: Runtime, clock: SettableClock, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        here = {"user_latitude": HOME.lat, "user_longitude": HOME.lon}
        vehicle = {"vehicle_id": city.fleet.vehicle_id}
        lit = {"vehicle_ids": [city.fleet.vehicle_id], "command": "headlight", "value": "on"}
        calls: list[tuple[str, dict[str, Any]]] = [
            ("sharing/ring-vehicle", vehicle | here),
            ("sharing/start-ride", vehicle | here),
            ("sharing/send-vehicle-commands", lit),
            ("sharing/pause", vehicle),
            ("sharing/unpause", vehicle),
        ]
        for nr, (path, body) in enumerate(calls):
            answer = await twice(city.api, path, key=city.kit.public_key, token=rider.token, name=f"n{nr}", body=body)
            assert answer.status_code == 200, answer.text
            assert len(city.unit.commands) == nr + 1, "the unit was told once"
            clock.advance(minutes=1)
            await city.unit.report()
        ended = await twice(
            city.api,
            "sharing/end-ride",
            key=city.kit.public_key,
            token=rider.token,
            name="n9",
            body=here | {"user_location_timestamp": int(clock.now().timestamp())},
            is_form=True,
        )
        assert ended.status_code == 200, ended.text
        rides = await city.rides()
        assert [ride["status"] for ride in rides] == ["ENDED"]
        paid = 10_000 - (await city.standing(rider)).balance_minor
        assert paid == rides[0]["total_minor"] > 0
        # What the business refuses is refused again, though by now it would be allowed.
        refused = await twice(
            city.api, "sharing/pause", key=city.kit.public_key, token=rider.token, name="late", body=vehicle
        )
        assert refused.status_code == 404
        assert (await city.start(rider)).status_code == 200
        still = await city.api.post(
            f"{OPENAPI}/sharing/pause",
            vehicle,
            key=city.kit.public_key,
            token=rider.token,
            **{"Idempotency-Key": "late"},
        )
        assert (still.status_code, still.content) == (404, refused.content)


async def test_a_vehicle_that_did_not_unlock_is_tried_anew(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path, vehicles=2, manner=Manner.NEVER) as city:
        rider = await city.rider()
        headers = credentials(city.kit.public_key, rider.token) | {"Idempotency-Key": "start"}
        body = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        answers = [
            await city.api.client.post(f"{OPENAPI}/sharing/start-ride", json=body, headers=headers)
            for _time in range(2)
        ]
        assert [answer.status_code for answer in answers] == [503, 409]
        assert answers[1].json()["code"] == "vehicle_not_available", "it was put aside"
        assert "idempotent-replayed" not in answers[1].headers


async def test_the_end_of_an_account(api: Api) -> None:
    world = await make_world(api.services.rt)
    other = await make_operator(api.services.rt)
    form = {
        "email": "a@example.test",
        "first_name": "A",
        "last_name": "B",
        "phone_prefix": "358",
        "phone": "407654321",
    }
    answer = await twice(api, "user/register-user", key=other.public_key, token=other.secret_key, name="r", body=form)
    assert answer.status_code == 200
    gift = {"amount": 5, "money_type": "BALANCE", "user_id": world.rider.id}
    answer = await twice(api, "user/add-money", key=world.key, token=world.secret, name="m", body=gift)
    assert answer.status_code == 200
    async with api.services.rt.db.write() as tx:
        await tx.execute(
            "update ride set status = 'FAILED', ended_at = requested_at, total_minor = 0, tax_minor = 0,"
            " charged_bonus_minor = 0, charged_balance_minor = 0, debt_minor = 0 where operator_id = %(id)s",
            {"id": world.kit.operator.id},
        )
    gone = {"user_id": world.rider.id}
    answer = await twice(api, "sharing/cancel-reservation", key=world.key, token=world.secret, name="c", body=gone)
    assert (answer.status_code, answer.json()["reservation_id"]) == (200, world.reservation_id), answer.text
    called = gone | {"ride_id": world.trip.id}
    answer = await twice(api, "taxi/cancel-ride", key=world.key, token=world.secret, name="t", body=called)
    assert answer.status_code == 200, answer.text
    booked = gone | {"booking_id": world.charge.booking_id}
    answer = await twice(api, "rental/cancel-booking", key=world.key, token=world.secret, name="b", body=booked)
    assert answer.status_code == 200, answer.text
    answer = await twice(api, "user/delete-user", key=world.key, token=world.secret, name="d", body=gone)
    assert (answer.status_code, answer.json()["status"]) == (200, 1), answer.text
    without = await api.post(f"{USER}/delete-user", gone, key=world.key, token=world.secret)
    assert without.status_code == 404, "nobody is there any more; only the key knows what became of it"


async def test_a_new_token_is_the_same_caller(rt: Runtime, tmp_path: Path) -> None:
    async with small_city(rt, tmp_path) as city:
        rider = await city.rider()
        body = {"vehicle_id": city.fleet.vehicle_id, "user_latitude": HOME.lat, "user_longitude": HOME.lon}
        key = {"Idempotency-Key": "mine"}
        path, public = f"{OPENAPI}/sharing/ring-vehicle", city.kit.public_key
        first = await city.api.post(path, body, key=public, token=rider.token, **key)
        renewed = (await city.ask(rider, "user/refresh-token")).json()["token"]
        again = await city.api.post(path, body, key=public, token=renewed, **key)
        assert (again.status_code, again.content) == (200, first.content)
        assert again.headers["idempotent-replayed"] == "true"
        assert len(city.unit.commands) == 1


async def test_money_is_never_given_twice_though_the_key_is_forgotten(api: Api, clock: SettableClock) -> None:
    """The ledger is the second wall: it knows the cause for ever, and says so in the same words."""
    world = await make_world(api.services.rt)
    path, body = f"{USER}/add-money", {"amount": 5, "money_type": "BALANCE", "user_id": world.rider.id}
    key = {"Idempotency-Key": "gift"}
    first = await api.post(path, body, key=world.key, token=world.secret, **key)
    clock.advance(hours=25)
    again = await api.post(path, body, key=world.key, token=world.secret, **key)
    assert (again.status_code, again.content) == (200, first.content)
    assert "idempotent-replayed" not in again.headers
    clock.advance(hours=25)
    reused = await api.post(path, body | {"amount": 6}, key=world.key, token=world.secret, **key)
    assert (reused.status_code, reused.json()["code"]) == (422, "idempotency_key_reused")
    data = await api.post(f"{USER}/get-user-data", {"user_id": world.rider.id}, key=world.key, token=world.secret)
    assert data.json()["user_balance"] == 5


# -- At once, over real sockets ---------------------------------------------------------------------------------------


async def fifty(url: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> list["asyncio.Task[Any]"]:
    """As many clients, each with a connection of its own."""

    async def one() -> httpx2.Response:
        async with httpx2.AsyncClient(timeout=60) as client:
            return await client.post(url + path, json=body, headers=headers)

    return [asyncio.create_task(one()) for _nr in range(AT_ONCE)]


async def test_of_fifty_at_once_one_is_carried_out(
    database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The one that is at work is held until all others have their answers."""
    go, count = threading.Event(), Counter[str]()

    async def hold(call: Call[Any]) -> Any:
        count[call.request_id] += 1
        await until(go.is_set, limit_s=60)
        return msgspec.Raw(b'{"message":"held"}')

    replaced = [replace(known, handler=hold) if known.id == "add_money" else known for known in operations()]
    monkeypatch.setattr("isotope.api.app.operations", lambda: replaced)
    with serve(database_url, tmp_path) as served:
        world = served.world
        body = {"amount": 5, "money_type": "BALANCE", "user_id": world.rider.id}
        headers = credentials(world.key, world.secret) | {"Idempotency-Key": "one of fifty"}
        sent = await fifty(served.url, f"{USER}/add-money", body, headers)
        await until(lambda: sum(task.done() for task in sent) == AT_ONCE - 1, limit_s=60)
        refused = [task.result() for task in sent if task.done()]
        assert {(answer.status_code, answer.json()["code"]) for answer in refused} == {(409, "request_in_progress")}
        assert {answer.headers["retry-after"] for answer in refused} == {"1"}
        go.set()
        answers = await asyncio.gather(*sent)
        assert [answer.content for answer in answers if answer.status_code == 200] == [b'{"message":"held"}']
        again = await asyncio.gather(*await fifty(served.url, f"{USER}/add-money", body, headers))
        assert {(answer.status_code, answer.headers["idempotent-replayed"]) for answer in again} == {(200, "true")}
    assert sum(count.values()) == 1


async def test_of_fifty_gifts_at_once_one_is_given(database_url: str, db: Database, tmp_path: Path) -> None:
    with serve(database_url, tmp_path) as served:
        world = served.world
        body = {"amount": 5, "money_type": "BALANCE", "user_id": world.rider.id}
        headers = credentials(world.key, world.secret) | {"Idempotency-Key": "gift"}
        answers = await asyncio.gather(*await fifty(served.url, f"{USER}/add-money", body, headers))
        said = Counter(
            (answer.status_code, answer.headers.get("idempotent-replayed"), answer.json().get("code"))
            for answer in answers
        )
        assert said[200, None, None] == 1
        assert set(said) <= {(200, None, None), (200, "true", None), (409, None, "request_in_progress")}
        assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    async with db.read() as tx:
        rows = await tx.tuples(
            "select count(*) from ledger_transaction where operator_id = %(id)s", {"id": world.kit.operator.id}
        )
    assert rows == [(1,)]

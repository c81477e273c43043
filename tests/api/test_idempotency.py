"""A call that is sent again is answered again and not done again.

Handlers are replaced by ones that count, so that what is tested is the key alone, for every operation that takes one.
What real handlers make of it: tests/api/test_idempotency_effects.py.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx2
import msgspec
import pytest
import pytest_asyncio

from isotope.api.caller import Anonymous, Caller, DriverCaller, RiderCaller, SecretCaller, StaffCaller
from isotope.api.idempotency import request_of
from isotope.api.operation import Auth, Call, Operation
from isotope.api.sections import operations
from isotope.domain.tenants import Right
from isotope.domain.tenants.model import Role
from isotope.infra import idempotency
from isotope.infra.db import store_unavailable
from isotope.infra.idempotency import KEEP, LEASE, MOST_ANSWER_BYTES, forget_idempotent_requests
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Fault, Kind, Refusal, invalid
from tests.kit.clock import SettableClock
from tests.kit.drivers import make_driver
from tests.kit.http import Api, credentials, run_api
from tests.kit.riders import make_rider
from tests.kit.samples import World, all_operations, as_a_rider, body_for, make_world
from tests.kit.tenants import make_operator
from tests.kit.waiting import until

ALL = all_operations()
TAKES_KEYS = [operation for operation in ALL if operation.idempotent]
BY_ID = {operation.id: operation for operation in ALL}
ADD_MONEY = BY_ID["add_money"]
END_RIDE = BY_ID["end_ride"]

# By the contract's habit: what begins so only looks.
LOOKS = ("get_", "list_")
# Lists of the dashboard, whose names say only what is in them.
ONLY_LOOKS = {
    "admin_rides",
    "admin_users",
    "admin_vehicles",
    "admin_tasks",
    "admin_task_types",
    "admin_taxi_rides",
    "admin_taxi_drivers",
    "employee_activity_log",
    "vehicle_activity",
}
_TOKEN = "its answer carries a token, which is never stored readable"
# Operations that change something and take no key, and why.
EXEMPT = {
    "request_phone_verification": _TOKEN,
    "verify_phone_code": _TOKEN,
    "register": _TOKEN,
    "login": _TOKEN,
    "dashboard_login": _TOKEN,
    "driver_login": _TOKEN,
    "driver_logout": "its token is gone afterwards, with which it would be sent again",
    "send_positions": "what is known already changes nothing",
    "refresh_user_token": _TOKEN,
    "set_push_token": "it says what shall be so; said again, it is so",
    "choose_payment_method": "it says what shall be so; said again, it is so",
    "remove_payment_method": "a card that is removed is answered as one that is being removed",
}


def by_id(operation: Operation) -> str:
    return operation.id


def test_whatever_changes_something_takes_a_key() -> None:
    changes = {operation.id for operation in ALL if operation.method != "GET" and not operation.id.startswith(LOOKS)}
    changes -= ONLY_LOOKS
    assert all(BY_ID[name].right is Right.LOOK for name in ONLY_LOOKS & BY_ID.keys())
    takes_keys = {operation.id for operation in TAKES_KEYS}
    assert changes - takes_keys - EXEMPT.keys() == set(), "declare them idempotent, or say here why not"
    assert takes_keys - changes == set(), "what only looks needs no key"
    assert takes_keys & EXEMPT.keys() == set()


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
def test_no_answer_that_is_kept_carries_a_token(operation: Operation) -> None:
    fields = getattr(operation.response, "__struct_fields__", ())
    assert not [name for name in fields if "token" in name or "password" in name]


@dataclass(slots=True)
class Counting:
    """In the place of a handler. `behave` makes the answer of the nth call."""

    count: int = 0
    behave: Callable[[int], Awaitable[Any]] | None = None
    calls: list[Call[Any]] = field(default_factory=list)

    async def __call__(self, call: Call[Any]) -> Any:
        self.count += 1
        self.calls.append(call)
        if self.behave is not None:
            return await self.behave(self.count)
        return msgspec.Raw(b'{"done":%d}' % self.count)


Handlers = dict[str, Counting]


@pytest.fixture
def handlers(monkeypatch: pytest.MonkeyPatch) -> Handlers:
    """By operation."""
    made = {operation.id: Counting() for operation in ALL}
    replaced = [replace(operation, handler=made[operation.id]) for operation in operations()]
    monkeypatch.setattr("isotope.api.app.operations", lambda: replaced)
    return made


@pytest_asyncio.fixture
async def api(handlers: Handlers, rt: Runtime, tmp_path: Path) -> AsyncIterator[Api]:
    assert handlers
    async with run_api(rt, tmp_path) as running:
        yield running


@pytest_asyncio.fixture
async def world(api: Api) -> World:
    return await make_world(api.services.rt)


async def send(
    api: Api,
    operation: Operation,
    world: World,
    body: dict[str, Any] | None = None,
    *,
    key: str | None = "k-1",
    token: str | None = "",
    files: Any = (),
) -> httpx2.Response:
    """The operation's whole good body, by the operator's systems unless told otherwise."""
    said = body_for(operation, world) if body is None else body
    headers = credentials(world.key, world.token_for(operation) if token == "" else token)
    headers |= {} if key is None else {"Idempotency-Key": key}
    if operation.content == "multipart":
        parts = [(name, (None, str(value).encode())) for name, value in said.items()]
        return await api.client.post(operation.path, files=[*parts, *files], headers=headers)
    return await api.client.request(operation.method, operation.path, json=said, headers=headers)


def is_replayed(answer: httpx2.Response) -> bool:
    return answer.headers.get("idempotent-replayed") == "true"


def code_of(answer: httpx2.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


# -- Every operation that takes a key ---------------------------------------------------------------------------------


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_the_same_again(api: Api, world: World, handlers: Handlers, operation: Operation) -> None:
    first = await send(api, operation, world)
    again = await send(api, operation, world)
    assert (first.status_code, first.content, is_replayed(first)) == (200, b'{"done":1}', False)
    assert (again.status_code, again.content, is_replayed(again)) == (200, b'{"done":1}', True)
    assert again.headers["content-type"] == first.headers["content-type"]
    assert again.headers["x-request-id"] != first.headers["x-request-id"]
    assert handlers[operation.id].count == 1
    assert handlers[operation.id].calls[0].idempotency_key == "k-1"


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_without_a_key_and_with_another_it_is_done_again(
    api: Api, world: World, handlers: Handlers, operation: Operation
) -> None:
    for key in (None, None, "k-1", "k-2", "K-1"):
        assert not is_replayed(await send(api, operation, world, key=key))
    assert handlers[operation.id].count == 5


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_with_another_body(api: Api, world: World, handlers: Handlers, operation: Operation) -> None:
    """Each field counts: with any of them changed it is another request."""
    good = body_for(operation, world)
    assert (await send(api, operation, world)).status_code == 200
    changed = {name: other(value) for name, value in good.items() if name not in ("money_type", "command")}
    for name, value in changed.items():
        answer = await send(api, operation, world, good | {name: value})
        assert code_of(answer) in {(422, "idempotency_key_reused"), (400, "validation_failed")}, name
        left_out = await send(api, operation, world, {key: said for key, said in good.items() if key != name})
        assert left_out.status_code in (400, 422), name
    assert handlers[operation.id].count == 1
    assert is_replayed(await send(api, operation, world)), "the first one still stands"


def other(value: Any) -> Any:
    match value:
        case bool():
            return not value
        case int() | float():
            return value + 1
        case str():
            return str(int(value) + 1) if value.isdecimal() else f"{value}x"
        case list():
            return [*value[1:], other(value[0])]
        case _:
            raise TypeError(value)


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_the_same_said_in_other_words(api: Api, world: World, handlers: Handlers, operation: Operation) -> None:
    good = body_for(operation, world)
    await send(api, operation, world)
    as_texts = {name: str(value) if isinstance(value, int | float) else value for name, value in good.items()}
    in_other_order = dict(reversed(good.items()))
    more = good | {"unknown": "5", "skip_wallet_check": None}
    for body in (as_texts, in_other_order, more):
        if operation.content == "multipart":
            body.pop("skip_wallet_check", None)
        assert is_replayed(await send(api, operation, world, body)), body
    assert handlers[operation.id].count == 1


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_keys_are_the_callers_own(api: Api, world: World, handlers: Handlers, operation: Operation) -> None:
    count = handlers[operation.id]
    await send(api, operation, world)
    rt, operator = api.services.rt, world.kit.operator
    if operation.auth is Auth.DRIVER:
        for token in ((await make_driver(rt, operator)).token, (await make_driver(rt, operator)).token):
            assert not is_replayed(await send(api, operation, world, token=token))
            assert is_replayed(await send(api, operation, world, token=token))
        assert count.count == 3
    elif operation.auth not in (Auth.SECRET, Auth.STAFF):
        body = as_a_rider(operation, body_for(operation, world))
        for token in (world.rider.token, (await make_rider(rt, operator)).token):
            assert not is_replayed(await send(api, operation, world, body, token=token))
            assert is_replayed(await send(api, operation, world, body, token=token))
        assert count.count == 3
    elsewhere = await make_world(api.services.rt)
    done = count.count
    assert not is_replayed(await send(api, operation, elsewhere))
    assert is_replayed(await send(api, operation, elsewhere))
    assert is_replayed(await send(api, operation, world))
    assert count.count == done + 1


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_a_key_is_free_after_a_day(
    api: Api, world: World, clock: SettableClock, handlers: Handlers, operation: Operation
) -> None:
    await send(api, operation, world)
    clock.advance(seconds=KEEP.total_seconds() - 1)
    assert is_replayed(await send(api, operation, world))
    clock.advance(seconds=1)
    again = await send(api, operation, world)
    assert (again.content, is_replayed(again)) == (b'{"done":2}', False)
    assert is_replayed(await send(api, operation, world))


@pytest.mark.parametrize("operation", TAKES_KEYS, ids=by_id)
async def test_while_the_first_one_runs(api: Api, world: World, handlers: Handlers, operation: Operation) -> None:
    go = asyncio.Event()

    async def wait(nr: int) -> Any:
        await go.wait()
        return msgspec.Raw(b'{"done":%d}' % nr)

    handlers[operation.id].behave = wait
    first = asyncio.create_task(send(api, operation, world))
    await until(lambda: handlers[operation.id].count == 1)
    second = await send(api, operation, world)
    assert code_of(second) == (409, "request_in_progress")
    assert second.headers["retry-after"] == "1"
    assert not is_replayed(second)
    go.set()
    assert (await first).content == b'{"done":1}'
    assert is_replayed(await send(api, operation, world))
    assert handlers[operation.id].count == 1


# -- What is kept -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Kind.PAYMENT, Kind.FORBIDDEN, Kind.NOT_FOUND, Kind.CONFLICT, Kind.UNPROCESSABLE])
async def test_a_refusal_is_an_answer_too(api: Api, world: World, handlers: Handlers, kind: Kind) -> None:
    async def refuse(_nr: int) -> Any:
        raise Refusal(kind, "debt_open", {"amount": "2.40 EUR"}, {"debt": "2.40"}, retry_after_s=7)

    handlers["add_money"].behave = refuse
    first, again = await send(api, ADD_MONEY, world), await send(api, ADD_MONEY, world)
    assert first.json()["code"] == "debt_open"
    assert (again.status_code, again.content) == (first.status_code, first.content)
    assert again.headers["retry-after"] == "7"
    assert [is_replayed(first), is_replayed(again)] == [False, True]
    assert handlers["add_money"].count == 1


@pytest.mark.parametrize(
    "error",
    [
        Refusal(Kind.UNAVAILABLE, "vehicle_did_not_unlock"),
        Refusal(Kind.TOO_MANY, "too_many_forms", retry_after_s=5),
        invalid(Fault("amount", "another amount is expected")),
        RuntimeError("a bug"),
    ],
    ids=["503", "429", "400", "500"],
)
async def test_what_may_still_become_a_yes_is_tried_anew(
    api: Api, world: World, handlers: Handlers, error: Exception
) -> None:
    async def fail_once(nr: int) -> Any:
        if nr == 1:
            raise error
        return msgspec.Raw(b'{"done":2}')

    handlers["add_money"].behave = fail_once
    first = await send(api, ADD_MONEY, world)
    assert first.status_code in (400, 429, 500, 503)
    # The body that was at fault may be corrected under the same key.
    again = await send(api, ADD_MONEY, world, body_for(ADD_MONEY, world) | {"amount": 3})
    assert (again.content, is_replayed(again)) == (b'{"done":2}', False)


async def test_what_is_refused_before_the_handler_takes_no_key(api: Api, world: World, handlers: Handlers) -> None:
    good = body_for(ADD_MONEY, world)
    for body, status in (
        (good | {"amount": "much"}, 400),
        ({name: value for name, value in good.items() if name != "user_id"}, 400),
        (good | {"user_id": 4_000_000_000}, 404),
    ):
        assert (await send(api, ADD_MONEY, world, body)).status_code == status
    assert (await send(api, ADD_MONEY, world, token=world.rider.token)).status_code == 403
    assert (await send(api, ADD_MONEY, world, token=None)).status_code == 401
    ring = BY_ID["ring_vehicle"]
    forbidden = body_for(ring, world) | {"user_id": world.rider.id + 1}
    assert (await send(api, ring, world, forbidden, token=world.rider.token)).status_code == 403
    assert handlers["add_money"].count == handlers["ring_vehicle"].count == 0
    assert not is_replayed(await send(api, ADD_MONEY, world))
    mine = as_a_rider(ring, body_for(ring, world))
    assert not is_replayed(await send(api, ring, world, mine, token=world.rider.token))


async def test_an_answer_that_is_too_large_is_not_done_again(api: Api, world: World, handlers: Handlers) -> None:
    async def say_much(_nr: int) -> Any:
        return msgspec.Raw(b'"' + b"x" * MOST_ANSWER_BYTES + b'"')

    handlers["add_money"].behave = say_much
    assert (await send(api, ADD_MONEY, world)).status_code == 200
    assert code_of(await send(api, ADD_MONEY, world)) == (409, "answer_not_kept")
    assert handlers["add_money"].count == 1


@pytest.mark.parametrize("key", ["", "x" * 256, "\xe4", "\x7f", "a\tb"])
async def test_keys_that_are_none(api: Api, world: World, handlers: Handlers, key: str) -> None:
    headers = credentials(world.key, world.secret)
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    raw.append((b"Idempotency-Key", key.encode("latin-1")))
    answer = await api.client.post(ADD_MONEY.path, json=body_for(ADD_MONEY, world), headers=raw)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "Idempotency-Key")
    # Where no key is taken, none is looked at.
    reads = BY_ID["get_vehicle_commands"]
    answer = await api.client.post(reads.path, json=body_for(reads, world), headers=raw)
    assert answer.status_code == 200
    assert handlers[reads.id].calls[0].idempotency_key is None


async def test_one_key_is_for_one_operation(api: Api, world: World) -> None:
    body = {"vehicle_id": world.fleet.vehicle_id, "user_id": world.rider.id}
    assert (await send(api, BY_ID["pause"], world, body)).status_code == 200
    assert code_of(await send(api, BY_ID["unpause"], world, body)) == (422, "idempotency_key_reused")


async def test_forms_are_compared_by_what_is_in_them(api: Api, world: World, handlers: Handlers) -> None:
    body = body_for(END_RIDE, world)
    png, jpeg = b"\x89PNG\r\n\x1a\n" + bytes(20_000), b"\xff\xd8\xff" + bytes(20_000)

    def files(*pictures: bytes, name: str) -> list[Any]:
        return [("images", (f"{name}{nr}.png", data, "image/png")) for nr, data in enumerate(pictures)]

    first = await send(api, END_RIDE, world, body, files=files(png, jpeg, name="a"))
    assert first.status_code == 200, first.text
    # Every form of this client has a boundary of its own.
    assert is_replayed(await send(api, END_RIDE, world, body, files=files(png, jpeg, name="b")))
    for pictures in ((png,), (jpeg, png), (png, jpeg + b"x"), ()):
        answer = await send(api, END_RIDE, world, body, files=files(*pictures, name="a"))
        assert code_of(answer) == (422, "idempotency_key_reused")
    assert handlers["end_ride"].count == 1


async def test_nobody_in_particular_is_known_by_their_address(rt: Runtime, tmp_path: Path, handlers: Handlers) -> None:
    form = BY_ID["register_user_form"]
    async with run_api(rt, tmp_path, trusted_proxies="127.0.0.0/8") as api:
        world = await make_world(rt)
        replayed = []
        for address in ("203.0.113.5", "203.0.113.5", "203.0.113.6"):
            headers = {"App-Public-Key": world.key, "Idempotency-Key": "f", "X-Forwarded-For": address}
            answer = await api.client.post(form.path, json=body_for(form, world), headers=headers)
            replayed.append((answer.status_code, is_replayed(answer)))
    assert replayed == [(200, False), (200, True), (200, False)]
    assert handlers[form.id].count == 2


# -- Deaths -----------------------------------------------------------------------------------------------------------


async def test_the_claim_of_a_dead_process_is_taken_over(
    api: Api, world: World, clock: SettableClock, handlers: Handlers
) -> None:
    async def hang_first(nr: int) -> Any:
        if nr == 1:
            await asyncio.Event().wait()
        return msgspec.Raw(b'{"done":%d}' % nr)

    handlers["add_money"].behave = hang_first
    dying = asyncio.create_task(send(api, ADD_MONEY, world))
    await until(lambda: handlers["add_money"].count == 1)
    dying.cancel()
    await asyncio.gather(dying, return_exceptions=True)
    assert code_of(await send(api, ADD_MONEY, world)) == (409, "request_in_progress")
    clock.advance(seconds=LEASE.total_seconds() - 1)
    assert code_of(await send(api, ADD_MONEY, world)) == (409, "request_in_progress")
    clock.advance(seconds=1)
    another = body_for(ADD_MONEY, world) | {"amount": 2}
    assert code_of(await send(api, ADD_MONEY, world, another)) == (422, "idempotency_key_reused")
    assert (await send(api, ADD_MONEY, world)).content == b'{"done":2}'
    assert is_replayed(await send(api, ADD_MONEY, world))


@pytest.mark.parametrize("is_refused", [False, True], ids=["finishes", "fails"])
async def test_who_was_only_slow_writes_over_nothing(
    api: Api, world: World, clock: SettableClock, handlers: Handlers, *, is_refused: bool
) -> None:
    go = asyncio.Event()

    async def be_slow_first(nr: int) -> Any:
        if nr == 1:
            await go.wait()
            if is_refused:
                raise Refusal(Kind.UNAVAILABLE, "vehicle_did_not_unlock")
        return msgspec.Raw(b'{"done":%d}' % nr)

    handlers["add_money"].behave = be_slow_first
    slow = asyncio.create_task(send(api, ADD_MONEY, world))
    await until(lambda: handlers["add_money"].count == 1)
    clock.advance(seconds=LEASE.total_seconds())
    assert (await send(api, ADD_MONEY, world)).content == b'{"done":2}'
    go.set()
    assert (await slow).status_code == (503 if is_refused else 200)
    assert (await send(api, ADD_MONEY, world)).content == b'{"done":2}'
    assert handlers["add_money"].count == 2


@pytest.mark.parametrize("is_refused", [False, True], ids=["done", "refused"])
async def test_a_store_that_goes_away_behind_the_handler_changes_no_answer(
    api: Api, world: World, handlers: Handlers, monkeypatch: pytest.MonkeyPatch, *, is_refused: bool
) -> None:
    async def gone(*_args: object) -> bool:
        raise store_unavailable()

    async def answer(_nr: int) -> Any:
        monkeypatch.setattr(idempotency, "free" if is_refused else "finish", gone)
        if is_refused:
            raise Refusal(Kind.TOO_MANY, "too_many_forms")
        return msgspec.Raw(b'{"done":1}')

    handlers["add_money"].behave = answer
    assert (await send(api, ADD_MONEY, world)).status_code == (429 if is_refused else 200)
    assert code_of(await send(api, ADD_MONEY, world)) == (409, "request_in_progress"), "until the lease ends"


async def test_a_row_that_is_gone_when_it_is_read_is_claimed(
    api: Api, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the two statements of a claim the first call may have given the key back."""
    claim: Any = idempotency._claim
    misses: list[None] = [None, None]

    async def miss_first(*args: Any) -> Any:
        return misses.pop() if misses else await claim(*args)

    monkeypatch.setattr(idempotency, "_claim", miss_first)
    assert (await send(api, ADD_MONEY, world)).status_code == 200
    misses += [None] * 3
    assert code_of(await send(api, ADD_MONEY, world)) == (503, "store_busy")


async def test_callers_are_known_by_who_they_are(rt: Runtime) -> None:
    kit = await make_operator(rt, staff=Role.OWNER)
    rider = await make_rider(rt, kit.operator)
    driver = await make_driver(rt, kit.operator)
    assert kit.staff is not None
    callers: dict[str, list[Caller]] = {
        f"rider:{rider.id}": [RiderCaller(rider.rider, "one token"), RiderCaller(rider.rider, "another")],
        "secret_key": [SecretCaller(), SecretCaller(rider.rider)],
        f"driver:{driver.id}": [DriverCaller(driver.driver, "one token"), DriverCaller(driver.driver, "another")],
        f"staff:{kit.staff.id}": [StaffCaller(kit.operator, kit.staff)],
        "anonymous:203.0.113.5": [Anonymous()],
    }
    for name, same in callers.items():
        for caller in same:
            request = request_of(ADD_MONEY, kit.operator, caller, "203.0.113.5", "k", BY_ID["pause"].request())
            assert (request.operator_id, request.caller) == (kit.operator.id, name)


# -- Forgetting -------------------------------------------------------------------------------------------------------


async def test_what_has_expired_is_forgotten(
    api: Api, world: World, clock: SettableClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("isotope.infra.idempotency._BATCH", 2)
    rt = api.services.rt
    await forget_idempotent_requests(rt)
    for nr in range(5):
        await send(api, ADD_MONEY, world, key=f"old-{nr}")
    clock.advance(hours=1)
    await send(api, ADD_MONEY, world, key="new")
    clock.set(clock.now() + KEEP - timedelta(hours=1, seconds=1))
    assert await kept(rt, world) == {*(f"old-{nr}" for nr in range(5)), "new"}
    await forget_idempotent_requests(rt)
    assert len(await kept(rt, world)) == 6
    clock.advance(seconds=1)
    assert await forget_idempotent_requests(rt) >= 5
    assert await kept(rt, world) == {"new"}


async def kept(rt: Runtime, world: World) -> set[str]:
    async with rt.db.read() as tx:
        rows = await tx.tuples(
            "select key from idempotent_request where operator_id = %(id)s", {"id": world.kit.operator.id}
        )
    return {key for (key,) in rows}


async def test_no_key_no_row(api: Api, world: World) -> None:
    await send(api, ADD_MONEY, world, key=None)
    await send(api, BY_ID["get_active_rides"], world)
    assert await kept(api.services.rt, world) == set()


async def test_the_documentation_tells(api: Api) -> None:
    document = json.loads((await api.client.get("/api/docs/openapi.json")).content)
    for operation in ALL:
        described = document["paths"][operation.path][operation.method.lower()]
        has_header = {"$ref": "#/components/parameters/IdempotencyKey"} in described["parameters"]
        assert has_header == operation.idempotent
        if has_header:
            assert "Idempotent-Replayed" in described["responses"]["200"]["headers"]
            assert "Retry-After" in described["responses"]["409"]["headers"]
            assert "request_in_progress" in described["responses"]["409"]["description"]
            assert "idempotency_key_reused" in described["responses"]["422"]["description"]
    page = (await api.client.get("/api/docs")).text
    assert page.count('href="#idempotency"') == len(TAKES_KEYS) + 1

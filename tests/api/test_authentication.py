"""Who may call what: the table of `isotope.api.auth`, for every operation of the registry."""

from base64 import b64encode
from typing import Any

import pytest

from isotope.api.auth import credential_of
from isotope.api.operation import Auth, Operation
from isotope.domain.tenants import LogInStaff, log_in_staff
from isotope.domain.tenants.model import Role, Settings
from tests.kit.http import Api, credentials
from tests.kit.riders import make_rider
from tests.kit.samples import World, all_operations, body_for, make_world, required_body

OPERATIONS = all_operations()
WITH_KEY = [operation for operation in OPERATIONS if operation.auth not in (Auth.NONE, Auth.STAFF)]
WITH_CALLER = [
    operation
    for operation in OPERATIONS
    if operation.auth in (Auth.PUBLIC_AND_CALLER, Auth.PUBLIC_IF_OPEN, Auth.SECRET)
]
FOR_A_RIDER = [operation for operation in OPERATIONS if operation.takes_user_id]
BY_RIDERS = [operation for operation in FOR_A_RIDER if operation.auth is not Auth.SECRET]
SECRET_FLAGS = [
    (operation, name)
    for operation in OPERATIONS
    for name in operation.secret_only
    if name != "user_id" and operation.auth is not Auth.SECRET
]


def by_id(value: object) -> str:
    return value.id if isinstance(value, Operation) else str(value)


async def call(
    api: Api, operation: Operation, body: dict[str, Any], key: str | None, token: str | None
) -> tuple[int, dict[str, object]]:
    headers = credentials(key, token)
    if operation.method == "GET":
        answer = await api.client.get(operation.path, params=list(body.items()), headers=headers)
    elif operation.content == "multipart":
        files = [(name, (None, str(value).encode())) for name, value in body.items() if not isinstance(value, list)]
        answer = await api.client.post(operation.path, files=files, headers=headers)
    else:
        answer = await api.client.request(operation.method, operation.path, json=body, headers=headers)
    is_json = answer.headers["content-type"].startswith("application/json")
    return answer.status_code, answer.json() if is_json else {}


@pytest.mark.parametrize(
    ("header", "credential"),
    [
        ("Bearer abc", "abc"),
        ("bearer  abc ", "abc"),
        ("abc", "abc"),
        ("  abc", "abc"),
        (f"Basic {b64encode(b'abc:').decode()}", "abc"),
        (f"Basic {b64encode(b'abc').decode()}", "abc"),
        (f"basic {b64encode(b'a:b:').decode()}", "a:b"),
        ("", None),
        ("Bearer", None),
        ("Bearer ", None),
        ("Basic !!!", None),
        (f"Basic {b64encode(bytes([255, 254])).decode()}", None),
        ("Digest username=x", None),
        ("a" * 513, None),
        ("tok\x00en", None),
        ("t\u00f6ken", None),
    ],
)
def test_three_forms_of_a_credential(header: str, credential: str | None) -> None:
    assert credential_of(header) == credential


async def test_every_form_lets_in(api: Api) -> None:
    world = await make_world(api.services.rt)
    for token in (world.rider.token, world.secret):
        basic = b64encode(f"{token}:".encode()).decode()
        for header in (f"Bearer {token}", token, f"Basic {basic}"):
            body = {"user_id": world.rider.id} if token == world.secret else {}
            answer = await api.client.post(
                "/openapi/v1.0/user/get-user-data",
                json=body,
                headers={"App-Public-Key": world.key, "Authorization": header},
            )
            assert (answer.status_code, answer.json()["user_id"]) == (200, world.rider.id), header


@pytest.mark.parametrize("key", [None, "", "unknown", "k" * 5000, "\u00e4"])
async def test_no_or_unknown_key(api: Api, key: str | None) -> None:
    world = await make_world(api.services.rt)
    for operation in WITH_KEY:
        headers = [(b"Authorization", world.secret.encode())]
        if key is not None:
            headers.append((b"App-Public-Key", key.encode("latin-1")))
        answer = await api.client.request(
            operation.method, operation.path, json=required_body(operation, world), headers=headers
        )
        assert answer.status_code == 403, operation.id
        assert (answer.json()["message"], answer.json()["code"]) == ("No access", "no_access"), operation.id


async def test_nobody_and_strangers_are_401(api: Api) -> None:
    world = await make_world(api.services.rt)
    stranger = await make_world(api.services.rt, staff=Role.OWNER)
    assert stranger.kit.staff is not None
    session = await log_in_staff(
        api.services.rt, LogInStaff(email=stranger.kit.staff.email, password=stranger.kit.staff_password)
    )
    tokens = [None, "nonsense", world.key, stranger.rider.token, stranger.secret, session.access_token]
    for operation in WITH_CALLER:
        for token in tokens:
            status, body = await call(api, operation, body_for(operation, world), world.key, token)
            assert status == 401, (operation.id, token)
            assert body["message"] == "Unauthorized Access"
            assert body["code"] == "unauthorized"


async def test_a_401_names_its_scheme(api: Api) -> None:
    world = await make_world(api.services.rt)
    answer = await api.post("/openapi/v1.0/user/get-user-data", key=world.key)
    assert answer.headers["www-authenticate"] == "Bearer"


@pytest.mark.parametrize("operation", FOR_A_RIDER, ids=by_id)
async def test_secret_key_without_user_id(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    body = required_body(operation, world)
    for user_id in ({}, {"user_id": None}):
        status, answer = await call(api, operation, body | user_id, world.key, world.secret)
        if operation.content == "multipart" and user_id:
            continue  # a form has no null
        assert status == 400
        assert answer["message"] == "Validation failed"
        assert answer["errors"] == [
            {
                "error_info": "Value error, user_id is required when using secret key authentication",
                "field": "user_id",
            }
        ]


@pytest.mark.parametrize("operation", FOR_A_RIDER, ids=by_id)
async def test_secret_key_with_an_unknown_rider(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    body = required_body(operation, world) | {"user_id": 2**62}
    assert await call(api, operation, body, world.key, world.secret) == (
        404,
        {"message": "User not found.", "code": "user_not_found"},
    )


@pytest.mark.parametrize("operation", BY_RIDERS, ids=by_id)
async def test_a_rider_speaks_only_for_themselves(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    other = await make_rider(api.services.rt, world.kit.operator)
    body = required_body(operation, world)
    status, answer = await call(api, operation, body | {"user_id": other.id}, world.key, world.rider.token)
    assert (status, answer["code"]) == (403, "secret_key_only")
    assert answer["errors"] == [
        {"error_info": "Value error, user_id works with the secret key only", "field": "user_id"}
    ]
    status, answer = await call(api, operation, body | {"user_id": world.rider.id}, world.key, world.rider.token)
    assert answer.get("code") != "secret_key_only", "their own number says nothing else than their token"


@pytest.mark.parametrize(("operation", "name"), SECRET_FLAGS, ids=by_id)
async def test_skips_are_the_secret_keys_alone(api: Api, operation: Operation, name: str) -> None:
    world = await make_world(api.services.rt)
    token = None if operation.auth is Auth.PUBLIC else world.rider.token
    body = required_body(operation, world)
    status, answer = await call(api, operation, body | {name: True}, world.key, token)
    assert (status, answer["code"]) == (403, "secret_key_only")
    assert answer["errors"] == [{"error_info": f"Value error, {name} works with the secret key only", "field": name}]
    for unset in (False, None):
        status, answer = await call(api, operation, body | {name: unset}, world.key, token)
        assert answer.get("code") != "secret_key_only", "false and null skip nothing"


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.auth is Auth.SECRET], ids=by_id
)
async def test_a_rider_may_not_call_what_is_the_secret_keys(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    status, answer = await call(api, operation, required_body(operation, world), world.key, world.rider.token)
    assert (status, answer["code"]) == (403, "secret_key_required")


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.auth is Auth.STAFF], ids=by_id
)
async def test_riders_and_keys_are_nobody_to_the_dashboard(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for token in (None, world.rider.token, world.secret, world.key):
        status, _answer = await call(api, operation, required_body(operation, world), world.key, token)
        assert status == 401, token


@pytest.mark.parametrize(
    "operation", [operation for operation in OPERATIONS if operation.auth is Auth.DRIVER], ids=by_id
)
async def test_nobody_speaks_for_a_driver(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    body = required_body(operation, world)
    for token in (None, world.rider.token, world.secret, world.key, world.staff_token):
        assert (await call(api, operation, body, world.key, token))[0] == 401, token
    status, answer = await call(api, operation, body, None, world.driver.token)
    assert (status, answer["code"]) == (403, "no_access")
    assert (await call(api, operation, body, world.key, world.driver.token))[0] not in (401, 403, 500)


@pytest.mark.parametrize("operation", WITH_CALLER, ids=by_id)
async def test_a_driver_is_nobody_among_riders(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    status, _answer = await call(api, operation, required_body(operation, world), world.key, world.driver.token)
    assert status == 401


async def test_an_unusable_credential_is_nobody_where_none_is_needed(api: Api) -> None:
    """An app with a token of yesterday must be able to ask for a code."""
    world = await make_world(api.services.rt)
    body = {"phone_prefix": "358", "phone": "401999001", "flow": "LOGIN"}
    path = "/openapi/v1.0/authorization/request-phone-verification"
    assert (await api.post(path, body, key=world.key, token="ended")).status_code == 200


async def test_the_public_key_alone_where_the_operator_opens_it(api: Api) -> None:
    open_to_all = [operation for operation in OPERATIONS if operation.auth is Auth.PUBLIC_IF_OPEN]
    world = await make_world(api.services.rt, settings=Settings(public_vehicles=True))
    for operation in open_to_all:
        status, _answer = await call(api, operation, required_body(operation, world), world.key, None)
        assert status == 200, operation.id


async def test_a_blocked_rider_is_still_known(api: Api) -> None:
    world = await make_world(api.services.rt)
    await block(api, world)
    answer = await api.post("/openapi/v1.0/user/get-user-data", key=world.key, token=world.rider.token)
    assert answer.status_code == 200


async def block(api: Api, world: World) -> None:
    async with api.services.rt.db.write() as tx:
        await tx.execute(
            "update rider set status = 'BLOCKED' where operator_id = %(operator_id)s and id = %(id)s",
            {"operator_id": world.kit.operator.id, "id": world.rider.id},
        )

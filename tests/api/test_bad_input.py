"""Whatever is sent, every operation answers with a refusal of its own shape: never a 500, never a hang."""

import json
from collections.abc import Iterator
from typing import Any

import pytest

from isotope.api.operation import Operation
from tests.kit.http import Api, credentials
from tests.kit.samples import World, all_operations, body_for, make_world

OPERATIONS = all_operations()
WITH_BODY = [operation for operation in OPERATIONS if operation.method != "GET"]
JSON = [operation for operation in OPERATIONS if operation.content == "json" and operation.method != "GET"]
FORMS = [operation for operation in OPERATIONS if operation.content == "multipart"]
REFUSED = {400, 403, 404, 413, 415, 422}
# Values that no field of the contract takes.
NOTHING_TAKES: list[Any] = [{}, {"a": {"b": []}}, [[]], [{}], "\x00", "\u0000x"]
# Raw JSON that a decoder can trip over; some of it is fine for some fields.
RAW = [
    "NaN",
    "Infinity",
    "-Infinity",
    '"NaN"',
    '"inf"',
    "1e999",
    "-1e999",
    "1" + "0" * 400,
    '"' + "9" * 400 + '"',
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "0",
    "-1",
    "1.5",
    "1e308",
    "1e-400",
    "91",
    "-181",
    "true",
    "null",
    '""',
    '" "',
    '"' + "x" * 100_000 + '"',
    '"\\ud800"',
    '"\\u0000"',
    '"\\uffff"',
    '"\U0001f600"',
    "[]",
    "[null]",
    "[1e999]",
    '["x"]',
    "{}",
    "[" + "1," * 5_000 + "1]",
    "[" * 2_000 + "]" * 2_000,
    "'single'",
    "01",
    "+1",
    ".5",
    "undefined",
]


def by_id(value: object) -> str:
    return value.id if isinstance(value, Operation) else repr(value)[:20]


def check_refusal(status: int, text: str, where: str) -> dict[str, Any]:
    assert status in REFUSED, f"{where}: {status} {text[:300]}"
    body: dict[str, Any] = json.loads(text)
    assert isinstance(body["message"], str), where
    assert isinstance(body["code"], str), where
    assert "Traceback" not in text
    for fault in body.get("errors", ()):
        assert isinstance(fault["error_info"], str), where
    return body


async def post(api: Api, operation: Operation, world: World, content: bytes, **headers: str) -> tuple[int, str]:
    sent = credentials(world.key, world.token_for(operation)) | {"Content-Type": "application/json"} | headers
    answer = await api.client.request(operation.method, operation.path, content=content, headers=sent)
    return answer.status_code, answer.text


def bodies_with(operation: Operation, world: World, raw: str) -> Iterator[tuple[str, bytes]]:
    """The good body with one field after the other replaced by `raw`."""
    good = {name: json.dumps(value) for name, value in body_for(operation, world).items()}
    for name in operation.request.__struct_fields__:
        fields = good | {name: raw}
        yield name, ("{" + ", ".join(f'"{key}": {value}' for key, value in fields.items()) + "}").encode()


@pytest.mark.parametrize("operation", JSON, ids=by_id)
async def test_every_field_with_what_nothing_takes(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for value in NOTHING_TAKES:
        for name, content in bodies_with(operation, world, json.dumps(value)):
            status, text = await post(api, operation, world, content)
            body = check_refusal(status, text, f"{operation.id}.{name} = {value!r}")
            assert status == 400
            assert any(fault["field"].split(".")[0] == name for fault in body["errors"]), (name, value, body)


@pytest.mark.parametrize("operation", JSON, ids=by_id)
async def test_every_field_with_what_decoders_trip_over(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for raw in RAW:
        for name, content in bodies_with(operation, world, raw):
            status, text = await post(api, operation, world, content)
            assert status < 500 or json.loads(text)["code"] != "internal_error", f"{operation.id}.{name} = {raw[:40]}"
            if status >= 400:
                assert json.loads(text)["code"]


@pytest.mark.parametrize("operation", [one for one in JSON if one.request.__struct_fields__], ids=by_id)
async def test_all_faults_at_once(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    bad = {name: {"no": "field takes an object"} for name in operation.request.__struct_fields__}
    status, text = await post(api, operation, world, json.dumps(bad).encode())
    assert status == 400
    assert {fault["field"] for fault in json.loads(text)["errors"]} == set(bad)
    missing = await post(api, operation, world, b"{}")
    if operation.required_fields:
        named = {fault.get("field") for fault in json.loads(missing[1])["errors"]}
        assert set(operation.required_fields) <= named


@pytest.mark.parametrize("operation", JSON, ids=by_id)
async def test_bodies_that_are_no_json_objects(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    contents = [
        b"{",
        b"[]",
        b"null",
        b"5",
        b'"x"',
        b"\x00",
        b"\xff\xfe{\x00}\x00",
        b'{"\xff": 1}',
        b'{"a": "\xc3\x28"',
        b'{"a": "\\ud800"}',
        b'{"a": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
        b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
        b"a=1&b=2",
        b"<xml/>",
    ]
    for content in contents:
        status, text = await post(api, operation, world, content)
        check_refusal(status, text, f"{operation.id} {content[:20]!r}")
        assert status == 400


@pytest.mark.parametrize("operation", JSON, ids=by_id)
async def test_duplicated_and_unknown_fields(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    good = json.dumps(body_for(operation, world))[1:-1]
    parts = [good, good, '"use_page_by_page": true', '"unknown": {"deep": [1, null, "\\u0000"]}']
    content = ("{" + ", ".join(part for part in parts if part) + "}").encode()
    status, text = await post(api, operation, world, content)
    assert status == 200 or json.loads(text)["code"] not in ("validation_failed", "internal_error")


@pytest.mark.parametrize("operation", WITH_BODY, ids=by_id)
async def test_ten_megabytes(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    status, text = await post(api, operation, world, b'{"a": "' + b"x" * (11 * 1024 * 1024) + b'"}')
    assert status == 413
    body = json.loads(text)
    assert body["code"] == "body_too_large"
    assert body["details"]["limit_bytes"] > 0


@pytest.mark.parametrize("operation", WITH_BODY, ids=by_id)
async def test_wrong_content_types(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for kind in (
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencoded",
        "application/json; charset=latin-1",
        "\u00e4",
    ):
        sent = credentials(world.key, world.token_for(operation)) | {"Content-Type": kind}
        raw = [(name.encode(), value.encode("latin-1")) for name, value in sent.items()]
        answer = await api.client.request(operation.method, operation.path, content=b'{"a": 1}', headers=raw)
        assert answer.status_code == 415, (operation.id, kind)
        assert answer.json()["code"] == "unsupported_media"
    other = "multipart/form-data; boundary=x" if operation.content == "json" else "application/json"
    status, _text = await post(api, operation, world, b'{"a": 1}', **{"Content-Type": other})
    assert status == 415


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_id)
async def test_an_empty_body(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for kind in ("application/json", "text/plain", ""):
        headers = credentials(world.key, world.token_for(operation)) | ({"Content-Type": kind} if kind else {})
        answer = await api.client.request(operation.method, operation.path, content=b"", headers=headers)
        if operation.required_fields:
            assert answer.status_code == 400, operation.id
            named = {fault.get("field") for fault in answer.json()["errors"]}
            assert set(operation.required_fields) <= named
        else:
            assert answer.status_code < 500


@pytest.mark.parametrize("operation", OPERATIONS, ids=by_id)
async def test_headers_that_are_none(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    for name, value in (
        ("Idempotency-Key", b"x" * 300),
        ("Idempotency-Key", b"\xe4"),
        ("Accept-Language", b";q=x,,*,\xff" * 50),
        ("X-Forwarded-For", b"not an address"),
        ("X-Request-Id", b"<script>"),
        ("Content-Length", b"5"),
    ):
        headers = [*credentials(world.key, world.token_for(operation)).items(), ("Content-Type", "application/json")]
        raw = [(key.encode(), val.encode()) for key, val in headers] + [(name.encode(), value)]
        answer = await api.client.request(operation.method, operation.path, content=b"{}", headers=raw)
        assert answer.status_code != 500, (operation.id, name)
        assert answer.headers["x-request-id"] != "<script>"


FORM_HEAD = b'--b\r\nContent-Disposition: form-data; name="%s"\r\n\r\n%s\r\n'


@pytest.mark.parametrize("operation", FORMS, ids=by_id)
@pytest.mark.parametrize(
    ("boundary", "content"),
    [
        ("", b"--b--"),
        ("; boundary=", b"--b--"),
        ("; boundary=b", b"no boundary at all"),
        ("; boundary=b", FORM_HEAD % (b"user_latitude", b"60")),
        ("; boundary=b", b"--b\r\nContent-Disposition: form-data\r\n\r\nx\r\n--b--\r\n"),
        ("; boundary=b", FORM_HEAD % (b"user_latitude", b"\xff\xfe") + b"--b--\r\n"),
        ("; boundary=b", FORM_HEAD % (b"user_latitude", b"nan") + b"--b--\r\n"),
        ("; boundary=b", FORM_HEAD % (b"vehicle_number", b"a\x00") + b"--b--\r\n"),
        ("; boundary=b", (FORM_HEAD % (b"x", b"y")) * 100 + b"--b--\r\n"),
        ("; boundary=b", b"--b\r\n" + b"X-A: b\r\n" * 100 + b"\r\nx\r\n--b--\r\n"),
        ("; boundary=b", FORM_HEAD % (b"images", b"not a picture") + b"--b--\r\n"),
        ("; boundary=\xff", b"--\xff--"),
    ],
)
async def test_broken_forms(api: Api, operation: Operation, boundary: str, content: bytes) -> None:
    world = await make_world(api.services.rt)
    headers = credentials(world.key, world.token_for(operation))
    raw = [(key.encode(), value.encode()) for key, value in headers.items()]
    raw.append((b"Content-Type", f"multipart/form-data{boundary}".encode("latin-1")))
    answer = await api.client.post(operation.path, content=content, headers=raw)
    check_refusal(answer.status_code, answer.text, operation.id)
    assert answer.status_code == 400


@pytest.mark.parametrize("operation", FORMS, ids=by_id)
async def test_every_field_of_a_form(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    token = world.token_for(operation)
    assert token is not None
    for raw in ("nan", "inf", "1e999", "9" * 400, "x" * 10_000, "\x00", "[]", "{}", "[1]", "null", "-1", "91.5"):
        for name in operation.request.__struct_fields__:
            body = {key: value for key, value in body_for(operation, world).items() if not isinstance(value, list)}
            answer = await api.form(operation.path, body | {name: raw}, key=world.key, token=token)
            assert answer.status_code < 500 or answer.json()["code"] != "internal_error", (name, raw)


@pytest.mark.parametrize("operation", FORMS, ids=by_id)
async def test_too_many_or_wrong_files(api: Api, operation: Operation) -> None:
    world = await make_world(api.services.rt)
    body = {key: value for key, value in body_for(operation, world).items() if not isinstance(value, list)}
    token = world.token_for(operation)
    assert token is not None
    many = [("images", (f"{nr}.png", b"\x89PNG\r\n\x1a\n" + bytes(10), "image/png")) for nr in range(9)]
    answer = await api.form(operation.path, body, many, key=world.key, token=token)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "images")
    text = [("images", ("a.png", b"GIF89a", "image/png"))]
    answer = await api.form(operation.path, body, text, key=world.key, token=token)
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "images.0")

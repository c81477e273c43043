"""Health, metrics, the outbox of the demo, documentation, and what the edge adds to every answer."""

import json
import re
from pathlib import Path

import pytest

from isotope.api.demo_keys import refuse_demo_keys
from isotope.domain.tenants import CreateOperator, RotateKey, create_operator, rotate_key
from isotope.domain.tenants.model import KeyKind, Settings
from isotope.infra.config import Config, ConfigError
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.http import Api, run_api
from tests.kit.samples import all_operations

PATH = "/openapi/v1.0/user/get-user-data"


async def test_live_and_ready(api: Api) -> None:
    assert (await api.client.get("/health/live")).json() == {"status": "live"}
    ready = await api.client.get("/health/ready")
    assert (ready.status_code, ready.json()) == (200, {"status": "ready", "reasons": []})


async def test_not_ready_says_why(api: Api, db: Database) -> None:
    async with db.write() as tx:
        await tx.execute("update schema_migration set name = '-' where name like '0001%%'")
    try:
        answer = await api.client.get("/health/ready")
    finally:
        async with db.write() as tx:
            await tx.execute("update schema_migration set name = '0001_tenants.sql' where name = '-'")
    assert answer.status_code == 503
    assert answer.json()["reasons"] == ["migrations are missing: 0001_tenants.sql"]
    assert answer.headers["retry-after"]
    await api.services.rt.hub.stop()
    api.services.rt.hub._ready.clear()
    assert "changes in the store are not heard" in (await api.client.get("/health/ready")).json()["reasons"]


async def test_a_store_that_is_away(db: Database, tmp_path: Path, clock: SettableClock) -> None:
    gone = Database(db.url, wait_s=0.2)
    rt = Runtime(db=gone, clock=clock, hub=Hub(db.url), jobs=Jobs())
    await gone.open()
    async with run_api(rt, tmp_path) as api:
        await gone.close()
        ready = await api.client.get("/health/ready")
        assert (ready.status_code, ready.json()["reasons"]) == (503, ["the store does not answer"])
        refused = await api.post(PATH, key="any")
        assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
        assert int(refused.headers["retry-after"]) > 0
        assert (await api.client.get("/health/live")).status_code == 200


async def test_metrics_name_operations_not_paths(api: Api) -> None:
    await api.post(PATH)
    await api.client.get("/some/secret/path")
    text = (await api.client.get("/metrics")).text
    assert re.search(r'isotope_http_requests_total\{operation="get_user_data",status="403"\} \d', text)
    assert "secret/path" not in text


@pytest.mark.parametrize(("mode", "status"), [("demo", 200), ("test", 200), ("production", 404)])
async def test_the_outbox_is_not_for_production(rt: Runtime, tmp_path: Path, mode: str, status: int) -> None:
    async with run_api(rt, tmp_path, mode=mode) as api:  # type: ignore[arg-type]
        assert (await api.client.get("/dev/outbox?phone=358401")).status_code == status
        assert (await api.client.get("/dev/push-outbox?token=app")).status_code == status


async def test_the_outbox_wants_a_number(api: Api) -> None:
    for query in ("", "?phone=", "?phone=x"):
        answer = await api.client.get(f"/dev/outbox{query}")
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (400, "phone")


async def test_production_refuses_the_keys_of_the_demo(fresh_database_url: str, clock: SettableClock) -> None:
    db = Database(fresh_database_url)
    rt = Runtime(db=db, clock=clock, hub=Hub(fresh_database_url), jobs=Jobs())
    await db.open()
    try:
        await refuse_demo_keys(Config(mode="production"), rt)
        await create_operator(
            rt,
            CreateOperator(
                slug="demo",
                name="Demo",
                currency="EUR",
                time_zone="Europe/Helsinki",
                languages=("en",),
                settings=Settings(),
                secret_key="demo-secret",
            ),
        )
        await refuse_demo_keys(Config(mode="demo"), rt)
        with pytest.raises(ConfigError, match="operator demo answers to a key of the demo"):
            await refuse_demo_keys(Config(mode="production"), rt)
        await rotate_key(rt, RotateKey(slug="demo", kind=KeyKind.SECRET, grace_s=0))
        clock.advance(seconds=1)
        await refuse_demo_keys(Config(mode="production"), rt)
    finally:
        await db.close()


async def test_the_page_needs_nothing_from_anywhere(api: Api) -> None:
    answer = await api.client.get("/api/docs")
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["content-security-policy"]
    page = answer.text
    assert not re.findall(r"<(?:script|link|img|iframe)\b", page)
    assert not re.findall(r"""(?:src|href)=["'](?!#|/api/docs)""", page)
    assert "url(" not in page
    assert "@import" not in page


async def test_the_page_shows_every_operation(api: Api) -> None:
    page = (await api.client.get("/api/docs", headers={"Host": "city.example:9000"})).text
    for operation in all_operations():
        assert f'id="{operation.id}"' in page
        assert f"http://city.example:9000{operation.path}" in page
        for name in operation.request.__struct_fields__:
            assert f">{name}</code>" in page


async def test_a_host_cannot_write_into_the_page(api: Api) -> None:
    page = (await api.client.get("/api/docs", headers={"Host": "<script>"})).text
    assert "<script>" not in page


async def test_an_unknown_address(api: Api) -> None:
    for path in ("/", "/nope", "/openapi/v1.0/user/get-user-data/more", "/openapi/v1.0/../../etc/passwd"):
        answer = await api.client.post(path, json={})
        assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_a_method_that_is_not_taken(api: Api) -> None:
    answer = await api.client.get(PATH)
    assert answer.status_code == 405
    assert answer.headers["allow"] == "POST, OPTIONS"
    assert answer.json()["code"] == "method_not_allowed"
    assert answer.json()["details"] == {"allowed": ["POST", "OPTIONS"]}
    assert (await api.client.request("BREW", PATH)).status_code == 405


async def test_options_and_head(api: Api) -> None:
    options = await api.client.options(PATH)
    assert (options.status_code, options.headers["allow"], options.content) == (204, "POST, OPTIONS", b"")
    head = await api.client.head("/health/live")
    assert (head.status_code, head.content) == (200, b"")


async def test_what_stands_on_every_answer(api: Api) -> None:
    for answer in (await api.client.get("/nope"), await api.post(PATH), await api.client.get("/health/live")):
        assert answer.headers["x-content-type-options"] == "nosniff"
        assert answer.headers["x-frame-options"] == "DENY"
        assert answer.headers["cache-control"] == "no-store"
        assert re.fullmatch(r"[0-9a-f]{16}", answer.headers["x-request-id"])
    named = await api.client.get("/nope", headers={"X-Request-Id": "my-own-id-7"})
    assert named.headers["x-request-id"] == "my-own-id-7"


async def test_browsers_of_other_sites(rt: Runtime, tmp_path: Path) -> None:
    ask = {
        "Origin": "https://app.example",
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "app-public-key, authorization, content-type",
    }
    async with run_api(rt, tmp_path, cors_origins="https://app.example") as api:
        allowed = await api.client.options(PATH, headers=ask)
        assert (allowed.status_code, allowed.headers["access-control-allow-origin"]) == (204, "https://app.example")
        other = await api.client.options(PATH, headers=ask | {"Origin": "https://evil.example"})
        assert other.headers.get("access-control-allow-origin") != "https://evil.example"


async def test_a_bug_is_a_500_with_a_log_id_and_no_trace(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    async def broken(_key: str) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(api.services.operators, "find_by_public_key", broken)
    answer = await api.post(PATH, key="any")
    assert answer.status_code == 500
    body = json.loads(answer.text)
    assert body["code"] == "internal_error"
    assert body["details"]["log_id"] == answer.headers["x-request-id"]
    assert "secret of the inside" not in answer.text

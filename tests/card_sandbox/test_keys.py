"""Who may ask, and that nothing is done twice for one key."""

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import httpx2
import pytest

from isotope.card_sandbox.faults import FAULTS
from tests.card_sandbox.conftest import Client, charge_body
from tests.kit.cards import KEY, SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.waiting import until


@pytest.mark.parametrize("path", ["payments", "setups", "control/customers", "control/faults", "control/disputes"])
async def test_only_who_has_the_key_may_ask(client: Client, path: str) -> None:
    for secret, merchant in (("wrong", "7"), (KEY[:-1], "7"), (KEY, ""), (KEY, "7;8"), (KEY, "x" * 65)):
        assert (await client.post(path, {}, key="k", secret=secret, merchant=merchant)).status_code == 401
    assert (await client.get("movements")).status_code == 400


async def test_bodies_that_make_no_sense(client: Client, sandbox: SandboxKit) -> None:
    good = charge_body(sandbox)
    for change in (
        {"amount": 0},
        {"amount": -1},
        {"amount": 1.5},
        {"amount": "5"},
        {"currency": "eur"},
        {"number": "4"},
    ):
        answer = await client.post("payments", good | change, key="k")
        assert (answer.status_code, answer.json()["error"]["code"]) == (400, "body_invalid")
    assert (await client.post("payments", good)).json()["error"]["code"] == "idempotency_key_missing"
    assert (await client.post("payments", good | {"description": "x" * 70_000}, key="k")).status_code == 413
    assert (await client.post("nothing", {}, key="k")).status_code == 404
    assert sandbox.payments() == []
    assert (await client.post("payments", good, key="k")).status_code == 200, "a wrong body does not use up the key"


async def test_another_body_for_the_same_key_is_refused(client: Client, sandbox: SandboxKit) -> None:
    body = charge_body(sandbox)
    first = await client.post("payments", body, key="k")
    other = await client.post("payments", body | {"amount": 501}, key="k")
    assert (other.status_code, other.json()["error"]["code"]) == (422, "key_reused")
    assert (await client.post("payments", body, key="k")).json() == first.json()
    assert len(sandbox.payments()) == 1


async def test_the_key_of_one_merchant_is_not_that_of_another(client: Client, sandbox: SandboxKit) -> None:
    assert (await client.post("payments", charge_body(sandbox), key="k")).status_code == 200
    theirs = await client.post("payments", charge_body(sandbox), key="k", merchant="8")
    assert theirs.json()["error"]["code"] == "card_unknown"


async def test_while_the_first_runs_the_second_is_told_so(clock: SettableClock) -> None:
    with running_sandbox(clock, slow_s=0.5) as sandbox:
        async with httpx2.AsyncClient(timeout=20.0, trust_env=False) as http:
            client = Client(http, sandbox.url)
            body = charge_body(sandbox, "slow")
            first = asyncio.create_task(client.post("payments", body, key="k"))
            await until(lambda: sandbox._rows("select * from call where key = 'k'"), "the first runs")
            second = await client.post("payments", body, key="k")
            assert (second.status_code, second.json()["error"]["code"]) == (409, "in_progress")
            assert second.headers["retry-after"] == "1"
            assert (await client.get("calls", key="k")).status_code == 409
            assert sandbox.payments() == []
            done = await first
            assert (await client.post("payments", body, key="k")).json() == done.json()
    assert done.json()["status"] == "captured"


async def _silent(client: Client, path: str, body: Any, key: str) -> bool:
    """Whether no whole answer came."""
    try:
        async with asyncio.timeout(0.3):
            return (await client.post(path, body, key=key)).status_code == 500
    except (TimeoutError, httpx2.HTTPError):
        return True


@pytest.mark.parametrize("fault", [one for one in FAULTS if one != "slow"])
async def test_what_was_answered_to_nobody_is_done_once(client: Client, sandbox: SandboxKit, fault: Any) -> None:
    body = charge_body(sandbox)
    sandbox.add_fault("charge", fault)
    assert await _silent(client, "payments", body, "k")
    done = fault in {"done", "half", "error_done"}
    await until(lambda: len(sandbox.payments()) == int(done), "it is done, or not")
    assert (await client.get("calls", key="k")).status_code == (200 if done else 404)
    again = await client.post("payments", body, key="k")
    assert again.json()["status"] == "captured"
    assert sandbox.totals("7").captured_minor == 500


@pytest.mark.parametrize(("card", "done"), [("timeout", True), ("timeout_lost", False)])
async def test_cards_that_keep_silent_do_so_once_for_each_call(
    client: Client, sandbox: SandboxKit, card: str, *, done: bool
) -> None:
    body = charge_body(sandbox, card, capture=False)
    assert await _silent(client, "payments", body, "k1")
    await until(lambda: len(sandbox.payments()) == int(done), "it is done, or not")
    payment = (await client.post("payments", body, key="k1")).json()["id"]
    capture = f"payments/{payment}/capture"
    assert await _silent(client, capture, {"amount": 400}, "k2")
    assert (await client.post(capture, {"amount": 400}, key="k2")).json()["captured"] == 400
    back = f"payments/{payment}/refunds"
    assert await _silent(client, back, {"amount": 100}, "k3")
    assert (await client.post(back, {"amount": 100}, key="k3")).json()["amount"] == 100
    assert sandbox.totals("7").net_minor == 300
    assert len(sandbox.payments()) == 1


async def test_what_it_knows_outlives_it(clock: SettableClock, tmp_path: Path) -> None:
    path = tmp_path / "cards.sqlite"
    with running_sandbox(clock, path=path) as sandbox:
        async with httpx2.AsyncClient(timeout=20.0, trust_env=False) as http:
            body = charge_body(sandbox)
            first = await Client(http, sandbox.url).post("payments", body, key="k")
        # As if it had been killed while this ran.
        sandbox._store.run_now(
            lambda db: db.execute(
                "insert into call (merchant, key, fingerprint, kind) values ('7', 'k2', '', 'charge')"
            )
        )
    with running_sandbox(clock, path=path) as sandbox:
        async with httpx2.AsyncClient(timeout=20.0, trust_env=False) as http:
            client = Client(http, sandbox.url)
            assert (await client.post("payments", body, key="k")).json() == first.json()
            assert (await client.get("calls", key="k2")).status_code == 404
            assert (await client.post("payments", body, key="k2")).status_code == 200
        assert sandbox.totals("7").captured_minor == 1_000


async def test_who_gives_up_leaves_nothing_running(client: Client, sandbox: SandboxKit) -> None:
    body = charge_body(sandbox, "slow")
    with contextlib.suppress(httpx2.HTTPError):
        await client.http.post(
            f"{client.url}/v1/payments",
            json=body,
            headers={"Authorization": f"Bearer {KEY}", "Sandbox-Merchant": "7", "Idempotency-Key": "k"},
            timeout=0.01,
        )
    await until(lambda: sandbox.totals("7").captured_minor == 500, "it is done all the same")

"""What Google and the network between can do to a notification."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from isotope.adapters.push import OutboxPush
from isotope.adapters.push.account import read_account
from isotope.adapters.push.fcm import FcmPush
from isotope.adapters.push.make import make_push
from isotope.domain.identity import PushFailed
from isotope.infra.clock import SystemClock
from isotope.infra.config import Config, ConfigError
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.fcm import LIFE_S, NONSENSE, Answer, Fault, FcmServer, account_at, running_fcm, write_account

SHORT = httpx2.Timeout(0.5)
NOT_GONE = "the operator's or Google's trouble, not the app's"


@pytest.fixture
def own_clock() -> SettableClock:
    return SettableClock(SystemClock().now())


@pytest_asyncio.fixture
async def fcm(own_clock: SettableClock) -> AsyncIterator[FcmServer]:
    async with running_fcm(own_clock) as server:
        yield server


@pytest.fixture
def push(fcm: FcmServer, own_clock: SettableClock, tmp_path: Path) -> FcmPush:
    return sender(fcm.url, own_clock, tmp_path)


def sender(url: str, clock: SettableClock, folder: Path, **account: Any) -> FcmPush:
    known = account_at(folder, url, **account)
    return FcmPush(account=known, clock=clock, base_url=url + "/", timeout=SHORT, backoff_s=(0, 0))


async def test_what_google_is_sent(fcm: FcmServer, push: FcmPush) -> None:
    await push.send("app", "Title", "Body")
    assert fcm.messages == [
        {"token": "app", "notification": {"title": "Title", "body": "Body"}, "android": {"priority": "HIGH"}}
    ]


async def test_one_access_token_serves_until_shortly_before_its_end(
    fcm: FcmServer, push: FcmPush, own_clock: SettableClock
) -> None:
    await asyncio.gather(*(push.send("app", "T", str(nr)) for nr in range(5)))
    assert (fcm.grants, len(fcm.messages)) == (1, 5)
    own_clock.advance(seconds=LIFE_S - 121)
    await push.send("app", "T", "still")
    assert fcm.grants == 1
    own_clock.advance(seconds=2)
    await push.send("app", "T", "anew")
    assert (fcm.grants, len(fcm.messages)) == (2, 7)


async def test_an_access_token_that_was_withdrawn_is_replaced_once(fcm: FcmServer, push: FcmPush) -> None:
    await push.send("app", "T", "1")
    fcm.granted.clear()
    await push.send("app", "T", "2")
    assert (fcm.grants, fcm.sends, len(fcm.messages)) == (2, 3, 2)
    fcm.script = [Answer.error(401, "UNAUTHENTICATED")] * 2
    with pytest.raises(PushFailed, match="401, code UNAUTHENTICATED") as failed:
        await push.send("app", "T", "3")
    assert not failed.value.is_gone, NOT_GONE
    assert (fcm.grants, fcm.sends) == (3, 5)


async def test_two_that_find_it_withdrawn_ask_for_one_more_only(fcm: FcmServer, push: FcmPush) -> None:
    await push.send("app", "T", "1")
    fcm.granted.clear()
    await asyncio.gather(push.send("app", "T", "2"), push.send("app", "T", "3"))
    assert (fcm.grants, len(fcm.messages)) == (2, 3)


async def test_a_token_that_never_was_one_is_of_no_use_again(push: FcmPush) -> None:
    with pytest.raises(PushFailed, match="400, code INVALID_ARGUMENT") as failed:
        await push.send(NONSENSE, "T", "B")
    assert failed.value.is_gone


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Answer.error(400, "INVALID_ARGUMENT", {"fieldViolations": [{"field": "message.android"}]}), "400, code INV"),
        (Answer.fcm_error(403, "PERMISSION_DENIED", "SENDER_ID_MISMATCH"), "403, code SENDER_ID_MISMATCH"),
        (Answer.fcm_error(401, "UNAUTHENTICATED", "THIRD_PARTY_AUTH_ERROR"), "401, code THIRD"),
        (Answer.error(404, "NOT_FOUND"), "404, code NOT_FOUND"),
        (Answer.fcm_error(503, "UNAVAILABLE", "UNAVAILABLE"), "503, code UNAVAILABLE"),
        (Answer(500, b"<html>"), "500, code None"),
        (Answer(400, b"[]"), "400, code None"),
        (Answer(400, b'{"error": "x"}'), "400, code None"),
        ("hang", "ReadTimeout"),
        ("hang up", "may have been sent"),
    ],
)
async def test_what_is_not_the_apps_trouble_keeps_its_token_and_is_not_sent_twice(
    fcm: FcmServer, push: FcmPush, step: Answer | Fault, reason: str
) -> None:
    # A 401 says that nothing was taken, so it alone comes twice.
    fcm.script = [step] * (2 if isinstance(step, Answer) and step.status == 401 else 1)
    with pytest.raises(PushFailed, match=reason) as failed:
        await push.send("app", "T", "B")
    assert not failed.value.is_gone, NOT_GONE
    assert (fcm.messages, fcm.script) == ([], [])


async def test_after_a_429_it_tries_again(fcm: FcmServer, push: FcmPush) -> None:
    fcm.script = [Answer.fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")] * 2
    fcm.grant_script = [Answer(429, b"")]
    await push.send("app", "T", "B")
    assert (fcm.grants, fcm.sends, len(fcm.messages)) == (2, 3, 1)


async def test_it_gives_up_after_three(fcm: FcmServer, push: FcmPush) -> None:
    fcm.script = [Answer.fcm_error(429, "RESOURCE_EXHAUSTED", "QUOTA_EXCEEDED")] * 4
    with pytest.raises(PushFailed, match="429, code QUOTA_EXCEEDED"):
        await push.send("app", "T", "B")
    assert fcm.sends == 3


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Answer.of(400, {"error": "invalid_grant"}), "no access token: Google answered 400"),
        (Answer.of(200, {"token": "x"}), "answer has none"),
        (Answer(200, b"<html>"), "answer has none"),
        ("hang", "ReadTimeout"),
    ],
)
async def test_without_an_access_token_nothing_is_sent(
    fcm: FcmServer, push: FcmPush, step: Answer | Fault, reason: str
) -> None:
    fcm.grant_script = [step]
    with pytest.raises(PushFailed, match=reason) as failed:
        await push.send("app", "T", "B")
    assert not failed.value.is_gone, NOT_GONE
    assert fcm.sends == 0
    await push.send("app", "T", "B")
    assert len(fcm.messages) == 1


@pytest.mark.parametrize("changed", [{"client_email": "who@else.test"}, {"private_key_id": "other"}])
async def test_the_server_of_these_tests_looks_at_who_signs(
    fcm: FcmServer, own_clock: SettableClock, tmp_path: Path, changed: dict[str, str]
) -> None:
    with pytest.raises(PushFailed, match="no access token"):
        await sender(fcm.url, own_clock, tmp_path, **changed).send("app", "T", "B")


async def test_a_server_that_is_not_there(own_clock: SettableClock, tmp_path: Path) -> None:
    async with running_fcm(own_clock) as server:
        url = server.url
    with pytest.raises(PushFailed, match="no connection"):
        await sender(url, own_clock, tmp_path).send("app", "T", "B")


async def test_a_server_that_comes_up_between_two_tries(
    own_clock: SettableClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with AsyncExitStack() as stack:
        async with running_fcm(own_clock) as server:
            url = server.url

        async def wait(_seconds: float) -> None:
            nonlocal server
            server = await stack.enter_async_context(running_fcm(own_clock, int(url.rpartition(":")[2])))

        monkeypatch.setattr("isotope.adapters.push.fcm.asyncio.sleep", wait)
        await sender(url, own_clock, tmp_path).send("app", "T", "B")
        assert len(server.messages) == 1


def test_an_account_that_is_not_usable_is_refused_at_the_start(tmp_path: Path) -> None:
    def said(path: Path) -> str:
        with pytest.raises(ConfigError, match="ISOTOPE_FCM_ACCOUNT") as error:
            read_account(str(path))
        return str(error.value)

    assert "cannot be read (No such file" in said(tmp_path / "none.json")
    (tmp_path / "other.json").write_text('{"type": "authorized_user"}')
    assert "is not the JSON file of a service account" in said(tmp_path / "other.json")
    (tmp_path / "broken.json").write_text("{")
    assert "is not the JSON file" in said(tmp_path / "broken.json")
    assert "has no RSA key" in said(write_account(tmp_path, "http://x", private_key="SECRET-KEY"))
    assert "SECRET-KEY" not in said(write_account(tmp_path, "http://x", private_key="SECRET-KEY"))
    assert "no address in token_uri" in said(write_account(tmp_path, "http://x", token_uri="token"))


def test_the_settings_name_the_sender(rt: Runtime, tmp_path: Path) -> None:
    account = str(write_account(tmp_path, "http://x"))
    assert isinstance(make_push(Config(), rt), OutboxPush)
    assert isinstance(make_push(Config(push="fcm", fcm_account=account), rt), FcmPush)

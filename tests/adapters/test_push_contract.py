"""What every sender of notifications does, the real one and the stand-in alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from isotope.adapters.push import OutboxPush, list_push_outbox
from isotope.adapters.push.fcm import FcmPush
from isotope.domain.identity import PushFailed, PushSender
from isotope.infra.outbound import NetworkInTransactionError
from isotope.infra.runtime import Runtime
from tests.kit.fcm import GONE, account_at, running_fcm


@dataclass
class Subject:
    """A sender, and how to see what arrived at an app, oldest first."""

    push: PushSender
    arrived: Callable[[str], Awaitable[list[tuple[str, str]]]]


@pytest_asyncio.fixture(params=["outbox", "fcm"])
async def subject(request: pytest.FixtureRequest, rt: Runtime, tmp_path: Path) -> AsyncIterator[Subject]:
    if request.param == "outbox":

        async def in_outbox(token: str) -> list[tuple[str, str]]:
            return [(one.title, one.body) for one in reversed(await list_push_outbox(rt, token, 100))]

        yield Subject(OutboxPush(rt), in_outbox)
        return
    async with running_fcm(rt.clock) as server:

        async def at_google(token: str) -> list[tuple[str, str]]:
            shown = [message["notification"] for message in server.messages if message["token"] == token]
            return [(one["title"], one["body"]) for one in shown]

        account = account_at(tmp_path, server.url)
        yield Subject(FcmPush(account=account, clock=rt.clock, base_url=server.url, backoff_s=(0, 0)), at_google)


@pytest.mark.parametrize("body", ["We gave you 2 EUR back.", 'Äö & "1 + 1" = %\n第二行 🛴'])
async def test_a_notification_arrives_as_it_is(subject: Subject, body: str) -> None:
    token = uuid4().hex
    await subject.push.send(token, "Título", body)
    assert await subject.arrived(token) == [("Título", body)]


async def test_notifications_arrive_at_their_app_in_order(subject: Subject) -> None:
    one, other = uuid4().hex, uuid4().hex
    for token, body in ((one, "1"), (other, "2"), (one, "3")):
        await subject.push.send(token, "T", body)
    assert await subject.arrived(one) == [("T", "1"), ("T", "3")]
    assert await subject.arrived(other) == [("T", "2")]


async def test_an_app_that_is_gone_is_told_apart(subject: Subject) -> None:
    with pytest.raises(PushFailed) as failed:
        await subject.push.send(GONE, "T", "B")
    assert failed.value.is_gone
    assert GONE not in failed.value.reason
    assert await subject.arrived(GONE) == []


async def test_nothing_is_sent_inside_a_transaction(subject: Subject, rt: Runtime) -> None:
    token = uuid4().hex
    async with rt.db.write():
        with pytest.raises(NetworkInTransactionError):
            await subject.push.send(token, "T", "B")
    assert await subject.arrived(token) == []


async def test_the_log_has_neither_the_token_nor_the_text(subject: Subject) -> None:
    token = uuid4().hex
    with capture_logs() as lines:
        await subject.push.send(token, "A title", "A body")
    assert lines
    assert not [word for word in (token, "A title", "A body") if word in str(lines)]

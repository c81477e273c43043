"""What every sender of text messages does, the real one and the stand-in alike."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from isotope.adapters.sms import OutboxSms, TwilioSms, list_outbox
from isotope.domain.identity import SmsFailed, SmsSender
from isotope.infra.outbound import NetworkInTransactionError
from isotope.infra.runtime import Runtime
from tests.kit.riders import new_phone
from tests.kit.twilio import ACCOUNT, INVALID_NUMBER, SENDER, TOKEN, running_twilio


@dataclass
class Subject:
    """A sender, and how to see what arrived at a number (digits), oldest first."""

    sms: SmsSender
    arrived: Callable[[str], Awaitable[list[str]]]


@pytest_asyncio.fixture(params=["outbox", "twilio"])
async def subject(request: pytest.FixtureRequest, rt: Runtime) -> AsyncIterator[Subject]:
    if request.param == "outbox":

        async def in_outbox(digits: str) -> list[str]:
            return [message.body for message in reversed(await list_outbox(rt, digits, 100))]

        yield Subject(OutboxSms(rt), in_outbox)
        return
    async with running_twilio() as server:

        async def at_twilio(digits: str) -> list[str]:
            return [message["Body"] for message in server.messages if message["To"] == f"+{digits}"]

        sms = TwilioSms(account=ACCOUNT, token=TOKEN, sender=SENDER, base_url=server.url, backoff_s=(0, 0))
        yield Subject(sms, at_twilio)


@pytest.mark.parametrize("body", ["Your code is 123456.", "Koodisi on 1 & 2 = 3 + 4 % äöå\n第二行 🛴"])
async def test_a_message_arrives_as_it_is(subject: Subject, body: str) -> None:
    digits = new_phone().digits
    await subject.sms.send(digits, body)
    assert await subject.arrived(digits) == [body]


async def test_messages_arrive_at_their_number_in_order(subject: Subject) -> None:
    one, other = new_phone().digits, new_phone().digits
    for digits, body in ((one, "1"), (other, "2"), (one, "3")):
        await subject.sms.send(digits, body)
    assert await subject.arrived(one) == ["1", "3"]
    assert await subject.arrived(other) == ["2"]


async def test_a_number_that_cannot_be_reached_is_told_apart(subject: Subject) -> None:
    digits = INVALID_NUMBER.removeprefix("+")
    with pytest.raises(SmsFailed) as failed:
        await subject.sms.send(digits, "Your code is 123456.")
    assert failed.value.undeliverable
    assert digits not in failed.value.reason
    assert await subject.arrived(digits) == []


async def test_nothing_is_sent_inside_a_transaction(subject: Subject, rt: Runtime) -> None:
    digits = new_phone().digits
    async with rt.db.write():
        with pytest.raises(NetworkInTransactionError):
            await subject.sms.send(digits, "Your code is 123456.")
    assert await subject.arrived(digits) == []


async def test_the_log_has_neither_the_number_nor_the_text(subject: Subject) -> None:
    digits = new_phone().digits
    with capture_logs() as lines:
        await subject.sms.send(digits, "Your code is 123456.")
    assert lines
    assert digits not in str(lines)
    assert "123456" not in str(lines)

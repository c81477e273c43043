"""What Twilio and the network between can do to a message."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import httpx2
import pytest
import pytest_asyncio

from isotope.adapters.sms import TwilioSms
from isotope.domain.identity import SmsFailed
from tests.kit.twilio import ACCOUNT, SENDER, TOKEN, Answer, Fault, TwilioServer, running_twilio

DIGITS = "358401234567"
SHORT = httpx2.Timeout(0.3)


@pytest_asyncio.fixture
async def twilio() -> AsyncIterator[TwilioServer]:
    async with running_twilio() as server:
        yield server


def sender(url: str, *, token: str = TOKEN, sender: str = SENDER) -> TwilioSms:
    return TwilioSms(account=ACCOUNT, token=token, sender=sender, base_url=url, timeout=SHORT, backoff_s=(0, 0))


async def test_what_twilio_is_sent(twilio: TwilioServer) -> None:
    await sender(twilio.url + "/").send(DIGITS, "Hello")
    assert twilio.messages == [{"To": "+358401234567", "Body": "Hello", "From": SENDER}]


async def test_a_messaging_service_is_named_as_one(twilio: TwilioServer) -> None:
    await sender(twilio.url, sender="MG01").send(DIGITS, "Hello")
    assert twilio.messages == [{"To": "+358401234567", "Body": "Hello", "MessagingServiceSid": "MG01"}]


async def test_wrong_credentials_are_the_operators_trouble(twilio: TwilioServer) -> None:
    with pytest.raises(SmsFailed, match="401, code 20003") as failed:
        await sender(twilio.url, token="wrong").send(DIGITS, "Hello")
    assert not failed.value.undeliverable
    assert twilio.requests == 1


@pytest.mark.parametrize(
    ("step", "reason"),
    [
        (Answer.error(500, 20500), "500, code 20500"),
        (Answer(503, b"<html>"), "503, code None"),
        (Answer(400, b"[]"), "400, code None"),
        (Answer(302, b""), "302, code None"),
        ("hang", "ReadTimeout"),
        ("hang up", "may have been sent"),
    ],
)
async def test_what_may_have_been_sent_is_not_sent_twice(
    twilio: TwilioServer, step: Answer | Fault, reason: str
) -> None:
    twilio.script = [step]
    with pytest.raises(SmsFailed, match=reason) as failed:
        await sender(twilio.url).send(DIGITS, "Hello")
    assert not failed.value.undeliverable
    assert twilio.requests == 1


@pytest.mark.parametrize("code", [21211, 21408, 21610, 21614])
async def test_trouble_with_the_number_is_told_apart(twilio: TwilioServer, code: int) -> None:
    twilio.script = [Answer.error(400, code, f"The number +{DIGITS} is bad.")]
    with pytest.raises(SmsFailed) as failed:
        await sender(twilio.url).send(DIGITS, "Hello")
    assert failed.value.undeliverable
    assert DIGITS not in str(failed.value)


async def test_after_a_429_it_tries_again(twilio: TwilioServer) -> None:
    twilio.script = [Answer.error(429, 20429), Answer.error(429, 20429)]
    await sender(twilio.url).send(DIGITS, "Hello")
    assert len(twilio.messages) == 1
    assert twilio.requests == 3


async def test_it_gives_up_after_three(twilio: TwilioServer) -> None:
    twilio.script = [Answer.error(429, 20429)] * 4
    with pytest.raises(SmsFailed, match="429"):
        await sender(twilio.url).send(DIGITS, "Hello")
    assert twilio.requests == 3


async def test_a_success_without_a_body_is_a_success(twilio: TwilioServer) -> None:
    twilio.script = [Answer(201, b"")]
    await sender(twilio.url).send(DIGITS, "Hello")


async def test_a_server_that_is_not_there() -> None:
    async with running_twilio() as server:
        url = server.url
    with pytest.raises(SmsFailed, match="no connection"):
        await sender(url).send(DIGITS, "Hello")


async def test_a_server_that_comes_up_between_two_tries(monkeypatch: pytest.MonkeyPatch) -> None:
    async with AsyncExitStack() as stack:
        async with running_twilio() as server:
            url = server.url

        async def wait(_seconds: float) -> None:
            nonlocal server
            server = await stack.enter_async_context(running_twilio(int(url.rpartition(":")[2])))

        monkeypatch.setattr("isotope.adapters.sms.twilio.asyncio.sleep", wait)
        await sender(url).send(DIGITS, "Hello")
        assert [message["Body"] for message in server.messages] == ["Hello"]

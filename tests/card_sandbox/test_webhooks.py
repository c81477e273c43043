"""Webhooks: signed, tried again, in disorder where the card says so, and never in the way."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2
import msgspec

from isotope.domain.payments.model import EventKind
from tests.card_sandbox.conftest import Client, charge_body
from tests.kit.cards import SandboxKit, running_sandbox
from tests.kit.clock import SettableClock
from tests.kit.waiting import until


@dataclass
class Receiver:
    """`statuses` are answered first, then 200; 0 hangs until the sandbox gives up."""

    url: str = ""
    statuses: list[int] = field(default_factory=list)
    got: list[tuple[str, bytes]] = field(default_factory=list)

    def types(self) -> list[str]:
        return [msgspec.json.decode(body)["type"] for _signature, body in self.got]


@asynccontextmanager
async def receiving(*statuses: int) -> AsyncIterator[Receiver]:
    receiver = Receiver(statuses=list(statuses))

    writers: list[asyncio.StreamWriter] = []
    tasks: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        tasks.add(task)
        writers.append(writer)
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower().split("\r\n")
                headers = dict(line.split(": ", 1) for line in head[1:] if line)
                body = await reader.readexactly(int(headers["content-length"]))
                receiver.got.append((headers["sandbox-signature"], body))
                status = receiver.statuses.pop(0) if receiver.statuses else 200
                if status == 0:
                    await reader.read()
                    return
                writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: 0\r\n\r\n".encode())
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    receiver.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/webhooks/cards/sandbox"
    try:
        yield receiver
    finally:
        server.close()
        for writer in writers:
            writer.close()
        await asyncio.gather(*tasks)
        await server.wait_closed()


def waiting(sandbox: SandboxKit) -> list[Any]:
    return sandbox._rows("select * from event")


async def test_what_happened_is_told_in_order_and_signed(
    client: Client, sandbox: SandboxKit, clock: SettableClock
) -> None:
    async with receiving() as receiver:
        sandbox.send_webhooks_to(receiver.url)
        made = await client.post("payments", charge_body(sandbox, capture=False), key="k1")
        ref = made.json()["id"]
        await client.post(f"payments/{ref}/capture", {"amount": 300}, key="k2")
        back = await client.post(f"payments/{ref}/refunds", {"amount": 100}, key="k3")
        await until(lambda: not waiting(sandbox) and len(receiver.got) == 3, "all are told")
        assert receiver.types() == ["payment.authorised", "payment.captured", "refund.done"]
        read = [
            sandbox.provider().read_event({"sandbox-signature": signature}, body, clock.now())
            for signature, body in receiver.got
        ]
    assert [(one.kind, one.ref, one.payment_ref) for one in read] == [
        (EventKind.PAYMENT, ref, ref),
        (EventKind.PAYMENT, ref, ref),
        (EventKind.REFUND, back.json()["id"], ref),
    ]
    assert len({one.id for one in read}) == 3


async def test_it_is_told_again_until_it_is_taken(client: Client, sandbox: SandboxKit) -> None:
    async with receiving(500, 503, 302) as receiver:
        sandbox.send_webhooks_to(receiver.url)
        await client.post("payments", charge_body(sandbox), key="k1")
        await until(lambda: not waiting(sandbox), "it is taken")
        assert len(receiver.got) == 4
        assert len({body for _signature, body in receiver.got}) == 1
    assert [one.status for one in sandbox.sent_webhooks] == [500, 503, 302, 200]


async def test_it_gives_up_in_the_end(client: Client, sandbox: SandboxKit) -> None:
    async with receiving(*[500] * 50) as receiver:
        sandbox.send_webhooks_to(receiver.url)
        await client.post("payments", charge_body(sandbox), key="k1")
        await until(lambda: not waiting(sandbox), "it gives up")
        assert len(receiver.got) == 7


async def test_a_receiver_that_hangs_is_in_nobodys_way(client: Client, sandbox: SandboxKit) -> None:
    async with receiving(0) as receiver:
        sandbox.send_webhooks_to(receiver.url)
        async with asyncio.timeout(2.0):
            await client.post("payments", charge_body(sandbox), key="k1")
            await until(lambda: receiver.got, "it is told, and hangs")
            await client.post("payments", charge_body(sandbox), key="k2")
        assert len(waiting(sandbox)) == 2


async def test_a_card_whose_notices_come_twice_and_in_disorder(client: Client, sandbox: SandboxKit) -> None:
    async with receiving() as receiver:
        sandbox.send_webhooks_to(receiver.url)
        made = await client.post("payments", charge_body(sandbox, "twice", capture=False), key="k1")
        await client.post(f"payments/{made.json()['id']}/capture", {"amount": 300}, key="k2")
        await until(lambda: not waiting(sandbox), "all are told")
        assert receiver.types() == ["payment.captured"] * 2 + ["payment.authorised"] * 2
        assert len({body for _signature, body in receiver.got}) == 2


async def test_what_was_not_told_is_told_after_a_restart(clock: SettableClock, tmp_path: Path) -> None:
    path = tmp_path / "cards.sqlite"
    async with receiving() as receiver, httpx2.AsyncClient(timeout=20.0, trust_env=False) as http:
        with running_sandbox(clock, path=path, webhook_url="http://127.0.0.1:9/") as sandbox:
            await Client(http, sandbox.url).post("payments", charge_body(sandbox), key="k1")
        with running_sandbox(clock, path=path, webhook_url=receiver.url):
            await until(lambda: receiver.got, "it is told")
        assert receiver.types() == ["payment.captured"]


async def test_a_holder_who_disputes_later(client: Client, sandbox: SandboxKit, clock: SettableClock) -> None:
    made = await client.post("payments", charge_body(sandbox, "dispute_later"), key="k1")
    clock.advance(seconds=59)
    sandbox.wake_webhooks()
    assert sandbox.totals("7").disputed_minor == 0
    clock.advance(seconds=1)
    sandbox.wake_webhooks()
    await until(lambda: sandbox.totals("7").disputed_minor == 500, "it is disputed")
    await until(lambda: not waiting(sandbox), "it is told")
    body = msgspec.json.decode(sandbox.sent_webhooks[-1].body)
    assert (body["type"], body["data"]["payment"]) == ("dispute.opened", made.json()["id"])
    clock.advance(hours=1)
    sandbox.wake_webhooks()
    assert sandbox.totals("7").disputed_minor == 500


async def test_what_was_given_back_is_not_disputed(client: Client, sandbox: SandboxKit, clock: SettableClock) -> None:
    made = await client.post("payments", charge_body(sandbox, "dispute_later"), key="k1")
    await client.post(f"payments/{made.json()['id']}/refunds", {"amount": 500}, key="k2")
    clock.advance(minutes=2)
    await client.post("payments", charge_body(sandbox), key="k3")
    await until(lambda: not sandbox._rows("select * from payment where dispute_at is not null"), "it is due")
    await until(lambda: not waiting(sandbox), "what came after it is told")
    assert sandbox.totals("7").disputed_minor == 0

"""A unit that speaks the gateway's protocol, with manners to choose, and a real gateway in this process.

async with running_gateway(rt) as gateway, FakeUnit(gateway.port, identity, secret) as unit:
    await unit.report(lat=60.17, lon=24.94, speed_kmh=0)
    ...
"""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from functools import partial
from types import TracebackType
from typing import Self
from uuid import uuid4

from isotope.domain.devices import upsert_device
from isotope.domain.fleet import AppliedReports, apply_reports
from isotope.domain.sharing import act_on_zones
from isotope.domain.tenants import Operators
from isotope.domain.zones import Zones
from isotope.gateway.chain import ApplyReports
from isotope.gateway.limits import Limits
from isotope.gateway.server import Gateway
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from isotope.iot.json_lines import decode_down, encode_up
from isotope.iot.model import (
    Ack,
    AckStatus,
    Command,
    CommandName,
    DownMessage,
    Hello,
    Ping,
    Report,
    ReportOk,
    UpMessage,
    Welcome,
)
from isotope.kernel.ids import DeviceId, OperatorId

# The tests' clock stands still or leaps by hours; the leases of their gateways outlive that.
TEST_LIMITS = Limits(lease_s=10 * 365 * 86_400.0, batch_s=0.01)


class Manner(StrEnum):
    """How a unit takes its next commands."""

    OBEY = "obey"
    # Says `accepted`, and done when `finish()` is called.
    LATE = "late"
    NEVER = "never"
    FAIL = "fail"
    UNSUPPORTED = "unsupported"
    # Says done, and its lock says the contrary.
    LIE = "lie"
    # Says done without a word of its lock.
    TERSE = "terse"
    # Hangs up between command and answer.
    HANG_UP = "hang_up"


@dataclass
class FakeUnit:
    """A unit with a socket of its own. Every wait ends after `WAIT_S` with a TimeoutError."""

    port: int
    identity: str
    secret: str
    host: str = "127.0.0.1"
    manner: Manner = Manner.OBEY
    locked: bool = True
    lat: float = 60.17
    lon: float = 24.94
    speed_kmh: float = 0.0
    battery_pct: int = 80
    odometer_m: int = 1_000
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    local_address: str | None = None
    buffer_bytes: int | None = None
    commands: list[Command] = field(default_factory=list)
    received: list[DownMessage] = field(default_factory=list)
    reader: asyncio.StreamReader | None = None
    writer: asyncio.StreamWriter | None = None

    WAIT_S = 10.0

    def __post_init__(self) -> None:
        self._seq = 0
        self._changed = asyncio.Condition()
        self._listening: asyncio.Task[None] | None = None
        self._connected = False

    async def __aenter__(self) -> Self:
        await self.connect()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.hang_up()

    async def connect(self) -> DownMessage | None:
        """Connect, say hello, listen; the gateway's first word (None: it hung up without one)."""
        await self.open()
        return await self.say_hello()

    async def open(self) -> None:
        """The socket alone."""
        raw = socket.socket()
        raw.setblocking(False)
        if self.buffer_bytes is not None:
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.buffer_bytes)
            raw.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, self.buffer_bytes)
        if self.local_address is not None:
            raw.bind((self.local_address, 0))
        try:
            await asyncio.get_running_loop().sock_connect(raw, (self.host, self.port))
        except OSError:
            raw.close()
            raise
        self.reader, self.writer = await asyncio.open_connection(sock=raw)

    def stop_reading(self) -> None:
        """Take no more answers, as a unit whose program hangs."""
        assert self.writer is not None
        transport = self.writer.transport
        assert isinstance(transport, asyncio.ReadTransport)
        transport.pause_reading()

    async def say_hello(self) -> DownMessage | None:
        known = len(self.received)
        await self.send(Hello(identity=self.identity, secret=self.secret, firmware="fake-1"))
        self._connected = True
        self._listening = asyncio.create_task(self._listen())
        await self.until(lambda: len(self.received) > known or self.is_hung_up)
        return self.received[known] if len(self.received) > known else None

    @property
    def is_hung_up(self) -> bool:
        """Whether the connection has ended, by whomever."""
        return not self._connected

    @property
    def is_welcome(self) -> bool:
        return any(isinstance(message, Welcome) for message in self.received)

    async def hang_up(self) -> None:
        """Go without a word, as a unit in a tunnel does."""
        if self.writer is not None:
            self.writer.transport.abort()
        if self._listening is not None:
            self._listening.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._listening

    async def send(self, message: UpMessage) -> None:
        await self.send_bytes(encode_up(message))

    async def send_bytes(self, data: bytes) -> None:
        assert self.writer is not None
        self.writer.write(data)
        async with asyncio.timeout(self.WAIT_S):
            await self.writer.drain()

    async def ping(self) -> None:
        await self.send(Ping())

    async def report(
        self,
        *,
        lat: float | None = None,
        lon: float | None = None,
        speed_kmh: float | None = None,
        battery_pct: int | None = None,
        odometer_m: int | None = None,
        event: str = "periodic",
        wait: bool = True,
    ) -> Report:
        """Say how it is now (what is given is so from now on); returns when the gateway has it in the store."""
        self.lat = self.lat if lat is None else lat
        self.lon = self.lon if lon is None else lon
        self.speed_kmh = self.speed_kmh if speed_kmh is None else speed_kmh
        self.battery_pct = self.battery_pct if battery_pct is None else battery_pct
        self.odometer_m = self.odometer_m if odometer_m is None else odometer_m
        return await self.send_report(self.current(event), wait=wait)

    def current(self, event: str = "periodic") -> Report:
        """The next report, not yet sent."""
        self._seq += 1
        now = self.now()
        return Report(
            seq=self._seq,
            device_at=now,
            fix_at=now,
            lat=self.lat,
            lon=self.lon,
            speed_kmh=self.speed_kmh,
            battery_pct=self.battery_pct,
            locked=self.locked,
            odometer_m=self.odometer_m,
            event=event,
        )

    async def send_report(self, report: Report, *, wait: bool = True) -> Report:
        await self.send(report)
        if wait:
            await self.confirmed(report.seq)
        return report

    async def confirmed(self, seq: int) -> None:
        """Until the gateway says that the report is in the store."""
        await self.until(lambda: ReportOk(seq=seq) in self.received)

    async def until(self, condition: Callable[[], bool]) -> None:
        """Until something received makes it so."""
        async with asyncio.timeout(self.WAIT_S), self._changed:
            await self._changed.wait_for(condition)

    async def command(self, name: CommandName | None = None, *, after: int = 0) -> Command:
        """The next command beyond the first `after`, of this name."""

        def wanted() -> list[Command]:
            return [command for command in self.commands[after:] if name in (None, command.name)]

        await self.until(lambda: bool(wanted()))
        return wanted()[0]

    async def ended(self) -> None:
        """Until the gateway hangs up."""
        await self.until(lambda: self.is_hung_up)

    async def hung_up_on(self) -> bytes:
        """Until the gateway hangs up on a socket that has not said hello; what it said before."""
        assert self.reader is not None
        said = b""
        with contextlib.suppress(ConnectionError):
            async with asyncio.timeout(self.WAIT_S):
                while data := await self.reader.read(4_096):
                    said += data
        return said

    async def answer(
        self, command: Command, status: AckStatus, *, code: str | None = None, locked: bool | None = None
    ) -> None:
        await self.send(
            Ack(command_id=command.command_id, status=status, code=code, device_at=self.now(), locked=locked)
        )

    async def finish(self, command: Command) -> None:
        """Do it and say so, as an obedient unit does."""
        if command.name is CommandName.UNLOCK:
            self.locked = False
        elif command.name is CommandName.LOCK:
            self.locked = True
        await self.answer(command, AckStatus.DONE, locked=self.locked)

    async def _listen(self) -> None:
        reader, writer = self.reader, self.writer
        assert reader is not None
        assert writer is not None
        try:
            while line := await reader.readline():
                message = decode_down(line)
                if isinstance(message, Command):
                    self.commands.append(message)
                await self._tell(message)
                if isinstance(message, Command):
                    await self._take(message)
        except (ConnectionError, TimeoutError):
            pass
        finally:
            writer.transport.abort()
            self._connected = False
            await self._tell(None)

    async def _tell(self, message: DownMessage | None) -> None:
        async with self._changed:
            if message is not None:
                self.received.append(message)
            self._changed.notify_all()

    async def _take(self, command: Command) -> None:
        match self.manner:
            case Manner.OBEY:
                await self.finish(command)
            case Manner.LATE:
                await self.answer(command, AckStatus.ACCEPTED)
            case Manner.NEVER:
                pass
            case Manner.FAIL:
                await self.answer(command, AckStatus.FAILED, code="jammed", locked=self.locked)
            case Manner.UNSUPPORTED:
                await self.answer(command, AckStatus.UNSUPPORTED, locked=self.locked)
            case Manner.LIE:
                wanted = command.name is CommandName.LOCK
                await self.answer(command, AckStatus.DONE, locked=not wanted)
            case Manner.TERSE:
                await self.answer(command, AckStatus.DONE)
            case Manner.HANG_UP:
                assert self.writer is not None
                self.writer.transport.abort()


@asynccontextmanager
async def running_gateway(
    rt: Runtime,
    *,
    limits: Limits = TEST_LIMITS,
    apply: ApplyReports = apply_reports,
    port: int = 0,
    url: str | None = None,
) -> AsyncIterator[Gateway]:
    """The real gateway on a free port of this process, with connections to the store of its own and the test's clock.

    An error inside it fails the test.
    """
    database = Database(url or rt.db.url, min_size=1, max_size=6, wait_s=2.0)
    await database.open()
    own = Runtime(db=database, clock=rt.clock, hub=Hub(database.url), jobs=Jobs())
    act = partial(act_on_zones, own, Operators(own), Zones(own))
    gateway = Gateway(own, apply, act, host="127.0.0.1", port=port, limits=limits)
    await own.hub.start()
    try:
        await gateway.start()
        serving = asyncio.create_task(gateway.serve())
        try:
            yield gateway
        finally:
            if serving.done():
                await serving
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving
    finally:
        await gateway.stop()
        await own.hub.stop()
        await database.close()


@dataclass(frozen=True)
class Provisioned:
    """A device that a FakeUnit can log in as."""

    operator_id: OperatorId
    device_id: DeviceId
    identity: str
    secret: str

    def unit(self, rt: Runtime, gateway: Gateway, manner: Manner = Manner.OBEY) -> FakeUnit:
        return FakeUnit(gateway.port, self.identity, self.secret, manner=manner, now=rt.clock.now)


async def make_device(rt: Runtime, operator_id: OperatorId) -> Provisioned:
    """A device of the operator with a random identity and secret; it sits in no vehicle yet."""
    identity, secret = f"35{uuid4().int % 10**13:013d}", uuid4().hex
    async with rt.db.write() as tx:
        device_id = await upsert_device(tx, operator_id, "json_lines", identity, secret, rt.clock.now())
    return Provisioned(operator_id, device_id, identity, secret)


class Notebook:
    """Stands for `fleet.apply_reports` where a test looks at reports alone: keeps them, fails when told to."""

    def __init__(self) -> None:
        self.reports: list[object] = []
        self.fails: Callable[[Sequence[object]], Exception | None] = lambda _reports: None

    async def __call__(self, _tx: object, reports: Sequence[object]) -> AppliedReports:
        if (error := self.fails(reports)) is not None:
            raise error
        self.reports.extend(reports)
        return AppliedReports(vehicles=len(reports))

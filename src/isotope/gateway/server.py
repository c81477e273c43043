"""The gateway: its sockets, from accept to hang-up. One task a connection; whatever it sends, it costs only itself."""

import asyncio
import itertools
import socket
from collections.abc import AsyncGenerator
from typing import Final
from uuid import UUID, uuid4

import structlog

from isotope.domain import devices
from isotope.domain.devices.model import Device, RefusedReason
from isotope.gateway.buckets import Bucket
from isotope.gateway.chain import ApplyReports, ReportChain
from isotope.gateway.desk import CommandDesk
from isotope.gateway.doorman import Doorman
from isotope.gateway.limits import Limits
from isotope.gateway.session import Session, Wire, mask
from isotope.gateway.zone_watch import ActOnZones, ZoneWatch, act_on_nothing
from isotope.infra.hub import Hub
from isotope.infra.metrics import (
    DEVICE_FRAMES,
    DEVICE_HANG_UPS,
    DEVICE_LOGINS,
    DEVICE_REPORTS_PENDING,
    DEVICE_SESSIONS,
)
from isotope.infra.runtime import Runtime
from isotope.iot.json_lines import PROTOCOL, decode_up, splitter
from isotope.iot.model import Ack, FrameError, Hello, Ping, Pong, Refused, Report, UpMessage, Welcome
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import DeviceId

_log = structlog.get_logger(__name__)

_BACKLOG: Final = 2_048
_SWEEP_S: Final = 0.5
_RETRY_S: Final = 0.5


class Gateway:
    """One gateway process: `start`, then `serve` until it is cancelled or breaks, then `stop`."""

    def __init__(
        self,
        rt: Runtime,
        apply_reports: ApplyReports,
        act_on_zones: ActOnZones = act_on_nothing,
        *,
        host: str,
        port: int,
        limits: Limits | None = None,
    ) -> None:
        self.id: UUID = uuid4()
        self.limits = limits or Limits()
        self.port = port
        self.sessions: dict[DeviceId, Session] = {}
        self._by_identity: dict[str, Session] = {}
        # Its own listener: what it wants to hear and from when on is nobody else's matter.
        self._hub = Hub(rt.db.url)
        self._rt = rt
        self._host = host
        self._doorman = Doorman(self.limits)
        self._zones = ZoneWatch(act_on_zones)
        self._chain = ReportChain(
            rt, apply_reports, self.limits, written=lambda applied: self._zones.note(applied.in_use)
        )
        self._desk = CommandDesk(rt, self.id, self.limits, self.sessions)
        self._desk.subscribe(self._hub)
        self._server: asyncio.Server | None = None
        self._writing: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._wires: set[Wire] = set()
        self._gone: list[Device] = []
        self._some_gone = asyncio.Event()
        self._logins = asyncio.Semaphore(self.limits.logins)
        self._touched_s = 0.0
        self._numbers = itertools.count(1)

    @property
    def listener(self) -> str:
        """Only one process can listen there: whose sessions a new one may clear."""
        return f"{socket.gethostname()}/{self._host}:{self.port}"

    async def start(self) -> None:
        """Listen, say to the store that we are here, and take connections. Waits for a store that is away."""
        listening = self._bind()
        self.port = listening.getsockname()[1]
        self._server = await asyncio.start_server(
            self._connected, sock=listening, limit=self.limits.read_bytes, backlog=_BACKLOG, start_serving=False
        )
        await self._hub.start()
        while True:
            try:
                cleared = await devices.register_gateway(self._rt, self.id, self.listener, self.limits.lease_s)
                break
            except Refusal as refusal:
                _log.warning("gateway.store_away", why=refusal.code)
                await asyncio.sleep(_RETRY_S)
        self._writing = asyncio.create_task(self._chain.run(), name="reports")
        await self._server.start_serving()
        _log.info("gateway.listening", host=self._host, port=self.port, gateway=str(self.id), cleared=cleared)

    def _bind(self) -> socket.socket:
        bound = socket.socket(socket.AF_INET6 if ":" in self._host else socket.AF_INET, socket.SOCK_STREAM)
        try:
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Inherited by every connection.
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self.limits.kernel_bytes)
            bound.setblocking(False)
            bound.bind((self._host, self.port))
        except OSError:
            bound.close()
            raise
        return bound

    async def serve(self) -> None:
        """Until cancelled. An error in here is a bug and ends the process, which is then started again."""
        if self._writing is None:
            raise RuntimeError("start first")
        async with asyncio.TaskGroup() as group:
            group.create_task(self._desk.run())
            group.create_task(self._zones.run())
            group.create_task(self._sweep())
            group.create_task(self._keep_lease())
            # An end of the writer is an end of the process; `stop` ends it in order.
            await asyncio.shield(self._writing)

    async def stop(self) -> None:
        """Hang up, write what is pending, say to the store that we are gone."""
        if self._server is not None:
            self._server.close()
        if self._writing is not None:
            self._chain.stop()
            await asyncio.wait({self._writing}, timeout=self.limits.stop_s)
            self._writing.cancel()
        for task in list(self._tasks):
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self.limits.stop_s)
        await self._hub.stop()
        try:
            async with asyncio.timeout(self.limits.stop_s):
                await devices.close_gateway_sessions(self._rt, self.id)
        except (Refusal, TimeoutError):
            _log.warning("gateway.left_without_word")  # The lease ends by itself.
        _log.info("gateway.stopped", gateway=str(self.id))

    async def renew(self) -> None:
        """Once what `serve` does every `renew_s` and whenever somebody has gone."""
        self._some_gone.clear()
        gone, self._gone = self._gone, []
        told = self._heard_of()
        for session in told:
            session.heard_since_told = False
        try:
            lost = await devices.renew_gateway(
                self._rt,
                devices.RenewGateway(
                    gateway_id=self.id,
                    listener=self.listener,
                    sessions=[session.device for session in self.sessions.values()],
                    seen=[(session.device, session.heard_at) for session in told],
                    gone=gone,
                    lease_s=self.limits.lease_s,
                ),
            )
        except BaseException:
            self._gone = gone + self._gone
            for session in told:
                session.heard_since_told = True
            raise
        for device in lost:
            session_lost = self.sessions.get(device.id)
            if session_lost is not None and session_lost.device.session_nr == device.session_nr:
                session_lost.wire.hang_up("moved")

    def _heard_of(self) -> list[Session]:
        now_s = asyncio.get_running_loop().time()
        if now_s < self._touched_s + self.limits.touch_s:
            return []
        self._touched_s = now_s
        return [session for session in self.sessions.values() if session.heard_since_told]

    def _connected(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.get_running_loop().create_task(self._connection(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        peer = writer.get_extra_info("peername")
        address = str(peer[0]) if peer else ""
        if not self._doorman.enter(address):
            DEVICE_HANG_UPS.labels("crowded").inc()
            writer.transport.abort()
            return
        wire = Wire(writer, address, unread_bytes=self.limits.unread_bytes)
        self._wires.add(wire)
        reason = "bug"
        try:
            reason = await self._talk(reader, wire)
        except (ConnectionError, OSError):
            reason = "lost"
        except asyncio.CancelledError:
            reason = "stopped"
            raise
        except Exception:  # noqa: BLE001 - what one unit does is never another one's matter
            _log.exception("gateway.connection_broke", address=address)
        finally:
            DEVICE_HANG_UPS.labels(wire.hung_up or reason).inc()
            self._wires.discard(wire)
            self._doorman.leave()
            await wire.close()

    async def _talk(self, reader: asyncio.StreamReader, wire: Wire) -> str:
        """From the first byte to the last; why it ended."""
        named = False
        try:
            messages = self._messages(reader, wire)
            try:
                hello = await anext(messages, None)
                session = await self._log_in(hello, wire) if isinstance(hello, Hello) else None
                self._doorman.named(wire.address)
                named = True
                if session is None:
                    return "refused"
                try:
                    async for message in messages:
                        await self._take(session, message)
                finally:
                    self._forget(session)
                return "closed"
            finally:
                await messages.aclose()
        finally:
            if not named:
                self._doorman.named(wire.address)

    async def _messages(self, reader: asyncio.StreamReader, wire: Wire) -> AsyncGenerator[UpMessage, None]:
        """Decoded messages until the end, at the unit's rate; unreadable ones are counted against it."""
        loop, limits, lines = asyncio.get_running_loop(), self.limits, splitter()
        greeted = False
        good, bad = Bucket(limits.frames, loop.time()), Bucket(limits.bad_frames, loop.time())
        # A half line is no sign of life: only whole messages move the deadline.
        deadline_s = loop.time() + limits.hello_s
        while True:
            wire.deadline_s = deadline_s
            data = await reader.read(limits.read_bytes)
            wire.deadline_s = None
            if not data:
                return
            for line in lines.feed(data):
                try:
                    if isinstance(line, FrameError):
                        raise line
                    message = decode_up(line)
                except FrameError as error:
                    DEVICE_FRAMES.labels(PROTOCOL, "bad").inc()
                    if not greeted:
                        self._doorman.failed(wire.address, loop.time())
                    if not greeted or not bad.take(loop.time()):
                        wire.hang_up("bad_frames")
                        return
                    _log.debug("gateway.bad_frame", address=wire.address, error=str(error))
                    continue
                DEVICE_FRAMES.labels(PROTOCOL, type(message).__name__.lower()).inc()
                if (wait_s := good.borrow(loop.time())) > 0:
                    await asyncio.sleep(wait_s)
                yield message
                greeted = True
                deadline_s = loop.time() + limits.idle_s

    async def _log_in(self, hello: Hello, wire: Wire) -> Session | None:
        loop = asyncio.get_running_loop()
        if not self._doorman.may_try(wire.address, hello.identity, loop.time()):
            self._refuse(wire, RefusedReason.TRY_LATER)
            return None
        opened = await self._open(hello, wire)
        if isinstance(opened, RefusedReason):
            if opened is RefusedReason.UNKNOWN:
                self._doorman.failed(wire.address, loop.time())
            if opened is not RefusedReason.TRY_LATER:
                _log.warning(f"gateway.login_{opened.value}", device=mask(hello.identity), address=wire.address)
            self._refuse(wire, opened)
            return None
        session = Session(
            device=opened.device,
            wire=wire,
            memory=self._chain.memory_of(opened.device.id),
            heard_at=self._rt.clock.now(),
        )
        old = self.sessions.get(opened.device.id)
        self.sessions[opened.device.id] = self._by_identity[hello.identity] = session
        if old is not None:
            old.wire.hang_up("replaced")
        self._doorman.welcomed(hello.identity)
        DEVICE_LOGINS.labels("welcome").inc()
        DEVICE_SESSIONS.labels(PROTOCOL).set(len(self.sessions))
        wire.send(Welcome(at=self._rt.clock.now(), interval_s=self.limits.report_interval_s))
        for command_id in opened.waiting:
            self._desk.expect(session, command_id)
        return session

    async def _open(self, hello: Hello, wire: Wire) -> devices.OpenedSession | RefusedReason:
        """Look the unit up, a few at a time: after an outage thousands come at once, and the store serves others too."""
        older = self._by_identity.get(hello.identity)
        command = devices.OpenSession(
            protocol=PROTOCOL,
            identity=hello.identity,
            secret=hello.secret,
            gateway_id=self.id,
            session_nr=next(self._numbers),
            address=wire.address,
            heard_at=older.heard_at if older else None,
            silent_after_s=self.limits.silent_after_s,
        )
        try:
            async with asyncio.timeout(self.limits.hello_s):
                await self._logins.acquire()
        except TimeoutError:
            return RefusedReason.TRY_LATER
        try:
            return await devices.open_session(self._rt, command)
        except Refusal:
            return RefusedReason.TRY_LATER
        finally:
            self._logins.release()

    def _refuse(self, wire: Wire, reason: RefusedReason) -> None:
        DEVICE_LOGINS.labels(reason.value).inc()
        wire.send(Refused(reason=reason))

    async def _take(self, session: Session, message: UpMessage) -> None:
        session.heard_at = self._rt.clock.now()
        session.heard_since_told = True
        match message:
            case Report():
                await self._chain.take(session, message)
                await self._desk.confirm_by(session, message)
            case Ack():
                await self._desk.answered(session, message)
            case Ping():
                session.wire.send(Pong())
            case Hello():
                session.wire.hang_up("second_hello")

    def _forget(self, session: Session) -> None:
        if self.sessions.get(session.device.id) is session:
            del self.sessions[session.device.id]
            del self._by_identity[session.device.identity]
        DEVICE_SESSIONS.labels(PROTOCOL).set(len(self.sessions))
        self._gone.append(session.device)
        self._some_gone.set()

    async def _sweep(self) -> None:
        """Hang up on those who say nothing; one look at all instead of a timer each."""
        loop = asyncio.get_running_loop()
        while True:
            await asyncio.sleep(min(_SWEEP_S, self.limits.hello_s / 4, self.limits.idle_s / 4))
            now_s = loop.time()
            for wire in list(self._wires):
                if wire.deadline_s is not None and wire.deadline_s < now_s:
                    wire.hang_up("silent")
            DEVICE_REPORTS_PENDING.set(self._chain.pending)

    async def _keep_lease(self) -> None:
        while True:
            try:
                await self.renew()
            except Refusal as refusal:
                _log.warning("gateway.store_away", why=refusal.code)
                await asyncio.sleep(_RETRY_S)
                continue
            try:
                async with asyncio.timeout(self.limits.renew_s):
                    await self._some_gone.wait()
            except TimeoutError:
                pass
            else:
                # Those who go together are written together.
                await asyncio.sleep(0.05)

"""A unit's connection to the gateway: hello, reports, commands; again and again with back-off until it is stopped.

What the gateway has not confirmed (`ok`) is kept and sent again after a reconnect, marked as buffered.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from random import Random
from typing import Final

import structlog

from isotope.simulator.unit import Reply, Unit
from isotope.simulator.wire import LONGEST_LINE, Command, Confirmed, Frame, Refused, Welcome, WireError, read, write

_log = structlog.get_logger(__name__)

_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_REFUSED_BACKOFF_S: Final = 15.0
_ANSWER_S: Final = 10.0
_KEPT_REPORTS: Final = 200
_KEPT_ANSWERS: Final = 32
_MOST_UNSENT_BYTES: Final = 64 * 1024
_DEFAULT_INTERVAL_S: Final = 60.0
_REBOOT_S: Final = 2.0

NowMs = Callable[[], int]


class Link:
    """The modem of one unit. `run` never ends by itself; everything else may be called at any time."""

    def __init__(
        self,
        unit: Unit,
        host: str,
        port: int,
        *,
        now_ms: NowMs,
        rng: Random,
        on_contact: Callable[[], None] = lambda: None,
    ) -> None:
        self.unit = unit
        self.interval_s = _DEFAULT_INTERVAL_S
        self.reconnects = 0
        self._host, self._port = host, port
        self._now_ms, self._rng, self._on_contact = now_ms, rng, on_contact
        self._writer: asyncio.StreamWriter | None = None
        self._seq = 0
        self._unconfirmed: OrderedDict[int, Frame] = OrderedDict()
        self._confirmed = asyncio.Event()
        self._answers: OrderedDict[str, Frame] = OrderedDict()
        self._silent_s = 0.0

    @property
    def is_connected(self) -> bool:
        return self._writer is not None

    async def run(self, *, first_delay_s: float = 0.0) -> None:
        """Stay connected until cancelled."""
        await asyncio.sleep(first_delay_s)
        failures = 0
        while True:
            try:
                welcomed = await self._session()
            except (OSError, TimeoutError, EOFError, WireError) as error:
                _log.debug("simulator.link_lost", nr=self.unit.nr, error=type(error).__name__)
                welcomed = False
            failures = 0 if welcomed else failures + 1
            self.reconnects += 1
            wait_s = self._silent_s or _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)] * self._rng.uniform(0.5, 1.5)
            self._silent_s = 0.0
            await asyncio.sleep(wait_s)

    def report(self, event: str = "periodic", *, lat: float | None = None, lon: float | None = None) -> int:
        """Tell where and how the unit is now; kept when there is no contact. The number of the report."""
        unit, now = self.unit, self._now_ms()
        self._seq += 1
        frame: Frame = {
            "t": "report",
            "seq": self._seq,
            "at": now,
            "fix_at": now,
            "lat": round(unit.position.lat if lat is None else lat, 6),
            "lon": round(unit.position.lon if lon is None else lon, 6),
            "speed_kmh": round(unit.speed_kmh, 1),
            "battery_pct": round(unit.battery_pct),
            "locked": unit.locked,
            "odometer_m": round(unit.odometer_m),
            "event": event,
            "buffered": False,
        }
        if len(self._unconfirmed) >= _KEPT_REPORTS:
            self._unconfirmed.popitem(last=False)
        self._unconfirmed[self._seq] = frame
        self._send(frame)
        return self._seq

    async def confirmed(self, seq: int, timeout_s: float) -> bool:
        """Wait until the gateway has written report `seq` (or any later one); False if it did not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while any(kept <= seq for kept in self._unconfirmed):
                    self._confirmed.clear()
                    await self._confirmed.wait()
                return True
        return False

    def lose_contact(self, seconds: float) -> None:
        """Be out of reach for so long; reports are kept meanwhile."""
        self._silent_s = seconds
        self._hang_up()

    async def _session(self) -> bool:
        """One connection from hello to its end; True if the gateway welcomed the unit."""
        async with asyncio.timeout(_ANSWER_S):
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=LONGEST_LINE)
        try:
            hello: Frame = {"t": "hello", "id": self.unit.identity, "secret": self.unit.secret, "fw": "sim-1"}
            writer.write(write(hello))
            async with asyncio.timeout(_ANSWER_S):
                answer = read(await reader.readline())
            if isinstance(answer, Refused):
                _log.warning("simulator.unit_refused", nr=self.unit.nr, reason=answer.reason)
                self._silent_s = _REFUSED_BACKOFF_S
                return False
            if not isinstance(answer, Welcome):
                raise WireError("the gateway did not answer the hello")
            self.interval_s = answer.interval_s or _DEFAULT_INTERVAL_S
            self._writer = writer
            self._on_contact()
            self._catch_up()
            while line := await reader.readline():
                self._take(line)
            return True
        finally:
            self._writer = None
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    def _catch_up(self) -> None:
        """Send what was kept, oldest first, then what is now."""
        for frame in list(self._unconfirmed.values()):
            frame["buffered"] = True
            self._send(frame)
        self.report()

    def _take(self, line: bytes) -> None:
        down = read(line)
        if isinstance(down, Command):
            self._obey(down)
        elif isinstance(down, Confirmed):
            for seq in [kept for kept in self._unconfirmed if kept <= down.seq]:
                del self._unconfirmed[seq]
            self._confirmed.set()

    def _obey(self, command: Command) -> None:
        """Do it once: a command that comes again is answered again and not done again."""
        if (known := self._answers.get(command.id)) is not None:
            self._send(known)
            return
        if command.expires_ms < self._now_ms():
            self._answer(command.id, Reply("expired", locked=self.unit.locked))
            return
        reply = self.unit.obey(command.name, command.params, self._rng)
        if reply.status is None:
            return
        if self.unit.wished_interval_s is not None:
            self.interval_s = self.unit.wished_interval_s
        if reply.delay_s > 1:
            self._send({"t": "ack", "cmd": command.id, "status": "accepted", "at": self._now_ms()})
        asyncio.get_running_loop().call_later(reply.delay_s, self._answer, command.id, reply)

    def _answer(self, command_id: str, reply: Reply) -> None:
        frame: Frame = {"t": "ack", "cmd": command_id, "status": reply.status, "at": self._now_ms()}
        if reply.code is not None:
            frame["code"] = reply.code
        if reply.locked is not None:
            frame["locked"] = reply.locked
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.popitem(last=False)
        self._answers[command_id] = frame
        self._send(frame)
        if reply.event is not None:
            self.report(reply.event)
        if reply.reboot:
            self.lose_contact(_REBOOT_S)

    def _send(self, frame: Frame) -> None:
        writer = self._writer
        if writer is None:
            return
        if writer.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self._hang_up()  # Nobody reads at the other end.
            return
        writer.write(write(frame))

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

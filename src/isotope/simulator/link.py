"""A unit's connection to the gateway: hello, reports, commands; again and again with back-off until it is stopped.

What the gateway has not confirmed (`ok`) is kept and sent again after a reconnect, marked as buffered.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from random import Random
from typing import Final

import structlog

from isotope.infra.clock import Clock
from isotope.iot.json_lines import FRAME_CAP, decode_down, encode_up
from isotope.iot.model import (
    Ack,
    AckStatus,
    Command,
    DownMessage,
    FrameError,
    Hello,
    Refused,
    Report,
    ReportOk,
    UpMessage,
    Welcome,
)
from isotope.kernel.geo import Point
from isotope.kernel.ids import CommandId
from isotope.simulator.unit import Reply, Unit

_log = structlog.get_logger(__name__)

_BACKOFF_S: Final = (0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_REFUSED_BACKOFF_S: Final = 15.0
_ANSWER_S: Final = 10.0
_KEPT_REPORTS: Final = 200
_KEPT_ANSWERS: Final = 32
_MOST_UNSENT_BYTES: Final = 64 * 1024
_DEFAULT_INTERVAL_S: Final = 60.0
_REBOOT_S: Final = 2.0
_SOON_S: Final = 1.0


class Link:
    """The modem of one unit. `run` never ends by itself; everything else may be called at any time."""

    def __init__(
        self,
        unit: Unit,
        host: str,
        port: int,
        *,
        clock: Clock,
        rng: Random,
        on_contact: Callable[[], None] = lambda: None,
    ) -> None:
        self.unit = unit
        self.interval_s = _DEFAULT_INTERVAL_S
        self.reconnects = 0
        self._host, self._port = host, port
        self._clock, self._rng, self._on_contact = clock, rng, on_contact
        self._writer: asyncio.StreamWriter | None = None
        self._seq = 0
        self._unconfirmed: OrderedDict[int, Report] = OrderedDict()
        self._confirmed = asyncio.Event()
        self._answers: OrderedDict[CommandId, Ack] = OrderedDict()
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
            except (OSError, TimeoutError, EOFError, ValueError) as error:
                _log.debug("simulator.link_lost", nr=self.unit.nr, error=type(error).__name__)
                welcomed = False
            failures = 0 if welcomed else failures + 1
            self.reconnects += 1
            wait_s = self._silent_s or _BACKOFF_S[min(failures, len(_BACKOFF_S) - 1)] * self._rng.uniform(0.5, 1.5)
            self._silent_s = 0.0
            await asyncio.sleep(wait_s)

    def report(self, event: str = "periodic", *, at: Point | None = None) -> int:
        """Tell how the unit is now (and that it is `at`, if that is to be a lie); kept while there is no contact.

        Returns the number of the report.
        """
        unit, now = self.unit, self._clock.now()
        here = at or unit.position
        self._seq += 1
        report = Report(
            seq=self._seq,
            device_at=now,
            fix_at=now,
            lat=round(here.lat, 6),
            lon=round(here.lon, 6),
            speed_kmh=round(unit.speed_kmh, 1),
            battery_pct=round(unit.battery_pct),
            locked=unit.locked,
            odometer_m=round(unit.odometer_m),
            event=event,
        )
        if len(self._unconfirmed) >= _KEPT_REPORTS:
            self._unconfirmed.popitem(last=False)
        self._unconfirmed[self._seq] = report
        self._send(report)
        return self._seq

    async def confirmed(self, seq: int, timeout_s: float) -> bool:
        """Wait until the gateway has written report `seq`; False if it has not in time."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while seq in self._unconfirmed:
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
            reader, writer = await asyncio.open_connection(self._host, self._port, limit=FRAME_CAP)
        try:
            writer.write(encode_up(Hello(identity=self.unit.identity, secret=self.unit.secret, firmware="sim-1")))
            async with asyncio.timeout(_ANSWER_S):
                answer = _read(await reader.readline())
            if isinstance(answer, Refused):
                _log.warning("simulator.unit_refused", nr=self.unit.nr, reason=answer.reason)
                self._silent_s = _REFUSED_BACKOFF_S
                return False
            if not isinstance(answer, Welcome):
                raise FrameError("the gateway did not answer the hello")
            self.interval_s = self.unit.wished_interval_s or answer.interval_s
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
        for seq, kept in self._unconfirmed.items():
            self._unconfirmed[seq] = replace(kept, buffered=True)
            self._send(self._unconfirmed[seq])
        self.report()

    def _take(self, line: bytes) -> None:
        match _read(line):
            case Command() as command:
                self._obey(command)
            case ReportOk(seq=seq):
                self._unconfirmed.pop(seq, None)
                self._confirmed.set()

    def _obey(self, command: Command) -> None:
        """Do it once: a command that comes again is answered again and not done again."""
        if (known := self._answers.get(command.command_id)) is not None:
            self._send(known)
            return
        if command.expires_at < self._clock.now():
            self._answer(command.command_id, Reply(AckStatus.EXPIRED, locked=self.unit.locked))
            return
        reply = self.unit.obey(command.name, command.params, self._rng)
        if reply.status is None:
            return
        if self.unit.wished_interval_s is not None:
            self.interval_s = self.unit.wished_interval_s
        if reply.delay_s > _SOON_S:
            accepted = Ack(command_id=command.command_id, status=AckStatus.ACCEPTED, device_at=self._clock.now())
            self._send(accepted)
        if reply.delay_s > 0:
            asyncio.get_running_loop().call_later(reply.delay_s, self._answer, command.command_id, reply)
        else:
            self._answer(command.command_id, reply)

    def _answer(self, command_id: CommandId, reply: Reply) -> None:
        if reply.status is None:
            return
        ack = Ack(
            command_id=command_id,
            status=reply.status,
            code=reply.code,
            device_at=self._clock.now(),
            locked=reply.locked,
        )
        if len(self._answers) >= _KEPT_ANSWERS:
            self._answers.popitem(last=False)
        self._answers[command_id] = ack
        self._send(ack)
        if reply.event is not None:
            self.report(reply.event)
        if reply.reboot:
            self.lose_contact(_REBOOT_S)

    def _send(self, message: UpMessage) -> None:
        writer = self._writer
        if writer is None:
            return
        if writer.transport.get_write_buffer_size() > _MOST_UNSENT_BYTES:
            self._hang_up()  # Nobody reads at the other end.
            return
        writer.write(encode_up(message))

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None


def _read(line: bytes) -> DownMessage:
    """What the gateway said.

    Raises:
        EOFError: it hung up.
        FrameError: the line is not of the protocol.
    """
    if not line:
        raise EOFError
    return decode_down(line)

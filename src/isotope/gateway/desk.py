"""Commands on their way: from the store to the socket, and the unit's answers back."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar
from uuid import UUID

import structlog

from isotope.domain import devices
from isotope.domain.devices.model import COMMAND_CHANNEL, SESSION_CHANNEL, AckStatus, Motion
from isotope.gateway.limits import Limits
from isotope.gateway.session import Session, mask
from isotope.infra.hub import Hub
from isotope.infra.metrics import DEVICE_COMMAND_SECONDS, DEVICE_COMMANDS
from isotope.infra.runtime import Runtime
from isotope.iot.model import Ack, Command, Report
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import CommandId, DeviceId, OperatorId

_log = structlog.get_logger(__name__)

T = TypeVar("T")

_CLERKS: Final = 4
_REREAD: Final = 1_000
_UNCONFIRMED: Final = 16
_RETRY_S: Final = (0.1, 0.2, 0.5, 1.0, 2.0)


@dataclass(slots=True)
class CommandDesk:
    """Hears of commands for units that are connected here. The store says what is so; a notification is a hint."""

    rt: Runtime
    gateway_id: UUID
    limits: Limits
    sessions: dict[DeviceId, Session]
    _told: asyncio.Queue[tuple[OperatorId, DeviceId, CommandId]] = field(init=False)
    _reread: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self._told = asyncio.Queue(self.limits.commands)

    def subscribe(self, hub: Hub) -> None:
        """Before the hub starts."""
        hub.subscribe(COMMAND_CHANNEL, self._on_command, self._reread.set)
        hub.subscribe(SESSION_CHANNEL, self._on_moved)

    def expect(self, session: Session, command_id: CommandId) -> None:
        """A command is waiting for a unit that has just logged in."""
        self._put((session.device.operator_id, session.device.id, command_id))

    async def run(self) -> None:
        """Write commands until cancelled."""
        async with asyncio.TaskGroup() as clerks:
            for _ in range(_CLERKS):
                clerks.create_task(self._work())
            clerks.create_task(self._read_again())

    async def answered(self, session: Session, ack: Ack) -> None:
        """A unit answers. Waits while the store is away: an answer is worth more than the next message."""
        device = session.device
        session.unconfirmed.pop(ack.command_id, None)
        acknowledge = devices.AcknowledgeCommand(
            operator_id=device.operator_id,
            device_id=device.id,
            command_id=ack.command_id,
            status=ack.status,
            code=ack.code,
            locked=ack.locked,
            motion=session.motion or Motion(speed_kmh=None, seen_at=None),
        )
        known = await self._insist(lambda: devices.acknowledge_command(self.rt, acknowledge))
        if known is None:
            _log.warning("gateway.answer_to_nothing", device=mask(device.identity), command_id=ack.command_id)
            return
        if known.awaits_lock is not None and len(session.unconfirmed) < _UNCONFIRMED:
            session.unconfirmed[ack.command_id] = known.awaits_lock
        if known.came_late:
            _log.warning(
                "gateway.answered_late",
                device=mask(device.identity),
                command_id=ack.command_id,
                name=known.name.value,
                relock_id=known.relock_id,
            )
        elif known.outcome.is_final:
            DEVICE_COMMANDS.labels(known.name.value, known.outcome.status.value).inc()
            DEVICE_COMMAND_SECONDS.labels(known.name.value).observe(
                (self.rt.clock.now() - known.requested_at).total_seconds()
            )

    async def confirm_by(self, session: Session, report: Report) -> None:
        """A report may say what the answer to a command left open: how the lock is now."""
        if report.locked is None or report.buffered or not session.unconfirmed:
            return
        for command_id, wanted in list(session.unconfirmed.items()):
            if report.locked is wanted:
                await self.answered(session, Ack(command_id=command_id, status=AckStatus.DONE, locked=wanted))

    def _on_command(self, payload: str) -> None:
        gateway, _colon, rest = payload.partition(":")
        if gateway != str(self.gateway_id):
            return
        operator_id, device_id, command_id = rest.split(":")
        self._put((OperatorId(int(operator_id)), DeviceId(int(device_id)), CommandId(int(command_id))))

    def _on_moved(self, payload: str) -> None:
        gateway, _operator, device_id = payload.split(":")
        if gateway == str(self.gateway_id) and (session := self.sessions.get(DeviceId(int(device_id)))):
            session.wire.hang_up("moved")

    def _put(self, told: tuple[OperatorId, DeviceId, CommandId]) -> None:
        try:
            self._told.put_nowait(told)
        except asyncio.QueueFull:
            self._reread.set()

    async def _work(self) -> None:
        while True:
            told = await self._told.get()
            try:
                await self._bring(*told)
            except Exception:  # noqa: BLE001
                # A command that cannot be brought costs itself: it expires.
                _log.exception("gateway.command_poisoned", command_id=told[2])

    async def _read_again(self) -> None:
        """After a lost connection of the hub, or more notifications than can be kept."""
        while True:
            await self._reread.wait()
            self._reread.clear()
            for told in await self._insist(self._waiting):
                await self._told.put(told)

    async def _waiting(self) -> list[tuple[OperatorId, DeviceId, CommandId]]:
        async with self.rt.db.read() as tx:
            return await devices.list_requested_of_gateway(tx, self.gateway_id, self.rt.clock.now(), _REREAD)

    async def _bring(self, operator_id: OperatorId, device_id: DeviceId, command_id: CommandId) -> None:
        """Claim and write. The claim is committed first: a command is written at most once."""
        session = self.sessions.get(device_id)
        claim = devices.ClaimCommand(
            operator_id=operator_id,
            command_id=command_id,
            gateway_id=self.gateway_id,
            connected_at=session.device.connected_at if session else None,
            motion=session.motion if session else None,
        )
        command = await self._insist(lambda: devices.claim_command(self.rt, claim))
        if command is None or session is None or command.device_id != session.device.id:
            return
        session.wire.send(
            Command(command_id=command.id, name=command.name, params=command.params, expires_at=command.expires_at)
        )

    async def _insist(self, call: Callable[[], Awaitable[T]]) -> T:
        """Again until the store answers. What waits here expires by itself, so it is never too late to come back."""
        failures = 0
        while True:
            try:
                return await call()
            except Refusal as refusal:
                if failures == 0:
                    _log.warning("gateway.store_away", why=refusal.code)
                await asyncio.sleep(_RETRY_S[min(failures, len(_RETRY_S) - 1)])
                failures += 1

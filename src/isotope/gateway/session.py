"""A connected unit: its socket, and what must be remembered while it is connected."""

import asyncio
from dataclasses import dataclass, field
from datetime import datetime

from isotope.domain.devices.model import Device, Motion
from isotope.gateway.plausibility import UnitMemory
from isotope.iot.json_lines import encode_down
from isotope.iot.model import DownMessage
from isotope.kernel.ids import CommandId


def mask(identity: str) -> str:
    """An identity for the log: it is printed on the box, and whoever knows it knows which vehicle is meant."""
    return f"…{identity[-4:]}"


class Wire:
    """A socket and when it is hung up on; before the login and after."""

    def __init__(self, writer: asyncio.StreamWriter, address: str, *, unread_bytes: int) -> None:
        self.address = address
        self.hung_up: str | None = None
        # Loop time at which a sweep hangs up; None: we are the ones who are busy.
        self.deadline_s: float | None = None
        self._writer = writer
        self._unread_bytes = unread_bytes

    def send(self, *messages: DownMessage) -> None:
        """Write without waiting; a unit that does not read what waits for it is hung up on."""
        if self.hung_up is not None or self._writer.is_closing():
            return
        self._writer.write(b"".join(encode_down(message) for message in messages))
        if self._writer.transport.get_write_buffer_size() > self._unread_bytes:
            self.hang_up("unread")

    def hang_up(self, reason: str) -> None:
        """End it now; the reading task notices."""
        if self.hung_up is None:
            self.hung_up = reason
            self._writer.transport.abort()

    async def close(self) -> None:
        """End it after what was written has gone out; for refusals and a clean stop."""
        self._writer.close()
        try:
            async with asyncio.timeout(1.0):
                await self._writer.wait_closed()
        except (OSError, TimeoutError):
            self._writer.transport.abort()


@dataclass(slots=True, eq=False)
class Session:
    """A unit that has logged in.

    Attributes:
        heard_at: when it last said anything.
        motion: its movement by its latest live report; None before the first.
        unconfirmed: commands that it says are done, and what its lock must say before we believe it.
    """

    device: Device
    wire: Wire
    memory: UnitMemory
    heard_at: datetime
    heard_since_told: bool = False
    motion: Motion | None = None
    unconfirmed: dict[CommandId, bool] = field(default_factory=dict)

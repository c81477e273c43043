"""After the store: vehicles that are ridden and have just reported are looked at among the zones.

Beside the way of the reports and never on it: their units have their word, and the next batch is being written. Which
vehicles wait is a set, so a vehicle that reports again while it waits is looked at once, where it is by then.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from isotope.infra.metrics import ZONE_LOOKS
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import OperatorId, VehicleId

_log = structlog.get_logger(__name__)

Key = tuple[OperatorId, VehicleId]
ActOnZones = Callable[[Sequence[Key]], Awaitable[int]]

# Some 15 ms of the loop.
_AT_ONCE: Final = 200
_RETRY_S: Final = 0.5


async def act_on_nothing(_vehicles: Sequence[Key]) -> int:
    """For a gateway whose vehicles no zones act on."""
    return 0


@dataclass(slots=True)
class ZoneWatch:
    """Takes note of vehicles, looks at them in its own time. It holds one entry for a vehicle at most."""

    act: ActOnZones
    looked: int = 0
    """At how many vehicles so far."""
    _looking: bool = False
    _waiting: dict[Key, None] = field(default_factory=dict)
    _some: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_idle(self) -> bool:
        """Whether everything that was noted has been looked at."""
        return not self._waiting and not self._looking

    def note(self, vehicles: Iterable[Key]) -> None:
        """These have reported, and it is stored."""
        self._waiting.update(dict.fromkeys(vehicles))
        if self._waiting:
            self._some.set()

    async def run(self) -> None:
        """Look at them until cancelled. A look that fails costs itself: the vehicle's next report brings another."""
        while True:
            await self._some.wait()
            self._some.clear()
            while self._waiting:
                vehicles = list(self._waiting)[:_AT_ONCE]
                for vehicle in vehicles:
                    del self._waiting[vehicle]
                self._looking = True
                self.looked += len(vehicles)
                try:
                    due = await self.act(vehicles)
                except Refusal as no:
                    _log.warning("gateway.zones_not_looked_at", why=no.code, vehicles=len(vehicles))
                    await asyncio.sleep(_RETRY_S)
                except Exception:  # noqa: BLE001 - zones never stop the reports
                    _log.exception("gateway.zones_poisoned", vehicles=len(vehicles))
                else:
                    ZONE_LOOKS.labels("quiet").inc(len(vehicles) - due)
                    ZONE_LOOKS.labels("due").inc(due)
                finally:
                    self._looking = False

"""Where a driver is, and that there is a connection."""

import msgspec

from isotope.domain.drivers import rules, store
from isotope.domain.drivers.errors import driver_offline
from isotope.domain.drivers.model import DriverPosition, DriverState
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId


class TakePositions(msgspec.Struct, frozen=True, kw_only=True):
    """At least one, at most `rules.MOST_POSITIONS`, in whatever order: those that could not be sent come later."""

    operator: Operator
    driver_id: DriverId
    positions: tuple[DriverPosition, ...]


async def take_positions(rt: Runtime, command: TakePositions) -> DriverState:
    """The newest one is where the driver is now; a late one moves nobody back. Each call is a sign of life.

    Raises:
        Refusal: `driver_offline`.
    """
    now = rt.clock.now()
    newest = max(command.positions, key=lambda position: position.at)
    async with rt.db.glance() as tx:
        state = await store.save_position(
            tx,
            command.operator.id,
            command.driver_id,
            newest.point,
            newest.heading_deg,
            rules.told_at(newest.at, now),
            now,
        )
    if state is None:
        raise driver_offline()
    return state

"""Gateway processes and the sessions that they hold.

A gateway is alive while its lease runs. Renewing needs no connection of its own, survives poolers and failovers,
and a process that was killed is known to be dead when its lease is over, or at once when its successor listens at the
same address. A gateway that was cut off from the store and comes back asserts its sessions again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

import msgspec

from isotope.domain.devices import store
from isotope.domain.devices.model import Device
from isotope.infra.runtime import Runtime

LEASE_S: Final = 10.0
RENEW_EVERY_S: Final = 2.0


async def register_gateway(rt: Runtime, gateway_id: UUID, listener: str, lease_s: float = LEASE_S) -> int:
    """Begin: clear the sessions of the process that listened here before and of all whose lease is over; how many.

    `listener`: host, address and port.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        cleared = await store.clear_dead_gateways(tx, now, listener=listener)
        await store.insert_gateway(tx, gateway_id, listener, now, now + timedelta(seconds=lease_s))
    return cleared


class RenewGateway(msgspec.Struct, frozen=True, kw_only=True):
    """What a living gateway says of itself every `RENEW_EVERY_S`.

    Args:
        sessions: every unit connected to it, asserted again if the lease was taken away meanwhile.
        seen: units heard of since the last time, and when.
        gone: sessions whose sockets have closed since the last time.
    """

    gateway_id: UUID
    listener: str
    sessions: Sequence[Device] = ()
    seen: Sequence[tuple[Device, datetime]] = ()
    gone: Sequence[Device] = ()
    lease_s: float = LEASE_S


async def renew_gateway(rt: Runtime, command: RenewGateway) -> Sequence[Device]:
    """Go on: renew the lease, write who was heard of and who is gone, tidy up after processes that died.

    Returns:
        Units that have gone to another gateway while this one was taken for dead: drop their old sockets.
    """
    now = rt.clock.now()
    until = now + timedelta(seconds=command.lease_s)
    lost: Sequence[Device] = ()
    async with rt.db.write() as tx:
        if await store.renew_lease(tx, command.gateway_id, until):
            await store.clear_dead_gateways(tx, now)
        else:
            await store.clear_dead_gateways(tx, now, listener=command.listener)
            await store.insert_gateway(tx, command.gateway_id, command.listener, now, until)
            kept = await store.assert_sessions(tx, command.sessions)
            lost = [device for device in command.sessions if device.id not in kept]
        if command.gone:
            await store.clear_sessions(tx, command.gone)
        if command.seen:
            await store.touch_devices(tx, command.gateway_id, command.seen)
    return lost


async def close_gateway_sessions(rt: Runtime, gateway_id: UUID) -> None:
    """The gateway stops: none of its units is connected any more."""
    async with rt.db.write() as tx:
        await store.delete_gateway(tx, gateway_id)

"""Periodic: drop drivers' tokens that ended."""

from typing import Final

from isotope.domain.drivers import store
from isotope.infra.runtime import Runtime

_BATCH: Final = 5_000


async def forget_ended_driver_tokens(rt: Runtime) -> int:
    """One bounded batch; how many rows went. Safe to run twice and at once."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        return await store.delete_ended_tokens(tx, now, _BATCH)

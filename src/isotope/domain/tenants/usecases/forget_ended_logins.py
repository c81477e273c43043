"""Periodic: drop staff tokens that ended and login attempts that no longer count."""

from typing import Final

from isotope.domain.tenants import store
from isotope.domain.tenants.rules import LOCK
from isotope.infra.runtime import Runtime

_BATCH: Final = 5_000


async def forget_ended_logins(rt: Runtime) -> int:
    """One bounded batch; how many rows went. Safe to run twice and at once."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        return await store.delete_expired(tx, now=now, attempts_before=now - LOCK, limit=_BATCH)

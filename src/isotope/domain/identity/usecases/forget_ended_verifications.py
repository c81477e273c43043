"""Periodic: drop what the code flow no longer needs, for it is personal data with a short term of its own."""

from datetime import timedelta
from typing import Final

from isotope.domain.identity import store
from isotope.infra.runtime import Runtime

_BATCH: Final = 5_000
# The longest window that any limit looks back, and by far longer than a token lives.
KEEP: Final = timedelta(days=1)


async def forget_ended_verifications(rt: Runtime) -> int:
    """One bounded batch; how many rows went. Safe to run twice and at once."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        return await store.delete_ended(tx, now=now, sends_before=now - KEEP, limit=_BATCH)

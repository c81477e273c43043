"""Whose driver token this is."""

from isotope.domain.drivers import queries
from isotope.domain.drivers.model import Driver
from isotope.domain.identity import hash_token
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId


async def find_driver_by_token(rt: Runtime, operator_id: OperatorId, token: str) -> Driver | None:
    """The driver; None for a token that is unknown here, has ended, or whose driver is retired."""
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        return await queries.find_driver_by_token_hash(tx, operator_id, hash_token(token), now)

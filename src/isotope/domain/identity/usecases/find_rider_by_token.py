"""Whose rider token this is."""

from isotope.domain.identity import queries
from isotope.domain.identity.model import Rider
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token
from isotope.kernel.ids import OperatorId


async def find_rider_by_token(rt: Runtime, operator_id: OperatorId, token: str) -> Rider | None:
    """The rider; None for a token that is unknown here, has ended or was revoked."""
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        return await queries.find_rider_by_token_hash(tx, operator_id, hash_token(token), now)

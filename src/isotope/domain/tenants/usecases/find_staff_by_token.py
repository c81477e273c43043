"""Whose dashboard token this is."""

from isotope.domain.tenants import queries
from isotope.domain.tenants.model import Operator, Staff
from isotope.infra.runtime import Runtime
from isotope.infra.tokens import hash_token


async def find_staff_by_token(rt: Runtime, token: str) -> tuple[Operator, Staff] | None:
    """The member of staff and their operator; None for a token that is unknown, has ended, or whose holder left."""
    now = rt.clock.now()
    async with rt.db.glance() as tx:
        return await queries.find_token_owner(tx, hash_token(token), now)

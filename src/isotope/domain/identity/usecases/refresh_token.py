"""A new rider token for an old one."""

import msgspec

from isotope.domain.identity import store
from isotope.domain.identity.errors import deletion_requested, token_refused
from isotope.domain.identity.model import RiderStatus
from isotope.domain.identity.spending import open_session
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


class RefreshToken(msgspec.Struct, frozen=True, kw_only=True):
    """`token_hash` is of the token that the caller came with; None: the operator asks with its secret key."""

    operator: Operator
    rider_id: RiderId
    token_hash: bytes | None = None


async def refresh_token(rt: Runtime, command: RefreshToken) -> str:
    """The new token; the old one ends with it. Of two refreshes of one token at once, one is refused.

    With the secret key nothing ends: the rider's own devices stay logged in.

    Raises:
        Refusal: `user_not_found`, `unauthorized` (the token has ended meanwhile), `deletion_requested`.
    """
    operator = command.operator
    now = rt.clock.now()
    async with rt.db.write() as tx:
        rider = await store.lock_rider(tx, operator.id, command.rider_id)
        if command.token_hash is not None and not await store.end_token(
            tx, operator.id, rider.id, command.token_hash, now
        ):
            raise token_refused()
        if rider.status is RiderStatus.DELETION_REQUESTED:
            raise deletion_requested()
        session = await open_session(tx, operator, rider.id, now)
    return session.token

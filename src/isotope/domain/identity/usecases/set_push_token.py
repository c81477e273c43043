"""An app says where it can be reached."""

import msgspec

from isotope.domain.identity import store
from isotope.domain.identity.errors import deletion_requested
from isotope.domain.identity.model import RiderStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


class SetPushToken(msgspec.Struct, frozen=True, kw_only=True):
    """`is_on`: False: the rider logs out of the app, or wants no notifications there."""

    operator: Operator
    rider_id: RiderId
    token: str
    is_on: bool


async def set_push_token(rt: Runtime, command: SetPushToken) -> None:
    """Said again it is so. The rider who was in the app before gets nothing there any more.

    Raises:
        Refusal: `user_not_found`, `deletion_requested`.
    """
    async with rt.db.write() as tx:
        rider = await store.lock_rider(tx, command.operator.id, command.rider_id)
        if not command.is_on:
            await store.delete_push_tokens(tx, rider.operator_id, rider.id, [command.token])
            return
        if rider.status is RiderStatus.DELETION_REQUESTED:
            raise deletion_requested()
        await store.save_push_token(tx, rider, command.token, rt.clock.now())

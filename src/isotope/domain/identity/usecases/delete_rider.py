"""Delete a rider: by themselves, with days to change their mind, or by the operator, at once."""

from collections.abc import Sequence
from datetime import timedelta

import msgspec

from isotope.domain.identity import queries, store
from isotope.domain.identity.model import Deletion, Phone, RiderStatus
from isotope.domain.identity.ports import DeletionHold
from isotope.domain.identity.usecases.tell_of_erasure import tell_of_erasure
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId


class DeleteRider(msgspec.Struct, frozen=True, kw_only=True):
    """`hard`: with the secret key; erased now and for good."""

    operator: Operator
    rider_id: RiderId
    hard: bool
    actor: Actor


async def delete_rider(rt: Runtime, holds: Sequence[DeletionHold], command: DeleteRider) -> Deletion:
    """End all tokens and mark for erasure, or erase.

    The row is locked before the holds are asked: a ride that starts at this moment either has inserted its row
    and is seen, or waits and then finds that its rider is gone. What the law keeps (ledger, invoices, rides)
    keeps referring to the row, which afterwards says nothing about the person.

    Raises:
        Refusal: `user_not_found`, or the reason of a hold (a ride runs, debt is open).
    """
    operator = command.operator
    now = rt.clock.now()
    async with rt.db.write() as tx:
        seen = await queries.get_rider(tx, operator.id, command.rider_id)
        await store.lock_phone(tx, operator.id, Phone(prefix=seen.phone_prefix, number=seen.phone))
        rider = await store.lock_rider(tx, operator.id, command.rider_id)
        for hold in holds:
            if refused := await hold.reason(tx, operator.id, rider.id):
                raise refused
        if command.hard:
            await store.erase_rider(tx, rider, command.actor, now)
            await tell_of_erasure(rt, tx, rider)
            return Deletion(status=RiderStatus.DELETED, due_at=None)
        await store.end_tokens(tx, rider)
        await store.forget_push_tokens(tx, rider)
        if rider.status is RiderStatus.DELETION_REQUESTED:
            return Deletion(status=rider.status, due_at=rider.deletion_due_at)
        due_at = now + timedelta(days=operator.settings.deletion_days)
        await store.request_deletion(tx, rider, due_at, command.actor, now)
    return Deletion(status=RiderStatus.DELETION_REQUESTED, due_at=due_at)

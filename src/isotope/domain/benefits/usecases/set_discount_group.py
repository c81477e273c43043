"""The operator puts a rider into a discount group, or out of it."""

from dataclasses import dataclass
from datetime import datetime

from isotope.domain.benefits import errors, queries, store
from isotope.domain.benefits.model import Membership
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import Actor
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class SetDiscountGroup:
    """`group_ref` None: no group. `valid_until` None: until it is set again."""

    operator: Operator
    rider_id: RiderId
    group_ref: str | None
    valid_until: datetime | None
    actor: Actor


async def set_discount_group(rt: Runtime, command: SetDiscountGroup) -> Membership | None:
    """The rider's group from now on. What was before stays in the store, with who ended it. Twice changes nothing.

    Raises:
        Refusal: `discount_group_not_found`, `user_not_found`.
    """
    operator, rider_id, now = command.operator, command.rider_id, rt.clock.now()
    async with rt.db.write() as tx:
        await store.lock_rider(tx, operator.id, rider_id)
        was = await queries.find_membership(tx, operator.id, rider_id)
        if command.group_ref is None:
            await store.end_membership(tx, operator.id, rider_id, command.actor, now)
            return None
        groups = await queries.list_groups(tx, operator.id)
        group_id = groups.get(command.group_ref)
        if group_id is None:
            raise errors.discount_group_not_found(list(groups))
        if was is not None and (was.group_id, was.valid_until) == (group_id, command.valid_until):
            return was
        await store.end_membership(tx, operator.id, rider_id, command.actor, now)
        await store.insert_membership(
            tx, operator.id, rider_id, group_id, valid_until=command.valid_until, actor=command.actor, now=now
        )
        return await queries.find_membership(tx, operator.id, rider_id)

"""A rider wants no further period."""

from dataclasses import dataclass

from isotope.domain.subscriptions import errors, queries, store
from isotope.domain.subscriptions.model import SubscriptionId, SubscriptionStatus
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelSubscription:
    """It runs to the end of what was paid."""

    operator: Operator
    rider_id: RiderId
    subscription_id: int


async def cancel_subscription(rt: Runtime, command: CancelSubscription) -> SubscriptionId:
    """Not renewed any more; one that is past due ends at once. Twice is one cancel.

    A card that is being asked at this moment may still pay: then it runs for that period.

    Raises:
        Refusal: `subscription_not_found`.
    """
    now = rt.clock.now()
    async with rt.db.write() as tx:
        found = await store.lock_subscription(tx, command.operator.id, SubscriptionId(command.subscription_id))
        if found is None or found.rider_id != command.rider_id:
            raise errors.subscription_not_found()
        if found.is_live:
            found = await store.set_cancelled(tx, found, now)
            if found.status is SubscriptionStatus.PAST_DUE and not await queries.find_pending_period(tx, found):
                found = await store.set_ended(tx, found, now)
    return found.id

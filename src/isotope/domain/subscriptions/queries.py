"""The reading SQL of this room."""

from collections.abc import Sequence
from typing import Final

from isotope.domain.pricing.model import Quota
from isotope.domain.subscriptions.model import Period, PeriodId, PeriodStatus, Plan, Subscription, SubscriptionId
from isotope.domain.subscriptions.rows import (
    PERIOD_COLUMNS,
    PLAN_COLUMNS,
    QUOTA_COLUMNS,
    SUBSCRIPTION_COLUMNS,
    period_row,
    plan_row,
    quota_row,
    subscription_row,
)
from isotope.domain.subscriptions.windows import Window
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

MOST_LISTED: Final = 100


async def get_subscription(tx: Tx, operator_id: OperatorId, subscription_id: SubscriptionId) -> Subscription:
    return await tx.one(
        subscription_row,
        f"select {SUBSCRIPTION_COLUMNS} from subscription where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": subscription_id},
    )


async def list_subscriptions(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, subscription_id: SubscriptionId | None = None
) -> list[Subscription]:
    """A rider's own, those that are not over first, then the newest; of one only if it is named."""
    return await tx.all(
        subscription_row,
        f"""
        select {SUBSCRIPTION_COLUMNS} from subscription
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s
           and (%(id)s::bigint is null or id = %(id)s)
         order by ended_at is null desc, id desc limit {MOST_LISTED}
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "id": subscription_id},
    )


async def find_period(tx: Tx, operator_id: OperatorId, period_id: PeriodId) -> Period | None:
    return await tx.find(
        period_row,
        f"select {PERIOD_COLUMNS} from subscription_period where operator_id = %(operator_id)s and id = %(id)s",
        {"operator_id": operator_id, "id": period_id},
    )


async def find_paid_period(tx: Tx, subscription: Subscription) -> Period | None:
    """The one that was paid last."""
    return await _find_period_of(tx, subscription, subscription.period_nr, PeriodStatus.PAID)


async def find_pending_period(tx: Tx, subscription: Subscription) -> Period | None:
    """The one that a card is asked for now."""
    return await _find_period_of(tx, subscription, subscription.period_nr + 1, PeriodStatus.PENDING)


async def _find_period_of(tx: Tx, subscription: Subscription, nr: int, status: PeriodStatus) -> Period | None:
    return await tx.find(
        period_row,
        f"""
        select {PERIOD_COLUMNS} from subscription_period
         where operator_id = %(operator_id)s and subscription_id = %(subscription_id)s and nr = %(nr)s
           and status = %(status)s and status <> 'FAILED'
        """,
        {
            "operator_id": subscription.operator_id,
            "subscription_id": subscription.id,
            "nr": nr,
            "status": status,
        },
    )


async def list_newest_periods(
    tx: Tx, operator_id: OperatorId, subscription_ids: Sequence[SubscriptionId]
) -> list[Period]:
    """Of each the period that was paid last and the one that is being paid; of one that was never paid all."""
    return await tx.all(
        period_row,
        f"""
        select {PERIOD_COLUMNS} from subscription_period p
         where operator_id = %(operator_id)s and subscription_id = any(%(ids)s::bigint[])
           and (status = 'PENDING' or exists (
                select from subscription s
                 where s.operator_id = p.operator_id and s.id = p.subscription_id
                   and (s.period_nr = 0 or s.period_nr = p.nr and p.status = 'PAID')))
         order by id
        """,
        {"operator_id": operator_id, "ids": list(subscription_ids)},
    )


async def list_used(
    tx: Tx, operator_id: OperatorId, windows: Sequence[tuple[SubscriptionId, Window]]
) -> dict[SubscriptionId, Quota]:
    """What was used in one window of each subscription; those of which nothing was used are left out."""
    rows = await tx.dicts(
        f"""
        select u.subscription_id, {QUOTA_COLUMNS} from subscription_use u
          join unnest(%(ids)s::bigint[], %(starts)s::timestamptz[]) as w (subscription_id, window_start)
               using (subscription_id, window_start)
         where u.operator_id = %(operator_id)s
        """,
        {
            "operator_id": operator_id,
            "ids": [subscription_id for subscription_id, _window in windows],
            "starts": [window.start for _id, window in windows],
        },
    )
    return {SubscriptionId(row.pop("subscription_id")): quota_row(**row) for row in rows}


async def list_plans_of(tx: Tx, operator_id: OperatorId, plan_ids: Sequence[int]) -> dict[int, Plan]:
    """By id, offered or not."""
    found = await tx.all(
        plan_row,
        f"""
        select {PLAN_COLUMNS} from subscription_plan
         where operator_id = %(operator_id)s and id = any(%(ids)s::bigint[])
        """,
        {"operator_id": operator_id, "ids": list(plan_ids)},
    )
    return {plan.id: plan for plan in found}


async def list_untold(tx: Tx, limit: int) -> list[Subscription]:
    """Subscriptions of all operators that go on, and whose plan has changed since the rider was told of it."""
    return await tx.all(
        subscription_row,
        f"""
        select {SUBSCRIPTION_COLUMNS} from (
               select s.* from subscription_plan p
                 join subscription s on s.operator_id = p.operator_id and s.plan_id = p.id
                      and s.told_version < p.version
                where p.version > 1 and p.retired_at is null and s.status = 'ACTIVE' and s.renews
                order by s.operator_id, s.id limit %(limit)s) untold
        """,
        {"limit": limit},
    )

"""The writing SQL of this room.

A subscription's row is locked after rider, ride and vehicle, before card payments and the wallet; its periods change
only under it.
"""

from datetime import datetime, timedelta
from typing import Any, Final, LiteralString

import msgspec
from psycopg.types.json import Jsonb

from isotope.domain.identity import user_not_found
from isotope.domain.subscriptions.model import Period, PeriodId, Plan, Subscription, SubscriptionId, SubscriptionStatus
from isotope.domain.subscriptions.rows import PERIOD_COLUMNS, SUBSCRIPTION_COLUMNS, period_row, subscription_row
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId

# Whoever claims a row decides at once; if that process dies, the row comes again after this.
LEASE: Final = timedelta(minutes=1)


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
    """Who buys for a rider queues here, and nobody deletes them meanwhile; others may refer to the rider.

    Returns:
        Whether they stay: False for one whose deletion was asked for.

    Raises:
        Refusal: `user_not_found`.
    """
    status: str | None = await tx.scalar(
        "select status from rider where operator_id = %(operator_id)s and id = %(rider_id)s for no key update",
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if status is None or status == "DELETED":
        raise user_not_found()
    return status != "DELETION_REQUESTED"


async def lock_subscription(tx: Tx, operator_id: OperatorId, subscription_id: SubscriptionId) -> Subscription | None:
    return await tx.find(
        subscription_row,
        f"""
        select {SUBSCRIPTION_COLUMNS} from subscription
         where operator_id = %(operator_id)s and id = %(id)s for no key update
        """,
        {"operator_id": operator_id, "id": subscription_id},
    )


async def lock_live(tx: Tx, operator_id: OperatorId, rider_id: RiderId, plan_id: int) -> Subscription | None:
    """The rider's subscription of this plan that is not over."""
    return await tx.find(
        subscription_row,
        f"""
        select {SUBSCRIPTION_COLUMNS} from subscription
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and plan_id = %(plan_id)s
           and status in ('PENDING', 'ACTIVE', 'PAST_DUE') for no key update
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "plan_id": plan_id},
    )


async def insert_subscription(
    tx: Tx, rider_id: RiderId, plan: Plan, *, card_id: int | None, now: datetime
) -> Subscription:
    """One that is not paid yet. The index subscription_live refuses a second one of the plan."""
    return await tx.one(
        subscription_row,
        f"""
        insert into subscription (operator_id, rider_id, plan_id, status, card_id, renews, requested_at,
                                  told_version, told_at)
        values (%(operator_id)s, %(rider_id)s, %(plan_id)s, 'PENDING', %(card_id)s, %(renews)s, %(now)s,
                %(version)s, %(now)s)
        returning {SUBSCRIPTION_COLUMNS}
        """,
        {
            "operator_id": plan.operator_id,
            "rider_id": rider_id,
            "plan_id": plan.id,
            "card_id": card_id,
            "renews": plan.spec.renews,
            "version": plan.version,
            "now": now,
        },
    )


async def await_payment(tx: Tx, subscription: Subscription, *, card_id: int | None) -> Subscription:
    """A period is being paid: the worker has nothing to do until that is known."""
    return await _change(tx, subscription, "card_id = %(card_id)s, next_at = null", card_id=card_id)


async def set_paid(tx: Tx, subscription: Subscription, period: Period) -> Subscription:
    """A period was paid: it can be used until its end, when the worker looks again."""
    return await _change(
        tx,
        subscription,
        """
        status = 'ACTIVE', bought_at = coalesce(bought_at, %(starts_at)s), period_nr = %(nr)s,
        period_start = %(starts_at)s, period_end = %(ends_at)s, next_at = %(ends_at)s, tries = 0, failed_code = null
        """,
        nr=period.nr,
        starts_at=period.starts_at,
        ends_at=period.ends_at,
    )


async def set_unpaid(
    tx: Tx,
    subscription: Subscription,
    *,
    status: SubscriptionStatus,
    code: str,
    next_at: datetime | None,
    now: datetime,
) -> Subscription:
    """A period was not paid: tried again at `next_at`, or over."""
    return await _change(
        tx,
        subscription,
        """
        status = %(status)s, failed_code = %(code)s, next_at = %(next_at)s, tries = tries + 1,
        ended_at = case when %(status)s in ('ENDED', 'FAILED') then %(now)s::timestamptz end
        """,
        status=status,
        code=code,
        next_at=next_at,
        now=now,
    )


async def set_ended(tx: Tx, subscription: Subscription, now: datetime) -> Subscription:
    return await _change(tx, subscription, "status = 'ENDED', next_at = null, ended_at = %(now)s", now=now)


async def set_next(tx: Tx, subscription: Subscription, next_at: datetime | None) -> Subscription:
    return await _change(tx, subscription, "next_at = %(next_at)s", next_at=next_at)


async def set_cancelled(tx: Tx, subscription: Subscription, now: datetime) -> Subscription:
    return await _change(tx, subscription, "renews = false, cancelled_at = coalesce(cancelled_at, %(now)s)", now=now)


async def set_told(tx: Tx, subscription: Subscription, plan: Plan, now: datetime) -> Subscription:
    """The rider knows the plan as it is now."""
    return await _change(
        tx, subscription, "told_version = %(version)s, told_at = %(now)s", version=plan.version, now=now
    )


async def _change(tx: Tx, subscription: Subscription, assignments: LiteralString, **values: Any) -> Subscription:
    """The caller holds the row."""
    return await tx.one(
        subscription_row,
        f"""
        update subscription set {assignments}
         where operator_id = %(operator_id)s and id = %(id)s
        returning {SUBSCRIPTION_COLUMNS}
        """,
        {"operator_id": subscription.operator_id, "id": subscription.id, **values},
    )


async def end_all(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> None:
    """Everything of a rider that is not over."""
    await tx.execute(
        """
        update subscription
           set status = case when bought_at is null then 'FAILED' else 'ENDED' end, next_at = null, ended_at = %(now)s
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and status in ('PENDING', 'ACTIVE', 'PAST_DUE')
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "now": now},
    )


async def claim_due(tx: Tx, now: datetime, limit: int) -> list[Subscription]:
    """Subscriptions of all operators whose time has come, what is due longest first."""
    return await tx.all(
        subscription_row,
        f"""
        update subscription set next_at = %(lease)s
         where (operator_id, id) in (
               select operator_id, id from subscription where next_at <= %(now)s
                order by next_at limit %(limit)s for no key update skip locked)
        returning {SUBSCRIPTION_COLUMNS}
        """,
        {"now": now, "lease": now + LEASE, "limit": limit},
    )


async def next_period_id(tx: Tx) -> PeriodId:
    """The number of the next period, which its posting names before its row is there."""
    return PeriodId(await tx.scalar("select nextval(pg_get_serial_sequence('subscription_period', 'id'))"))


async def insert_period(tx: Tx, period: Period) -> Period:
    """The index subscription_period_once refuses a period that is paid, or being paid, already."""
    return await tx.one(
        period_row,
        f"""
        insert into subscription_period ({PERIOD_COLUMNS}) overriding system value
        values (%(operator_id)s, %(id)s, %(subscription_id)s, %(nr)s, %(title)s, %(spec)s, %(status)s, %(currency)s,
                %(total_minor)s, %(tax_minor)s, %(charged_bonus_minor)s, %(charged_balance_minor)s,
                %(charged_card_minor)s, %(card_pending_minor)s, %(code)s, %(actor)s, %(opened_at)s, %(settled_at)s,
                %(starts_at)s, %(ends_at)s)
        returning {PERIOD_COLUMNS}
        """,
        {**msgspec.structs.asdict(period), "spec": Jsonb(msgspec.to_builtins(period.spec))},
    )


async def set_period_paid(tx: Tx, period: Period, *, starts_at: datetime, now: datetime) -> Period:
    """The card paid what it was asked for."""
    return await tx.one(
        period_row,
        f"""
        update subscription_period
           set status = 'PAID', charged_card_minor = card_pending_minor, card_pending_minor = 0,
               settled_at = %(now)s, starts_at = %(starts_at)s, ends_at = %(ends_at)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {PERIOD_COLUMNS}
        """,
        {
            "operator_id": period.operator_id,
            "id": period.id,
            "now": now,
            "starts_at": starts_at,
            "ends_at": starts_at + period.spec.length,
        },
    )


async def set_period_failed(tx: Tx, period: Period, *, code: str, now: datetime) -> Period:
    """The card did not pay: all of it goes back."""
    return await tx.one(
        period_row,
        f"""
        update subscription_period
           set status = 'FAILED', charged_bonus_minor = 0, charged_balance_minor = 0, card_pending_minor = 0,
               code = %(code)s, settled_at = %(now)s
         where operator_id = %(operator_id)s and id = %(id)s
        returning {PERIOD_COLUMNS}
        """,
        {"operator_id": period.operator_id, "id": period.id, "code": code, "now": now},
    )

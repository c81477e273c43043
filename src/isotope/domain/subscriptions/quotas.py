"""What rides use of subscriptions. Rows are locked after the vehicle and before card payments and the wallet."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from isotope.domain.fleet.model import VehicleModel
from isotope.domain.pricing.model import AgreedSubscription, Quota
from isotope.domain.subscriptions.model import Period, PlanSpec, SubscriptionId
from isotope.domain.subscriptions.rows import PERIOD_COLUMNS, QUOTA_COLUMNS, period_row, quota_row, spec_of
from isotope.domain.subscriptions.rules import Usable, choose
from isotope.domain.subscriptions.windows import Window, quota_left, quota_sum, window_at
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RideId, RiderId


async def find_subscription(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, model: VehicleModel, now: datetime
) -> tuple[AgreedSubscription, Quota] | None:
    """What a ride on this model that begins now is to use, and what is left of its quota. Locks nothing."""
    usable = [one for one in await list_usable(tx, operator_id, rider_id, now) if one.spec.fits(model.ref)]
    chosen = choose(usable)
    if chosen is None:
        return None
    return AgreedSubscription(id=chosen.id, title=chosen.title, pct=chosen.spec.pct), chosen.left


async def list_usable(tx: Tx, operator_id: OperatorId, rider_id: RiderId, now: datetime) -> list[Usable]:
    """The rider's subscriptions whose period is paid now; one a plan, by the index of the live ones."""
    rows = await tx.dicts(
        """
        select s.id, p.title, p.spec, p.starts_at, p.ends_at,
               u.window_start, u.unlocks, u.ride_min, u.pause_min, u.km
          from subscription s
          join subscription_period p on p.operator_id = s.operator_id and p.subscription_id = s.id
               and p.nr = s.period_nr and p.status = 'PAID'
          left join lateral (
               select window_start, unlocks, ride_min, pause_min, km from subscription_use u
                where u.operator_id = s.operator_id and u.subscription_id = s.id and u.window_start <= %(now)s
                order by u.window_start desc limit 1) u on true
         where s.operator_id = %(operator_id)s and s.rider_id = %(rider_id)s
           and s.status in ('PENDING', 'ACTIVE', 'PAST_DUE')
           and s.period_start <= %(now)s and s.period_end > %(now)s
         order by s.id limit 1000
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "now": now},
    )
    found = []
    for row in rows:
        spec, left = _left_of(row, now)
        found.append(Usable(row["id"], row["title"], spec, left))
    return found


async def list_quotas_left(
    tx: Tx, operator_id: OperatorId, rides: Sequence[tuple[RideId, int, datetime]]
) -> dict[RideId, Quota]:
    """What each ride would find left of its subscription if it ended now; given with the moment it was asked for.

    As `lock_quota_left`, without a lock, in one statement.
    """
    rows = await tx.dicts(
        f"""
        select w.ride_id, w.at, p.spec, p.starts_at, p.ends_at, u.window_start, {QUOTA_COLUMNS}
          from unnest(%(ride_ids)s::bigint[], %(ids)s::bigint[], %(ats)s::timestamptz[]) as w (ride_id, id, at)
          join lateral (
               select spec, starts_at, ends_at from subscription_period
                where operator_id = %(operator_id)s and subscription_id = w.id and status = 'PAID'
                  and starts_at <= w.at
                order by starts_at desc limit 1) p on true
          left join lateral (
               select window_start, {QUOTA_COLUMNS} from subscription_use
                where operator_id = %(operator_id)s and subscription_id = w.id and window_start <= w.at
                order by window_start desc limit 1) u on true
        """,
        {
            "operator_id": operator_id,
            "ride_ids": [ride_id for ride_id, _id, _at in rides],
            "ids": [subscription_id for _ride_id, subscription_id, _at in rides],
            "ats": [at for _ride_id, _id, at in rides],
        },
    )
    return {RideId(row["ride_id"]): _left_of(row, row["at"])[1] for row in rows}


async def lock_quota_left(
    tx: Tx, operator_id: OperatorId, subscription_id: int, at: datetime, ride_id: RideId | None = None
) -> Quota:
    """What a ride that was asked for at `at` finds left, and nobody else uses until this transaction ends.

    A ride uses the window in which it was asked for, also when the window or the period is over by the time it ends: that is
    what was agreed. What `ride_id` itself used before counts as left. Nothing is left of a period that was not paid.
    """
    await _lock(tx, operator_id, SubscriptionId(subscription_id))
    found = await _find_window(tx, operator_id, SubscriptionId(subscription_id), at)
    if found is None:
        return Quota()
    period, window = found
    used = await _find_used(tx, operator_id, SubscriptionId(subscription_id), window)
    left = quota_left(period.spec.quota, used)
    if ride_id is None:
        return left
    own = await _find_own(tx, operator_id, ride_id, SubscriptionId(subscription_id), window)
    return left if own is None else quota_sum(left, own)


async def use_quota(
    tx: Tx, operator_id: OperatorId, subscription_id: int, ride_id: RideId, used: Quota, at: datetime
) -> None:
    """A ride that was asked for at `at` uses so much in all: said again, it replaces what it used before.

    The caller has asked `lock_quota_left` in the same transaction.

    Raises:
        ValueError: more than is left, or of a period that was not paid; a bug of the caller.
    """
    key = SubscriptionId(subscription_id)
    found = await _find_window(tx, operator_id, key, at)
    own = None if found is None else await _find_own(tx, operator_id, ride_id, key, found[1])
    if used == (own or Quota()):
        return
    if found is None:
        raise ValueError(f"subscription {subscription_id} has no period for ride {ride_id}")
    period, window = found
    before = quota_left(await _find_used(tx, operator_id, key, window), own or Quota())
    after = quota_sum(before, used)
    limit = period.spec.quota
    if quota_left(after, limit) != Quota():
        raise ValueError(f"ride {ride_id} uses more of subscription {subscription_id} than is left")
    await tx.execute(
        f"""
        insert into subscription_use (operator_id, subscription_id, window_start, {QUOTA_COLUMNS},
                                      limit_unlocks, limit_ride_min, limit_pause_min, limit_km)
        values (%(operator_id)s, %(subscription_id)s, %(window_start)s,
                %(unlocks)s, %(ride_min)s, %(pause_min)s, %(km)s,
                %(limit_unlocks)s, %(limit_ride_min)s, %(limit_pause_min)s, %(limit_km)s)
        on conflict (operator_id, subscription_id, window_start) do update
           set unlocks = excluded.unlocks, ride_min = excluded.ride_min, pause_min = excluded.pause_min, km = excluded.km
        """,
        {
            "operator_id": operator_id,
            "subscription_id": key,
            "window_start": window.start,
            **_columns(after),
            "limit_unlocks": limit.unlocks,
            "limit_ride_min": limit.ride_min,
            "limit_pause_min": limit.pause_min,
            "limit_km": limit.km,
        },
    )
    await tx.execute(
        f"""
        insert into subscription_ride (operator_id, ride_id, subscription_id, window_start, {QUOTA_COLUMNS}, used_at)
        values (%(operator_id)s, %(ride_id)s, %(subscription_id)s, %(window_start)s,
                %(unlocks)s, %(ride_min)s, %(pause_min)s, %(km)s, %(at)s)
        on conflict (operator_id, ride_id) do update
           set unlocks = excluded.unlocks, ride_min = excluded.ride_min, pause_min = excluded.pause_min, km = excluded.km
        """,
        {
            "operator_id": operator_id,
            "ride_id": ride_id,
            "subscription_id": key,
            "window_start": window.start,
            **_columns(used),
            "at": at,
        },
    )


async def _lock(tx: Tx, operator_id: OperatorId, subscription_id: SubscriptionId) -> None:
    """Rides of one rider that end at the same moment queue here."""
    await tx.execute(
        "select from subscription where operator_id = %(operator_id)s and id = %(id)s for no key update",
        {"operator_id": operator_id, "id": subscription_id},
    )


async def _find_window(
    tx: Tx, operator_id: OperatorId, subscription_id: SubscriptionId, at: datetime
) -> tuple[Period, Window] | None:
    period = await tx.find(
        period_row,
        f"""
        select {PERIOD_COLUMNS} from subscription_period
         where operator_id = %(operator_id)s and subscription_id = %(subscription_id)s and status = 'PAID'
           and starts_at <= %(at)s
         order by starts_at desc limit 1
        """,
        {"operator_id": operator_id, "subscription_id": subscription_id, "at": at},
    )
    if period is None or period.starts_at is None or period.ends_at is None:
        return None
    window = window_at(period.spec.limits, period.starts_at, period.ends_at, at)
    return None if window is None else (period, window)


async def _find_used(tx: Tx, operator_id: OperatorId, subscription_id: SubscriptionId, window: Window) -> Quota:
    found = await tx.find(
        quota_row,
        f"""
        select {QUOTA_COLUMNS} from subscription_use
         where operator_id = %(operator_id)s and subscription_id = %(subscription_id)s
           and window_start = %(window_start)s
        """,
        {"operator_id": operator_id, "subscription_id": subscription_id, "window_start": window.start},
    )
    return found or Quota()


async def _find_own(
    tx: Tx, operator_id: OperatorId, ride_id: RideId, subscription_id: SubscriptionId, window: Window
) -> Quota | None:
    return await tx.find(
        quota_row,
        f"""
        select {QUOTA_COLUMNS} from subscription_ride
         where operator_id = %(operator_id)s and ride_id = %(ride_id)s
           and subscription_id = %(subscription_id)s and window_start = %(window_start)s
        """,
        {
            "operator_id": operator_id,
            "ride_id": ride_id,
            "subscription_id": subscription_id,
            "window_start": window.start,
        },
    )


def _columns(quota: Quota) -> dict[str, int]:
    return {"unlocks": quota.unlocks, "ride_min": quota.ride_min, "pause_min": quota.pause_min, "km": quota.km}


def _left_of(row: dict[str, Any], at: datetime) -> tuple[PlanSpec, Quota]:
    """Of a row with a period and what was used of it last."""
    spec = spec_of(row["spec"])
    window = window_at(spec.limits, row["starts_at"], row["ends_at"], at)
    if window is None:
        return spec, Quota()
    used = quota_row(**{name: row[name] for name in ("unlocks", "ride_min", "pause_min", "km")})
    return spec, quota_left(spec.quota, used if row["window_start"] == window.start else Quota())

"""Bonus that this room gives, and the reward for bringing a rider."""

from datetime import datetime
from typing import Final

from isotope.domain.benefits import codes, store
from isotope.domain.identity import user_not_found
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, MoneyKind, Posting, bonus_expiry, lock_standing, may_add, post
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.actor import SYSTEM, Actor
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import RideId, RiderId

# For the ledger: why bonus is given, and what its cause refers to.
PROMO: Final = ("promo", "promo_redemption")
REFERRAL: Final = ("referral", "referral")
REWARD: Final = ("referral_reward", "referral")
JOB: Final = "reward_referrer"


async def give_bonus(
    tx: Tx,
    operator: Operator,
    rider_id: RiderId,
    amount_minor: int,
    *,
    what: tuple[str, str],
    nr: int,
    actor: Actor,
    now: datetime,
    expires_at: datetime | None,
) -> None:
    """The rider receives bonus, the operator's adjustments pay; once for each `what` and the row `nr` it refers to.

    Raises:
        Refusal: `wallet_limit_reached`.
    """
    reason, kind = what
    standing = await lock_standing(tx, operator.id, rider_id, operator.currency)
    if no := may_add(standing, amount_minor, MoneyKind.BONUS):
        raise no
    await post(
        tx,
        Posting(
            operator_id=operator.id,
            currency=operator.currency,
            reason=reason,
            actor=actor,
            cause=f"{kind}:{nr}",
            now=now,
            entries=(
                Entry(kind=AccountKind.RIDER_BONUS, amount_minor=amount_minor, rider_id=rider_id),
                Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-amount_minor),
            ),
            bonus_expires_at=expires_at,
        ),
    )


async def ride_paid(
    tx: Tx, rt: Runtime, operator: Operator, rider_id: RiderId, ride_id: RideId, total_minor: int, now: datetime
) -> None:
    """A ride was paid: if it is the rider's first, who brought them is rewarded, by a job.

    The caller holds the ride's row and asks when nothing of the price is owed or awaited. The reward is another rider's
    money: a job of its own keeps their wallet out of this transaction. A refund later does not take it back.
    """
    if total_minor <= 0:
        return
    if await codes.set_paid_ride(tx, operator.id, rider_id, ride_id, now):
        await rt.jobs.defer(tx, JOB, operator_id=operator.id, referee_id=rider_id)


async def reward_referrer(rt: Runtime, operator: Operator, referee_id: RiderId) -> None:
    """The job. Safe to run twice, and at once: the referral is settled by one of them. An erased rider gets nothing."""
    now = rt.clock.now()
    async with rt.db.write() as tx:
        referrer_id = await codes.find_referrer(tx, operator.id, referee_id)
        if referrer_id is None:
            return
        is_there = await _lock_if_there(tx, operator, referrer_id)
        minor = await codes.settle_referral(tx, operator.id, referee_id, now)
        if minor and is_there:
            await give_bonus(
                tx,
                operator,
                referrer_id,
                minor,
                what=REWARD,
                nr=referee_id,
                actor=SYSTEM,
                now=now,
                expires_at=bonus_expiry(operator.settings.payments, now),
            )


async def _lock_if_there(tx: Tx, operator: Operator, rider_id: RiderId) -> bool:
    try:
        await store.lock_rider(tx, operator.id, rider_id)
    except Refusal as refusal:
        if refusal.code != user_not_found().code:
            raise
        return False
    return True

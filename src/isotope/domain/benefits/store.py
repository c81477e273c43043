"""The writing SQL of this room. Locks: address, rider, then the rows of codes, then the wallet."""

from datetime import datetime

from isotope.domain.benefits.model import GroupId, RedemptionId
from isotope.domain.identity import RiderStatus, user_not_found
from isotope.infra.db import Tx
from isotope.kernel.actor import Actor
from isotope.kernel.ids import OperatorId, RideId, RiderId


async def lock_rider(tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> RiderStatus:
    """One at a time for a rider: codes, groups and starts of rides. Raises `user_not_found`, also for an erased one."""
    status: str | None = await tx.scalar(
        """
        select status from rider where operator_id = %(operator_id)s and id = %(rider_id)s and status <> 'DELETED'
           for no key update
        """,
        {"operator_id": operator_id, "rider_id": rider_id},
    )
    if status is None:
        raise user_not_found()
    return RiderStatus(status)


async def end_membership(tx: Tx, operator_id: OperatorId, rider_id: RiderId, actor: Actor, now: datetime) -> bool:
    """The rider is in no group from now on; whether they were in one."""
    ended = await tx.execute(
        """
        update rider_discount_group set ended_at = %(now)s, ended_by = %(actor)s
         where operator_id = %(operator_id)s and rider_id = %(rider_id)s and ended_at is null
        """,
        {"operator_id": operator_id, "rider_id": rider_id, "actor": str(actor), "now": now},
    )
    return bool(ended)


async def insert_membership(
    tx: Tx,
    operator_id: OperatorId,
    rider_id: RiderId,
    group_id: GroupId,
    *,
    valid_until: datetime | None,
    actor: Actor,
    now: datetime,
) -> None:
    """End the one before first: a rider is in one group."""
    await tx.execute(
        """
        insert into rider_discount_group (operator_id, rider_id, group_id, valid_until, set_by, set_at)
        values (%(operator_id)s, %(rider_id)s, %(group_id)s, %(valid_until)s, %(actor)s, %(now)s)
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "group_id": group_id,
            "valid_until": valid_until,
            "actor": str(actor),
            "now": now,
        },
    )


async def claim_ride(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, ride_id: RideId, redemption_id: RedemptionId, now: datetime
) -> None:
    """One discounted ride less.

    Raises:
        LookupError: none is left.
    """
    claimed = await tx.execute(
        """
        with taken as (
            update promo_redemption set rides_left = rides_left - 1
             where operator_id = %(operator_id)s and id = %(redemption_id)s and rider_id = %(rider_id)s
               and rides_left > 0
            returning operator_id, id
        )
        insert into ride_promo (operator_id, ride_id, redemption_id, at)
        select operator_id, %(ride_id)s, id, %(now)s from taken
        """,
        {
            "operator_id": operator_id,
            "rider_id": rider_id,
            "ride_id": ride_id,
            "redemption_id": redemption_id,
            "now": now,
        },
    )
    if not claimed:
        raise LookupError(f"no discounted ride of redemption {redemption_id} is left for ride {ride_id}")


async def give_ride_back(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> None:
    """One discounted ride more, if the ride claimed one."""
    await tx.execute(
        """
        with given as (
            delete from ride_promo where operator_id = %(operator_id)s and ride_id = %(ride_id)s
            returning operator_id, redemption_id
        )
        update promo_redemption r set rides_left = r.rides_left + 1
          from given where r.operator_id = given.operator_id and r.id = given.redemption_id
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )

"""The writing SQL of this room. Locks: address, rider, then the rows of codes, then the wallet."""

from datetime import datetime

from isotope.domain.benefits.model import RedemptionId
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RideId, RiderId


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

"""Pay for an end in a bonus zone, inside the transaction that charged the ride."""

from datetime import datetime

from isotope.domain.sharing.model import EndBonus, Ride
from isotope.domain.tenants.model import Operator
from isotope.domain.wallet import AccountKind, Entry, Posting, bonus_expiry, post
from isotope.infra.db import Tx
from isotope.kernel.actor import SYSTEM


async def give_zone_bonus(
    tx: Tx, operator: Operator, ride: Ride, bonus: EndBonus, ride_minor: int, now: datetime
) -> int:
    """What was given: the zone's amount, and its per cent of the ride price `ride_minor`. Once a ride.

    The caller has charged the ride, so that it holds the wallet and the ride is not paid with its own bonus.
    """
    earned_minor = bonus_of(bonus, ride_minor)
    if not earned_minor:
        return 0
    await post(
        tx,
        Posting(
            operator_id=operator.id,
            currency=ride.currency,
            reason="zone_bonus",
            actor=SYSTEM,
            cause=ride.holder,
            now=now,
            entries=(
                Entry(kind=AccountKind.RIDER_BONUS, amount_minor=earned_minor, rider_id=ride.rider_id),
                Entry(kind=AccountKind.ADJUSTMENTS, amount_minor=-earned_minor),
            ),
            bonus_expires_at=bonus_expiry(operator.settings.payments, now),
        ),
    )
    return earned_minor


def bonus_of(bonus: EndBonus, ride_minor: int) -> int:
    """The amount and the part of the price together; half a minor unit is one."""
    return bonus.amount_minor + (ride_minor * bonus.pct + 50) // 100

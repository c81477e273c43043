"""What a rider has: group and discounts, and the code to give to others."""

from isotope.domain.benefits import codes, errors, queries
from isotope.domain.benefits.model import Benefits, ReferralCode
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RiderId


async def read_benefits(rt: Runtime, operator: Operator, rider_id: RiderId) -> Benefits:
    """What takes something off a ride that the rider starts now."""
    now = rt.clock.now()
    async with rt.db.read() as tx:
        group = await queries.find_membership(tx, operator.id, rider_id)
        return Benefits(
            group=group if group is not None and group.counts_at(now) else None,
            discounts=await codes.list_ride_discounts(tx, operator.id, rider_id, now),
        )


async def read_referral_code(rt: Runtime, operator: Operator, rider_id: RiderId) -> ReferralCode:
    """The rider's code; the first look makes it.

    Raises:
        Refusal: `referrals_off`.
    """
    if not operator.settings.referrals.is_on:
        raise errors.referrals_off()
    async with rt.db.write() as tx:
        return await codes.make_referral_code(tx, operator.id, rider_id, rt.clock.now())

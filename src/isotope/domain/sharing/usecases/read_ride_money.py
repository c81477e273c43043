"""Everything that a ride cost, and what of it was given back."""

from dataclasses import dataclass

from isotope.domain.sharing import errors, queries, refunds
from isotope.domain.sharing.model import Ride
from isotope.domain.sharing.refund_rules import may_touch_money
from isotope.domain.sharing.refunds import Fine, Refund
from isotope.domain.tenants.model import Operator, Role
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import RideId


@dataclass(frozen=True, slots=True)
class RideMoney:
    """A ride with its fines and refunds, oldest first."""

    ride: Ride
    fines: tuple[Fine, ...]
    refunds: tuple[Refund, ...]

    def refundable_minor(self, fine: Fine | None = None) -> int:
        """What of the ride's price, or of a fine, was not given back yet."""
        fine_id = None if fine is None else fine.id
        charged = (self.ride.total_minor or 0) if fine is None else fine.amount_minor
        return charged - sum(one.amount_minor for one in self.refunds if one.fine_id == fine_id)


async def read_ride_money(rt: Runtime, operator: Operator, ride_id: RideId, role: Role) -> RideMoney:
    """For staff who may refund.

    Raises:
        Refusal: `role_not_allowed`, `ride_not_found`.
    """
    if no := may_touch_money(role):
        raise no
    async with rt.db.read() as tx:
        ride = await queries.find_ride(tx, operator.id, ride_id)
        if ride is None:
            raise errors.ride_not_found()
        return RideMoney(
            ride,
            tuple(await refunds.list_fines(tx, operator.id, ride_id)),
            tuple(await refunds.list_refunds(tx, operator.id, ride_id)),
        )

"""What makes one ride cheaper: decided when it starts, claimed once it is there, given back if it came to nothing."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from isotope.domain.benefits import errors, queries, store
from isotope.domain.benefits.model import AtStart, RedemptionId
from isotope.domain.fleet import VehicleModel
from isotope.domain.pricing.model import Discount
from isotope.domain.tenants.model import Operator
from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RideId, RiderId

# The line of a bill that shows what a promo code took off; a ride without it used none up.
PROMO_LINE: Final = "promo_discount"


async def benefits_at_start(
    tx: Tx, operator: Operator, rider_id: RiderId, model: VehicleModel, package_id: int | None, now: datetime
) -> AtStart:
    """What a ride that starts now gets. Writes nothing, so a quote asks too.

    Whoever starts the ride holds the rider's lock from before this until after `claim_for_ride`: a discounted ride that
    is left is then given to one ride.

    Raises:
        Refusal: `package_not_available`.
    """
    discounts = await queries.list_discounts(tx, operator.id, rider_id, model, now)
    if package_id is None:
        return AtStart(discounts=discounts)
    offered = await queries.list_packages(tx, operator.id, model, now, operator.time_zone)
    package = next((offer for offer in offered if offer.id == package_id), None)
    if package is None:
        raise errors.package_not_available(offered)
    return AtStart(package=package.agreed, discounts=discounts)


async def claim_for_ride(
    tx: Tx, operator_id: OperatorId, rider_id: RiderId, ride_id: RideId, discounts: Sequence[Discount], now: datetime
) -> None:
    """The ride, just inserted, uses up one discounted ride of its promo code.

    Raises:
        LookupError: none is left; the caller did not hold the rider's lock.
    """
    for discount in discounts:
        if discount.kind == "promo":
            await store.claim_ride(tx, operator_id, rider_id, ride_id, RedemptionId(discount.id), now)


async def give_back(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> None:
    """The ride came to nothing: what it claimed is there again. Safe to do twice; the caller holds the ride's row."""
    await store.give_ride_back(tx, operator_id, ride_id)

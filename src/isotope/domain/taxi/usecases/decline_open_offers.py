"""A driver stops to work: what they were offered goes to others at once."""

from isotope.domain.taxi import driver_queries
from isotope.domain.taxi.usecases.decline_offer import DeclineOffer, decline_offer
from isotope.domain.tenants.model import Operator
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal
from isotope.kernel.ids import DriverId


async def decline_open_offers(rt: Runtime, operator: Operator, driver_id: DriverId, reason: str) -> int:
    """How many offers, each as if the driver had declined it. What is accepted, or ends, meanwhile is left as it is."""
    async with rt.db.glance() as tx:
        offers = await driver_queries.list_open_offers(tx, operator.id, driver_id, rt.clock.now())
    for offer in offers:
        try:
            await decline_offer(
                rt, DeclineOffer(operator=operator, driver_id=driver_id, offer_id=offer.id, reason=reason)
            )
        except Refusal as refusal:
            if refusal.code != "offer_taken":
                raise
    return len(offers)

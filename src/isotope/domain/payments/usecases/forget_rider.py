"""A rider was erased: what their cards say of them goes, here and at the provider."""

from isotope.domain.payments import choices
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RiderId


async def forget_rider(rt: Runtime, operator_id: OperatorId, rider_id: RiderId) -> None:
    """No card of theirs pays any more, and none says which it was. Safe to run twice.

    Payments refer to the rows, so these stay. The worker tells the provider (`forget_removed_cards`); a page that is
    still open saves nothing (`finish_card_setup`).
    """
    async with rt.db.write() as tx:
        await choices.erase(tx, operator_id, rider_id, rt.clock.now())

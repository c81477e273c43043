"""A driver stops to work."""

from isotope.domain.drivers import rules, store
from isotope.domain.drivers.model import DriverState
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, OperatorId


async def go_offline(rt: Runtime, operator_id: OperatorId, driver_id: DriverId) -> DriverState:
    """The driver is offered nothing any more, and where they are is forgotten. Said again, it is so.

    Raises:
        Refusal: `driver_busy`.
    """
    async with rt.db.write() as tx:
        state = await store.lock_state(tx, operator_id, driver_id)
        if no := rules.may_go_offline(state):
            raise no
        return await store.save_offline(tx, operator_id, driver_id) or state

"""A driver's token ends before its time."""

from isotope.domain.drivers import rules, store
from isotope.domain.identity import hash_token
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import DriverId, OperatorId


async def log_out_driver(rt: Runtime, operator_id: OperatorId, driver_id: DriverId, token: str) -> None:
    """The driver is offline and the token is nobody's any more.

    Raises:
        Refusal: `driver_busy`.
    """
    async with rt.db.write() as tx:
        state = await store.lock_state(tx, operator_id, driver_id)
        if no := rules.may_go_offline(state):
            raise no
        await store.save_offline(tx, operator_id, driver_id)
        await store.delete_token(tx, operator_id, hash_token(token))

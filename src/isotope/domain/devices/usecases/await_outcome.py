"""Wait for how a command went."""

import asyncio

from isotope.domain.devices import queries
from isotope.domain.devices.model import OUTCOME_CHANNEL, CommandOutcome
from isotope.infra.hub import Hub
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, OperatorId

# The store is read at least so often, should a notification be lost with its connection.
_LOOK_AGAIN_S = 1.0


def listen_for_outcomes(hub: Hub) -> None:
    """Once a process, before the hub starts: `await_outcome` is then woken at once, not within a second."""
    hub.listen(OUTCOME_CHANNEL)


async def await_outcome(rt: Runtime, operator_id: OperatorId, command_id: CommandId, wait_s: float) -> CommandOutcome:
    """The outcome, or how far the command is when `wait_s` are over. Call after the request's commit, in no transaction.

    Nothing is missed: the wait is registered before the row is read.

    Raises:
        LookupError: this operator has no such command.
        Refusal: `store_unavailable`.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        async with rt.hub.expect(OUTCOME_CHANNEL, f"{operator_id}:{command_id}") as wait:
            async with rt.db.glance() as tx:
                outcome = await queries.find_outcome(tx, operator_id, command_id)
            if outcome is None:
                raise LookupError("no such command")
            left_s = deadline - loop.time()
            if outcome.is_final or left_s <= 0:
                return outcome
            await wait(min(left_s, _LOOK_AGAIN_S))

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
    hub.listen(OUTCOME_CHANNEL, remembers=True)


async def await_outcome(rt: Runtime, operator_id: OperatorId, command_id: CommandId, wait_s: float) -> CommandOutcome:
    """The outcome, or how far the command is when `wait_s` are over. Call after the request's commit, in no transaction.

    Raises:
        LookupError: this operator has no such command.
        Refusal: `store_unavailable`.
    """
    await await_word(rt, operator_id, command_id, wait_s)
    return await _read(rt, operator_id, command_id)


async def await_word(rt: Runtime, operator_id: OperatorId, command_id: CommandId, wait_s: float) -> None:
    """As `await_outcome`, for whoever locks the command afterwards and so reads it anyway.

    Nothing is missed: the hub remembers outcomes that were told before anybody waited, and the store is read every
    second, and when the hub may not have heard.
    """
    loop = asyncio.get_running_loop()
    deadline = loop.time() + wait_s
    while True:
        async with rt.hub.expect(OUTCOME_CHANNEL, f"{operator_id}:{command_id}") as wait:
            left_s = deadline - loop.time()
            if rt.hub.is_listening and left_s > 0 and await wait(min(left_s, _LOOK_AGAIN_S)):
                return
            if (await _read(rt, operator_id, command_id)).is_final or deadline <= loop.time():
                return
            if not rt.hub.is_listening:
                await wait(min(deadline - loop.time(), _LOOK_AGAIN_S))


async def _read(rt: Runtime, operator_id: OperatorId, command_id: CommandId) -> CommandOutcome:
    async with rt.db.glance() as tx:
        outcome = await queries.find_outcome(tx, operator_id, command_id)
    if outcome is None:
        raise LookupError("no such command")
    return outcome

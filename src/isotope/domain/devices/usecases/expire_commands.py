"""Commands end in time."""

from datetime import datetime

from isotope.domain.devices import rules, store
from isotope.domain.devices.model import CommandEvent, CommandOutcome
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import CommandId, OperatorId

_AT_ONCE = 500


async def expire_due_commands(rt: Runtime) -> int:
    """Close what is open after its expiry; how many. The worker runs it every few seconds; safe to run anywhere, twice."""
    expired = 0
    while True:
        async with rt.db.write() as tx:
            due = await store.expire_due(tx, rt.clock.now(), _AT_ONCE)
            for operator_id, command_id in due:
                await store.tell_outcome(tx, operator_id, command_id)
        expired += len(due)
        if len(due) < _AT_ONCE:
            return expired


async def give_up_command(
    tx: Tx, operator_id: OperatorId, command_id: CommandId, now: datetime, code: str = "given_up"
) -> CommandOutcome:
    """Decide now, in the caller's transaction: an open command becomes EXPIRED, an outcome stays as it is.

    Whoever stops waiting for a command calls this and acts on the answer, so that a unit that answers in the same
    moment is either heard (DONE) or late (an unlock is then answered with a lock), never both.

    Raises:
        LookupError: this operator has no such command.
    """
    command = await store.lock_command(tx, operator_id, command_id)
    if command is None:
        raise LookupError("no such command")
    status = rules.transition(command.status, CommandEvent.EXPIRED)
    if status is None:
        return CommandOutcome(status=command.status, code=command.code, finished_at=command.finished_at)
    return await store.set_status(tx, command, status, code, now)

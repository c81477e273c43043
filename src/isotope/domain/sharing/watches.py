"""Which look at a ride's money is the next. Rows are locked last, by rising ride."""

from datetime import datetime
from typing import Final

from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime
from isotope.kernel.ids import OperatorId, RideId

JOB: Final = "watch_funds"


async def look_at(tx: Tx, rt: Runtime, operator_id: OperatorId, ride_id: RideId, at: datetime) -> None:
    """The next look, instead of the one that was to come."""
    nr = await tx.scalar(
        """
        insert into ride_watch (operator_id, ride_id, nr) values (%(operator_id)s, %(ride_id)s, 1)
        on conflict (operator_id, ride_id) do update set nr = ride_watch.nr + 1
        returning nr
        """,
        {"operator_id": operator_id, "ride_id": ride_id},
    )
    await rt.jobs.defer(tx, JOB, at=at, operator_id=operator_id, ride_id=ride_id, nr=nr)


async def is_next(tx: Tx, operator_id: OperatorId, ride_id: RideId, nr: int) -> bool:
    """Whether this is the look that is to come. The caller holds the ride's row."""
    found = await tx.scalar(
        "select nr from ride_watch where operator_id = %(operator_id)s and ride_id = %(ride_id)s",
        {"operator_id": operator_id, "ride_id": ride_id},
    )
    return bool(found == nr)


async def end(tx: Tx, operator_id: OperatorId, ride_id: RideId) -> None:
    """No look comes any more."""
    await tx.execute(
        "delete from ride_watch where operator_id = %(operator_id)s and ride_id = %(ride_id)s",
        {"operator_id": operator_id, "ride_id": ride_id},
    )

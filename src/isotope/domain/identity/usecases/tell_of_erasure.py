"""A rider is erased: the rooms above, which know more of them, follow."""

from typing import Final

from isotope.domain.identity.model import Rider
from isotope.infra.db import Tx
from isotope.infra.runtime import Runtime

JOB: Final = "rider_erased"


async def tell_of_erasure(rt: Runtime, tx: Tx, rider: Rider) -> None:
    """In the transaction that erases: the job runs after it, and until it is done."""
    await rt.jobs.defer(tx, JOB, operator_id=rider.operator_id, rider_id=rider.id)

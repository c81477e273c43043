"""What this room needs of the rooms above it."""

from typing import Protocol

from isotope.infra.db import Tx
from isotope.kernel.ids import OperatorId, RiderId


class HasRidden(Protocol):
    """Knows whether a rider is new."""

    async def __call__(self, tx: Tx, operator_id: OperatorId, rider_id: RiderId) -> bool:
        """Whether the rider has had a ride, or has one now; one that never began is none."""
        ...

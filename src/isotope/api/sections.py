"""The sections of the contract. Importing them declares their operations."""

from collections.abc import Sequence

from isotope.api import authorization, sharing, user
from isotope.api.operation import Operation, declared

__all__ = ["authorization", "operations", "sharing", "user"]


def operations() -> Sequence[Operation]:
    """Every operation that is served, in the order of the contract's sections."""
    return declared()

"""Zones that cannot be stored."""

from collections.abc import Mapping, Sequence


class InvalidZonesError(ValueError):
    """`faults`: ref of a zone -> everything that is wrong with it, in sentences."""

    def __init__(self, faults: Mapping[str, Sequence[str]]) -> None:
        self.faults = faults
        super().__init__("; ".join(f"{ref}: {', '.join(found)}" for ref, found in faults.items()))

"""A range that a list is filtered by."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Range:
    """From `low` to `high`, both included; None: no such bound. What has no value at all is outside of it."""

    low: float | None
    high: float | None

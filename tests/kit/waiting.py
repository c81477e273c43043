"""Waiting for a condition, for what has no event."""

import asyncio
import time
from collections.abc import Callable

_STEP_S = 0.02


def wait_until(condition: Callable[[], object], what: str = "what was waited for", limit_s: float = 20.0) -> None:
    """Return when the condition holds; fail the test if it does not come about."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about in {limit_s} s: {what}")
        time.sleep(_STEP_S)


async def until(condition: Callable[[], object], what: str = "what was waited for", limit_s: float = 20.0) -> None:
    """`wait_until` for asynchronous tests."""
    deadline = time.monotonic() + limit_s
    while not condition():
        if time.monotonic() > deadline:
            raise AssertionError(f"did not come about in {limit_s} s: {what}")
        await asyncio.sleep(_STEP_S)

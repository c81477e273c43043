"""Waiting for what happens soon, without guessing how soon."""

import asyncio
from collections.abc import Callable


async def until(condition: Callable[[], bool], wait_s: float = 10.0) -> None:
    """Return as soon as the condition holds.

    Raises:
        TimeoutError: it did not, for `wait_s`.
    """
    async with asyncio.timeout(wait_s):
        while not condition():  # noqa: ASYNC110 - the condition has no event
            await asyncio.sleep(0.005)

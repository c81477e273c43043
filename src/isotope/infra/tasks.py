"""Ending background tasks for sure."""

import asyncio
from typing import Any, Final

_ASK_AGAIN_S: Final = 0.2


async def end_task(task: asyncio.Task[Any]) -> None:
    """Cancel a task and return when it is over, whatever it was doing.

    One `cancel()` is not enough: up to Python 3.11 `asyncio.wait_for` (which the database driver uses) swallows a
    cancellation that comes in the moment in which its future is done, and the task would go on for ever.
    """
    while not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=_ASK_AGAIN_S)
    if not task.cancelled():
        task.exception()  # seen: whoever ends a task no longer wants what it has to say

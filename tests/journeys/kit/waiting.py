"""Waiting for what other processes do."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import httpx2

_STEP_S = 0.1


async def come_about(condition: Callable[[], Awaitable[bool]], what: str, limit_s: float = 60.0) -> None:
    """Return when the condition holds; connections that break on the way count as "not yet"."""
    deadline = time.monotonic() + limit_s
    while True:
        try:
            if await condition():
                return
        except (httpx2.HTTPError, KeyError):
            pass
        assert time.monotonic() < deadline, f"did not come about in {limit_s} s: {what}"
        await asyncio.sleep(_STEP_S)

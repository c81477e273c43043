"""Being told to end: SIGTERM from supervisors, SIGINT from a terminal."""

import asyncio
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

_ENDING: Final = (signal.SIGTERM, signal.SIGINT)


@contextmanager
def when_told_to_end(call: Callable[[], object]) -> Iterator[None]:
    """While the block runs, both signals call `call` in the running loop, and nothing else."""
    loop = asyncio.get_running_loop()
    for number in _ENDING:
        loop.add_signal_handler(number, call)
    try:
        yield
    finally:
        for number in _ENDING:
            loop.remove_signal_handler(number)

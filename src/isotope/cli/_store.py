"""Runs one use case against the store, for commands that act and end."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from isotope.cli._failures import CommandError
from isotope.infra.config import load_config
from isotope.infra.runtime import Runtime
from isotope.kernel.errors import Refusal

T = TypeVar("T")


def run_use_case(use_case: Callable[[Runtime], Awaitable[T]]) -> T:
    """What the use case answers; the embedded store is started for it if none runs.

    Raises:
        CommandError: the use case refused, with its text and every fault; or the store is not migrated.
    """
    from isotope.infra.embedded import database_url
    from isotope.infra.migrate import pending

    config = load_config()
    with database_url(Path(config.data), config.database_url) as url:
        if pending(url):
            raise CommandError("the store is not in the state of this version: run `isotope migrate` first")
        try:
            return asyncio.run(_run(url, use_case))
        except Refusal as refusal:
            raise CommandError(_text_of(refusal)) from refusal


async def _run(url: str, use_case: Callable[[Runtime], Awaitable[T]]) -> T:
    from isotope.infra.clock import SystemClock
    from isotope.infra.db import Database
    from isotope.infra.hub import Hub
    from isotope.infra.jobs import Jobs

    database = Database(url, max_size=2)
    await database.open()
    try:
        # The hub stays silent: a command tells (NOTIFY), it does not listen.
        return await use_case(Runtime(db=database, clock=SystemClock(), hub=Hub(url), jobs=Jobs()))
    finally:
        await database.close()


def _text_of(refusal: Refusal) -> str:
    from isotope.kernel.texts import Texts

    faults = [f"  {fault.field}: {fault.info}" for fault in refusal.faults]
    return "\n".join([Texts().render(refusal.code, refusal.params), *faults])

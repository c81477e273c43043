"""What every long-running process does first: settings, logs, metrics, the store's address."""

import asyncio
import contextlib
import os
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import msgspec
import uvloop

from isotope.cli._failures import CommandError
from isotope.infra.config import Config, card_provider_of, load_config
from isotope.infra.log import configure_logging
from isotope.infra.signals import when_told_to_end


def prepare(process: str) -> Config:
    """Read the settings and set up this process.

    Args:
        process: its name in logs and metrics unless the supervisor gave one, such as `api-1`.

    Raises:
        ConfigError: a setting is wrong.
        CommandError: no store is configured and none runs in the data folder.
    """
    config = with_cards(with_store(load_config()))
    name = os.environ.setdefault("ISOTOPE_PROCESS", process)
    folder = Path(config.data) / "run" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    # Before anything imports the metrics: they bind to it then.
    os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder))
    configure_logging(config, name)
    return config


def with_store(config: Config) -> Config:
    """The settings with the store's address: the given one, or that of the server running in the data folder."""
    if config.database_url:
        return config
    from isotope.infra.embedded import running_url

    url = running_url(Path(config.data))
    if url is None:
        raise CommandError(
            f"no PostgreSQL runs in the data folder {config.data!r}: start one with `isotope up`, "
            "or set ISOTOPE_DATABASE_URL"
        )
    return msgspec.structs.replace(config, database_url=url)


def with_cards(config: Config) -> Config:
    """The settings with the test provider's address and keys: the given ones, or those in the data folder."""
    if card_provider_of(config) != "sandbox":
        return config
    from isotope.adapters.cards.sandbox_place import read_place

    place = read_place(Path(config.data))
    if place is None:
        return config
    return msgspec.structs.replace(
        config,
        sandbox_cards_url=config.sandbox_cards_url or place.url,
        sandbox_cards_key=config.sandbox_cards_key or place.key,
        sandbox_webhook_secret=config.sandbox_webhook_secret or place.webhook_secret,
    )


def run_until_stopped(main: Coroutine[Any, Any, None]) -> None:
    """Run in uvloop; SIGTERM and SIGINT cancel `main`, which then cleans up and ends."""

    async def cancelled_by_signals() -> None:
        task = asyncio.ensure_future(main)
        with when_told_to_end(task.cancel), contextlib.suppress(asyncio.CancelledError):
            await task

    uvloop.run(cancelled_by_signals())

"""`isotope sandbox-cards`."""

import fcntl
import os
import socket
from pathlib import Path
from typing import Annotated

import typer

from isotope.cli._failures import CommandError
from isotope.cli._process import run_until_stopped
from isotope.infra.config import load_config


def command(
    port: Annotated[
        int | None, typer.Option(min=0, max=65535, help="default ISOTOPE_SANDBOX_CARDS_PORT; 0: a free one")
    ] = None,
    webhook_url: Annotated[
        str | None, typer.Option(help="where webhooks go; default: to the API at ISOTOPE_PUBLIC_URL")
    ] = None,
    descriptor: Annotated[
        int | None, typer.Option("--fd", help="a listening socket to take over (given by `isotope up`)", hidden=True)
    ] = None,
) -> None:
    """Run a card provider to try things with: test cards, its own pages, signed webhooks, and no money.

    `isotope up` runs one in demo and test mode. It listens on ISOTOPE_HOST and keeps what it knows in ISOTOPE_DATA.

    Example:

        ISOTOPE_MODE=test isotope sandbox-cards --port 8090
    """
    config = load_config()
    if config.mode == "production":
        raise CommandError("the test provider takes no money, so production refuses it; set ISOTOPE_MODE=test")
    from isotope.adapters.cards.sandbox_place import claim_place, sandbox_folder
    from isotope.card_sandbox import Sandbox, SandboxSettings, serve
    from isotope.card_sandbox.store import Store
    from isotope.infra.clock import SystemClock
    from isotope.infra.config import public_url_of, url_of
    from isotope.infra.log import configure_logging
    from isotope.supervisor.ports import listen

    configure_logging(config, os.environ.setdefault("ISOTOPE_PROCESS", "sandbox-cards"))
    asked = config.sandbox_cards_port if port is None else port
    listening = socket.socket(fileno=descriptor) if descriptor is not None else listen(config.host, asked)
    os.set_inheritable(listening.fileno(), False)
    data = Path(config.data)
    # Held until the process ends, however it does.
    lock = _lock(sandbox_folder(data))
    place = claim_place(
        data,
        config.sandbox_cards_url or url_of(config.host, listening.getsockname()[1]),
        key=config.sandbox_cards_key,
        webhook_secret=config.sandbox_webhook_secret,
    )
    if descriptor is None:
        typer.echo(f"the test provider listens on {place.url}")
    store = Store(sandbox_folder(data) / "cards.sqlite")
    settings = SandboxSettings(
        key=place.key,
        webhook_secret=place.webhook_secret,
        webhook_url=webhook_url or f"{public_url_of(config)}/webhooks/cards/sandbox",
    )
    try:
        run_until_stopped(serve(Sandbox(store, SystemClock(), settings), listening))
    finally:
        store.close()
        os.close(lock)


def _lock(folder: Path) -> int:
    folder.mkdir(parents=True, exist_ok=True)
    lock = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(lock)
        raise CommandError(f"a test provider runs on {folder} already; stop it, or set ISOTOPE_DATA") from error
    return lock

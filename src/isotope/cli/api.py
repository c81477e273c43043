"""`isotope api`."""

import os
import socket
from typing import Annotated

import typer

from isotope.cli._process import prepare


def command(
    descriptor: Annotated[
        int | None, typer.Option("--fd", help="a listening socket to take over (given by `isotope up`)", hidden=True)
    ] = None,
) -> None:
    """Run one API process on ISOTOPE_HOST and ISOTOPE_PORT.

    Example:

        ISOTOPE_DATABASE_URL=postgresql://isotope@db/isotope ISOTOPE_PORT=8080 isotope api
    """
    config = prepare("api")
    import uvicorn

    from isotope.supervisor.ports import listen
    from isotope.wiring import create_app

    listening = listen(config.host, config.port) if descriptor is None else socket.socket(fileno=descriptor)
    os.set_inheritable(listening.fileno(), False)
    server = uvicorn.Server(
        uvicorn.Config(
            create_app(config),
            loop="uvloop",
            http="httptools",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whose X-Forwarded-For is believed is our own setting.
            proxy_headers=False,
            # A start waits up to 14 s for the vehicle's word; it is let finish.
            timeout_graceful_shutdown=16,
            timeout_keep_alive=65,
        )
    )
    server.run(sockets=[listening])
    if not server.started:
        raise SystemExit(1)

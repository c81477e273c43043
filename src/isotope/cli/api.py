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
    import uvloop

    from isotope.api.demo_keys import refuse_demo_keys
    from isotope.api.serve import serve
    from isotope.supervisor.ports import listen
    from isotope.wiring import create_app, open_services

    listening = listen(config.host, config.port) if descriptor is None else socket.socket(fileno=descriptor)
    os.set_inheritable(listening.fileno(), False)

    async def main() -> None:
        async with open_services(config) as services:
            await refuse_demo_keys(config, services.rt)
            await serve(create_app(services), listening)

    uvloop.run(main())

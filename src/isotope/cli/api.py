"""`isotope api`."""

import gc
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
    # Nothing of what is imported and loaded until the first request is garbage: it is not looked through for any.
    gc.disable()
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
            app = create_app(services)
            gc.freeze()
            gc.enable()
            await serve(app, listening, services.streams.end)

    uvloop.run(main())

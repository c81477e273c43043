"""The application behind a real socket, in a thread of its own, for clients that block."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import uvicorn

from isotope.infra.clock import SystemClock
from isotope.infra.db import Database
from isotope.infra.hub import Hub
from isotope.infra.jobs import Jobs
from isotope.infra.runtime import Runtime
from tests.kit.http import run_api
from tests.kit.samples import World, make_world

_WAIT_S = 60.0


@dataclass(slots=True)
class Served:
    """Where it listens, and an operator with something of everything."""

    address: tuple[str, int]
    world: World

    @property
    def url(self) -> str:
        return f"http://{self.address[0]}:{self.address[1]}"


@contextmanager
def serve(database_url: str, folder: Path, *, stream_s: float = 0.0) -> Iterator[Served]:
    """Serve until the block ends."""
    listening = socket.create_server(("127.0.0.1", 0))
    ready = threading.Event()
    told: list[Served | BaseException] = []
    servers: list[uvicorn.Server] = []

    async def run() -> None:
        db = Database(database_url)
        await db.open()
        try:
            rt = Runtime(db=db, clock=SystemClock(), hub=Hub(database_url), jobs=Jobs())
            async with run_api(rt, folder, stream_s=stream_s) as api:
                world = await make_world(rt)
                config = uvicorn.Config(
                    api.app, http="httptools", ws="none", lifespan="on", log_config=None, access_log=False
                )
                server = uvicorn.Server(config)
                servers.append(server)
                told.append(Served(listening.getsockname(), world))
                ready.set()
                await server.serve(sockets=[listening])
        finally:
            await db.close()

    def work() -> None:
        try:
            asyncio.run(run())
        except BaseException as error:  # noqa: BLE001 - told to the test
            told.append(error)
            ready.set()

    thread = threading.Thread(target=work, name="server", daemon=True)
    thread.start()
    assert ready.wait(_WAIT_S)
    if isinstance(told[0], BaseException):
        raise told[0]
    try:
        yield told[0]
    finally:
        servers[0].should_exit = True
        thread.join(_WAIT_S)
        assert not thread.is_alive()

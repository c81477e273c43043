"""The process: uvicorn on a listening socket."""

import contextlib
import socket
from collections.abc import Iterator
from typing import Final

import uvicorn

from isotope.card_sandbox.app import Sandbox
from isotope.infra.signals import when_told_to_end

# Requests that hang on purpose are not waited for.
_GRACE_S: Final = 1


class _Server(uvicorn.Server):
    """Stops on a signal without repeating it, so that the store is closed in order."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with when_told_to_end(self.stop):
            yield

    def stop(self) -> None:
        self.should_exit = True


def make_config(sandbox: Sandbox) -> uvicorn.Config:
    """How uvicorn serves it."""
    return uvicorn.Config(
        sandbox,
        http="httptools",
        ws="none",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_GRACE_S,
    )


async def serve(sandbox: Sandbox, listening: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT."""
    await _Server(make_config(sandbox)).serve(sockets=[listening])

"""The HTTP server of one API process: uvicorn on a socket that is listening already."""

import contextlib
import socket
from collections.abc import Callable, Iterator
from typing import Any, Final

import uvicorn

from isotope.infra.signals import when_told_to_end

# A start waits up to 14 s for the vehicle's word; on a stop it is let finish.
_GRACE_S: Final = 16
# Longer than the usual 60 s of load balancers, so that they close first.
_KEEP_ALIVE_S: Final = 65


class _Server(uvicorn.Server):
    """Stops on a signal without repeating it: what was opened around the server is to be closed in order."""

    def __init__(self, config: uvicorn.Config, on_stop: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_stop = on_stop

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        with when_told_to_end(self._stop):
            yield

    def _stop(self) -> None:
        self.force_exit = self.should_exit
        self.should_exit = True
        self._on_stop()


async def serve(app: Any, listening: socket.socket, on_stop: Callable[[], None]) -> None:
    """Serve the ASGI application until SIGTERM or SIGINT; requests being answered are finished first.

    `on_stop` is called when it begins to stop: it ends what would go on by itself.
    """
    server = _Server(
        uvicorn.Config(
            app,
            http="httptools",
            ws="none",
            lifespan="on",
            log_config=None,
            access_log=False,
            server_header=False,
            # Whose X-Forwarded-For is believed is our own setting.
            proxy_headers=False,
            timeout_graceful_shutdown=_GRACE_S,
            timeout_keep_alive=_KEEP_ALIVE_S,
        ),
        on_stop,
    )
    await server.serve(sockets=[listening])

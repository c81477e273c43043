"""Sockets that the supervisor opens for its children."""

import errno
import socket
from typing import Final

BACKLOG: Final = 2_048


class PortTakenError(Exception):
    """The port cannot be listened on; the message says how to choose another."""


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; port 0 takes a free one.

    One socket shared by all API processes: the kernel hands each connection to a process that waits, and a process
    that restarts loses none of the connections in the queue.

    Raises:
        PortTakenError: somebody listens there, or the address is not one of this machine.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    try:
        listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listening.bind((host, port))
        listening.listen(BACKLOG)
    except OSError as error:
        listening.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(
                f"port {port} of {host} is in use by another program; choose another with PORT={_next(port)} "
                f"(`make run PORT={_next(port)}`) or ISOTOPE_PORT={_next(port)}"
            ) from error
        if error.errno == errno.EACCES:
            raise PortTakenError(f"port {port} is reserved for root; choose one above 1023 with PORT=8080") from error
        raise PortTakenError(f"cannot listen on {host} port {port}: {error.strerror or error}") from error
    listening.setblocking(False)
    return listening


def free_port(host: str, port: int) -> int:
    """The port itself if it is free, or any free one for 0; the caller's child will open it.

    Raises:
        PortTakenError: it is in use.
    """
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise PortTakenError(
                f"port {port} of {host} is in use by another program; choose another gateway port with "
                "ISOTOPE_GATEWAY_PORT (0 takes a free one)"
            ) from error
        return int(probe.getsockname()[1])


def _next(port: int) -> int:
    return port + 1 if port < 65_535 else port - 1  # noqa: PLR2004 - the last port

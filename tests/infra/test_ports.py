"""Sockets of the supervisor."""

import socket

import pytest

from isotope.supervisor import PortTakenError, free_port, listen


def test_a_busy_port_is_refused_with_another_to_choose() -> None:
    with socket.create_server(("127.0.0.1", 0)) as busy:
        port = busy.getsockname()[1]
        with pytest.raises(PortTakenError, match=rf"port {port} of 127\.0\.0\.1 is in use.*PORT={port + 1}"):
            listen("127.0.0.1", port)
        with pytest.raises(PortTakenError, match="ISOTOPE_GATEWAY_PORT"):
            free_port("127.0.0.1", port)


def test_port_0_takes_a_free_one() -> None:
    with listen("127.0.0.1", 0) as listening, socket.create_connection(listening.getsockname()):
        assert listening.getsockname()[1] > 0
    assert free_port("127.0.0.1", 0) > 0


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(PortTakenError, match=r"192\.0\.2\.1"):
        listen("192.0.2.1", 0)

"""Over a real socket: what only a server and a wire can show."""

import contextlib
import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kit.server import Served, serve

PATH = "/openapi/v1.0/user/get-user-data"


@pytest.fixture(scope="module")
def served(module_database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("api")
    with serve(module_database_url, folder) as running:
        yield running


def talk(served: Served, request: bytes) -> tuple[int, dict[str, str], bytes]:
    """One request on a connection of its own; status, headers and body."""
    with socket.create_connection(served.address, timeout=20) as connection:
        connection.sendall(request)
        answer = b""
        while chunk := connection.recv(65_536):
            answer += chunk
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return int(status.split(" ")[1]), headers, body


def head(method: str, path: str, served: Served, *more: str) -> bytes:
    lines = [
        f"{method} {path} HTTP/1.1",
        "Host: isotope.test",
        "Connection: close",
        f"App-Public-Key: {served.world.key}",
        f"Authorization: {served.world.rider.token}",
        *more,
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def test_a_call(served: Served) -> None:
    status, headers, body = talk(
        served, head("POST", PATH, served, "Content-Type: application/json", "Content-Length: 2") + b"{}"
    )
    assert status == 200
    assert headers["content-type"] == "application/json"
    assert int(headers["content-length"]) == len(body)
    assert json.loads(body)["user_id"] == served.world.rider.id


def test_a_body_in_chunks(served: Served) -> None:
    chunks = b"1\r\n{\r\n" + b"1\r\n}\r\n" + b"0\r\n\r\n"
    status, _headers, body = talk(served, head("POST", PATH, served, "Transfer-Encoding: chunked") + chunks)
    assert (status, json.loads(body)["user_id"]) == (200, served.world.rider.id)


def test_a_body_that_says_it_is_too_large_is_not_read(served: Served) -> None:
    status, _headers, body = talk(served, head("POST", PATH, served, "Content-Length: 99999999999"))
    assert (status, json.loads(body)["code"]) == (413, "body_too_large")


def test_endless_chunks_end(served: Served) -> None:
    with socket.create_connection(served.address, timeout=20) as connection:
        connection.sendall(head("POST", PATH, served, "Transfer-Encoding: chunked"))
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        sent = 0
        answer = b""
        try:
            while sent < 64:
                connection.sendall(chunk)
                sent += 1
        except (BrokenPipeError, ConnectionResetError):
            pass
        with contextlib.suppress(ConnectionResetError):
            answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 413") or sent < 64


def test_head_has_no_body(served: Served) -> None:
    status, headers, body = talk(served, head("HEAD", "/health/live", served))
    assert (status, body) == (200, b"")
    assert int(headers["content-length"]) > 0


def test_what_is_no_http(served: Served) -> None:
    status, _headers, _body = talk(served, b"\x16\x03\x01\x00\xff\r\n\r\n")
    assert status == 400


def test_a_caller_who_hangs_up_is_forgotten(served: Served) -> None:
    with socket.create_connection(served.address, timeout=20) as connection:
        connection.sendall(head("POST", PATH, served, "Content-Length: 50") + b"{")
    status, _headers, _body = talk(served, head("GET", "/health/live", served))
    assert status == 200

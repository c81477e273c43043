"""Starts `isotope up` with the demo city on free ports and a data folder of its own, and stops all of it."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from isotope.infra.embedded import running_url
from tests.kit import maps
from tests.kit.postgres import create_database, drop_database, with_database

DEMO_CITY: Final = Path(__file__).parents[3] / "src" / "isotope" / "demo_city"
_READY_S: Final = 90.0
_STOP_S: Final = 45.0


@dataclass(frozen=True, slots=True)
class System:
    """Where a running system is.

    Attributes:
        pid: of the supervisor; its children are the processes.
        ready_s: how long it took from the start until the demo operator answered.
    """

    api: str
    gateway_host: str
    gateway_port: int
    data: Path
    database_url: str
    pid: int
    ready_s: float

    def environ(self) -> dict[str, str]:
        """For commands that are to find it."""
        return {
            **_clean_environ(),
            "ISOTOPE_MODE": "demo",
            "ISOTOPE_API_URL": self.api,
            "ISOTOPE_GATEWAY_HOST": self.gateway_host,
            "ISOTOPE_GATEWAY_PORT": str(self.gateway_port),
            "ISOTOPE_DATA": str(self.data),
            "ISOTOPE_DATABASE_URL": self.database_url,
        }


class SystemFailedError(Exception):
    """It did not come up or did not stop; the message has the end of what it said."""


@contextmanager
def running_system(
    data: Path, *, simulate: bool = False, settings: Mapping[str, str] | None = None
) -> Iterator[System]:
    """A demo system without traffic of its own (unless `simulate`); stopped and checked at the end.

    `ISOTOPE_TEST_DATABASE_URL` names a server to make its database on; otherwise the embedded one is used.

    Raises:
        SystemFailedError: it does not come up, or does not end by itself when told to.
    """
    with _database() as given_url:
        port, gateway_port = free_port(), free_port()
        environ = _clean_environ() | {
            "ISOTOPE_MODE": "demo",
            "ISOTOPE_PORT": str(port),
            "ISOTOPE_GATEWAY_PORT": str(gateway_port),
            "ISOTOPE_DATA": str(data),
            "ISOTOPE_MAP_DOWNLOADS": str(maps.cache()),
            **({"ISOTOPE_DATABASE_URL": given_url} if given_url else {}),
            **(settings or {}),
        }
        data.mkdir(parents=True, exist_ok=True)
        said = data / "up.log"
        command = [sys.executable, "-m", "isotope", "up", "--simulate" if simulate else "--no-simulate"]
        began = time.monotonic()
        with said.open("wb") as out:
            process = subprocess.Popen(
                command, env=environ, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True
            )
        try:
            _wait_ready(process, f"http://127.0.0.1:{port}", gateway_port, said)
            yield System(
                api=f"http://127.0.0.1:{port}",
                gateway_host="127.0.0.1",
                gateway_port=gateway_port,
                data=data,
                database_url=given_url or running_url(data) or "",
                pid=process.pid,
                ready_s=time.monotonic() - began,
            )
        finally:
            _stop(process, said)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def _database() -> Iterator[str]:
    server = os.environ.get("ISOTOPE_TEST_DATABASE_URL", "")
    if not server:
        yield ""
        return
    url = with_database(server, f"isotope_journey_{uuid.uuid4().hex[:12]}")
    create_database(url)
    try:
        yield url
    finally:
        drop_database(url)


def _clean_environ() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")}


def _wait_ready(process: "subprocess.Popen[bytes]", api: str, gateway_port: int, said: Path) -> None:
    deadline = time.monotonic() + _READY_S
    while not (
        _answers(f"{api}/health/ready")
        and _answers(f"{api}/openapi/v1.0/sharing/get-zones", b"{}")
        and _listens(gateway_port)
        # Until it says so the supervisor takes a dead process for a failed start.
        and "Ctrl-C" in said.read_text(errors="replace")
    ):
        if process.poll() is not None:
            raise SystemFailedError(f"`isotope up` ended with {process.returncode}:\n{_tail(said)}")
        if time.monotonic() > deadline:
            raise SystemFailedError(f"not ready after {_READY_S:.0f} s:\n{_tail(said)}")
        time.sleep(0.02)


def _answers(url: str, body: bytes | None = None) -> bool:
    headers = {"App-Public-Key": "demo-public", "Content-Type": "application/json"}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - our own address
    try:
        with urllib.request.urlopen(request, timeout=2) as answer:  # noqa: S310
            return int(answer.status) < 300
    except (OSError, urllib.error.URLError):
        return False


def _listens(port: int) -> bool:
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2):
            return True
    except OSError:
        return False


def _stop(process: "subprocess.Popen[bytes]", said: Path) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGINT)
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        raise SystemFailedError(f"did not stop in {_STOP_S:.0f} s:\n{_tail(said)}") from None


def _tail(said: Path) -> str:
    return "\n".join(said.read_text(errors="replace").splitlines()[-25:])

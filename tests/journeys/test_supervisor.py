"""`isotope up` as its owner meets it: killed children, killed supervisor, busy ports, Ctrl-C."""

import os
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.journeys.kit.system import System, running_system
from tests.kit import maps
from tests.kit.waiting import wait_until

pytestmark = pytest.mark.journey

NAMES = ("sandbox-cards", "api", "gateway", "worker", "simulate")
LIMIT_S = 60.0


def _command_line(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []


def _children(pid: int) -> dict[str, int]:
    """Name -> number of the supervisor's living children; `postgres` for the embedded server."""
    found: dict[str, int] = {}
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            words = _command_line(int(child))
            if "isotope" in words:
                found[words[words.index("isotope") + 1]] = int(child)
            elif words and words[0].endswith("/postgres"):
                found["postgres"] = int(child)
    return found


def _is_ready(system: System) -> bool:
    try:
        with urllib.request.urlopen(f"{system.api}/health/ready", timeout=2) as answer:  # noqa: S310 - our own address
            return bool(answer.status == 200)
    except (OSError, urllib.error.URLError):
        return False


def _accepts(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _up(data: Path, **settings: str) -> subprocess.CompletedProcess[str]:
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")}
    return subprocess.run(
        [sys.executable, "-m", "isotope", "up", "--data", str(data)],
        env={**environ, "ISOTOPE_MODE": "demo", "ISOTOPE_MAP_DOWNLOADS": str(maps.cache()), **settings},
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )


def test_what_dies_is_started_again_and_ctrl_c_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_system(data, simulate=True) as system:
        wait_until(lambda: set(NAMES) <= set(_children(system.pid)), "all processes run", LIMIT_S)
        before = _children(system.pid)
        for name, pid in before.items():
            os.kill(pid, signal.SIGKILL)
            wait_until(
                lambda name=name, pid=pid: _children(system.pid).get(name, pid) != pid,  # type: ignore[misc]
                f"{name} is started again",
                LIMIT_S,
            )
            wait_until(lambda: _is_ready(system), f"ready after the death of {name}", LIMIT_S)
            wait_until(lambda: _accepts(system.gateway_port), f"units are let in after the death of {name}", LIMIT_S)
        after = _children(system.pid)
        assert set(after) == set(before)

        refused = _up(data, ISOTOPE_PORT="0")
        assert refused.returncode == 1
        assert f"process {system.pid} runs on the data folder {data} already" in refused.stderr
        assert "DATA=" in refused.stderr

        port = system.api.rpartition(":")[2]
        refused = _up(tmp_path / "other", ISOTOPE_PORT=port)
        assert refused.returncode == 1
        assert f"port {port} of 127.0.0.1 is in use" in refused.stderr
        assert "PORT=" in refused.stderr
    for name, pid in after.items():
        assert not _command_line(pid), f"{name} is left behind"
    assert not _accepts(system.gateway_port)
    assert not (data / "postgres.json").exists()
    assert not (data / "postgres" / "postmaster.pid").exists()


def test_children_of_a_killed_supervisor_end_and_the_next_start_takes_over(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")}
    environ |= {"ISOTOPE_MODE": "demo", "ISOTOPE_PORT": "0", "ISOTOPE_DATA": str(data)}
    environ["ISOTOPE_MAP_DOWNLOADS"] = str(maps.cache())
    with subprocess.Popen(
        [sys.executable, "-m", "isotope", "up", "--no-simulate"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as supervisor:
        assert supervisor.stdout is not None
        said = ""
        for line in supervisor.stdout:
            said += line
            if "Ctrl-C" in line:
                break
        assert "demo-public" in said, said
        children = _children(supervisor.pid)
        assert {"sandbox-cards", "api", "gateway", "worker", "postgres"} == set(children)
        supervisor.kill()
    for name, pid in children.items():
        wait_until(lambda pid=pid: not _command_line(pid), f"{name} noticed", LIMIT_S)  # type: ignore[misc]
    with running_system(data) as system:
        assert _is_ready(system)


def test_two_instances_side_by_side(tmp_path: Path) -> None:
    with running_system(tmp_path / "one") as one, running_system(tmp_path / "two") as two:
        assert one.api != two.api
        assert one.gateway_port != two.gateway_port
        assert _is_ready(one)
        assert _is_ready(two)

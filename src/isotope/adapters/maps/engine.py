"""The road engine as a child of this process: started when there is a graph, again when it dies or the graph is new."""

import asyncio
import contextlib
import fcntl
import os
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Final

import structlog

from isotope.adapters.maps.graphs import RoadPlace, current_graph, maps_folder, program_of, write_place
from isotope.infra.tasks import end_task

_log = structlog.get_logger(__name__)

_LOOK_S: Final = 1.0
_READY_S: Final = 60.0
_POLL_S: Final = 0.05
_GRACE_S: Final = 3.0
_BACKOFF_S: Final = (0.5, 1.0, 2.0, 5.0, 15.0, 60.0)
_STEADY_S: Final = 30.0
# 100 sources and 100 targets in one question.
_MOST_TABLE: Final = "250"
# Becomes the program in `sys.argv`, which the kernel ends with this process, however that dies (PR_SET_PDEATHSIG, KILL).
_DIE_WITH_US: Final = """
import ctypes, os, sys
if sys.platform == "linux":
    ctypes.CDLL(None).prctl(1, 9)
if os.getppid() == int(sys.argv[1]):
    os.execv(sys.argv[2], sys.argv[2:])
"""


@contextlib.asynccontextmanager
async def road_engine(data: Path) -> AsyncIterator[None]:
    """While this lasts the engine runs whenever there is a graph, once for the data folder."""
    task = asyncio.create_task(_run(data), name="road engine")
    try:
        yield
    finally:
        await end_task(task)


async def _run(data: Path) -> None:
    failures = 0
    maps_folder(data).mkdir(parents=True, exist_ok=True)
    with (maps_folder(data) / "engine.lock").open("w") as lock:
        while True:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                # Another worker runs it; this one does when that one is gone.
                await asyncio.sleep(_LOOK_S)
        write_place(data, None)
        while True:
            graph = current_graph(data)
            if graph is None:
                await asyncio.sleep(_LOOK_S)
                continue
            began = time.monotonic()
            is_new = await _serve(data, graph)
            failures = 0 if is_new or time.monotonic() - began > _STEADY_S else failures + 1
            if failures:
                await asyncio.sleep(_BACKOFF_S[min(failures, len(_BACKOFF_S)) - 1])


async def _serve(data: Path, graph: Path) -> bool:
    """Until it dies (False) or there is another graph (True)."""
    port = _free_port()
    child = _start(data, graph, port)
    try:
        deadline = time.monotonic() + _READY_S
        while child.poll() is None and not _listens(port):
            if time.monotonic() > deadline:
                _log.warning("roads.slow", limit_s=_READY_S)
                return False
            await asyncio.sleep(_POLL_S)
        if child.poll() is None:
            write_place(data, RoadPlace(f"http://127.0.0.1:{port}"))
            _log.info("roads.started", port=port, pid=child.pid)
        while child.poll() is None:
            await asyncio.sleep(_LOOK_S)
            if current_graph(data) not in {graph, None}:
                return True
        _log.warning("roads.ended", code=child.returncode)
        return False
    finally:
        write_place(data, None)
        await _stop(child)


def _start(data: Path, graph: Path, port: int) -> "subprocess.Popen[bytes]":
    command = [str(program_of(graph)), "--algorithm", "mld", "--ip", "127.0.0.1", "--port", str(port)]
    command += ["--max-table-size", _MOST_TABLE, "--threads", str(min(4, os.cpu_count() or 1)), str(graph)]
    log_path = data / "logs" / "roads.log"
    log_path.parent.mkdir(parents=True, exist_ok=True)
    with log_path.open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-c", _DIE_WITH_US, str(os.getpid()), *command],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=0,
        )


async def _stop(child: "subprocess.Popen[bytes]") -> None:
    child.terminate()
    try:
        await asyncio.to_thread(child.wait, _GRACE_S)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _listens(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=0.2):
        return True
    return False

"""API processes on a store that was filled for them."""

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.journeys.kit.system import free_port

from bench.load import Connection

_START_S: Final = 60.0


@dataclass(slots=True)
class Api:
    url: str
    ready_s: float
    process: asyncio.subprocess.Process


@asynccontextmanager
async def running_api(database_url: str, data: Path, number: int) -> AsyncIterator[Api]:
    """One `isotope api`, and how long it took from its command to the first answer with the whole fleet in memory."""
    port = free_port()
    environ = {name: value for name, value in os.environ.items() if not name.startswith("ISOTOPE_")} | {
        "ISOTOPE_MODE": "test",
        "ISOTOPE_CARDS": "none",
        "ISOTOPE_DATABASE_URL": database_url,
        "ISOTOPE_DATA": str(data),
        "ISOTOPE_PORT": str(port),
        "ISOTOPE_PROCESS": f"api-{number}",
    }
    began = time.monotonic()
    with (data / f"api-{number}.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "isotope", "api", env=environ, stdout=log, stderr=log
        )
    try:
        url = f"http://127.0.0.1:{port}"
        await _ready(url)
        yield Api(url, time.monotonic() - began, process)
    finally:
        with suppress(ProcessLookupError):
            process.terminate()
        await process.wait()


async def _ready(url: str) -> None:
    """Until `/health/ready` says so."""
    async with asyncio.timeout(_START_S):
        while True:
            with suppress(OSError, asyncio.IncompleteReadError, Exception):
                connection = await Connection.open(url)
                try:
                    await connection.call(b"GET /health/ready HTTP/1.1\r\nHost: bench\r\n\r\n")
                    return
                finally:
                    await connection.close()
            await asyncio.sleep(0.01)


def keyed(request: bytes, key: str) -> bytes:
    """A request of `bench.load` to another operator than the demo's."""
    return request.replace(b"App-Public-Key: demo-public", f"App-Public-Key: {key}".encode())

"""The server of one process: what it ends when it is told to stop."""

import asyncio
import os
import signal
import socket
from pathlib import Path

import httpx2

from isotope.api.serve import serve
from isotope.infra.runtime import Runtime
from tests.kit.clock import SettableClock
from tests.kit.http import credentials, run_api
from tests.kit.passengers import TAXI, make_passenger

_WAIT_S = 12.0  # less than the server waits for what does not end


async def test_a_stop_ends_streams_and_does_not_wait_for_them(
    rt: Runtime, clock: SettableClock, tmp_path: Path
) -> None:
    listening = socket.create_server(("127.0.0.1", 0))
    host, port = listening.getsockname()
    async with run_api(rt, tmp_path, stream_s=60.0) as api:
        rita = await make_passenger(api, clock)
        ride_id = await rita.order()
        serving = asyncio.create_task(serve(api.app, listening, api.services.streams.end))
        headers = credentials(rita.kit.public_key, rita.rider.token)
        async with (
            httpx2.AsyncClient(base_url=f"http://{host}:{port}", headers=headers, timeout=20) as client,
            client.stream("GET", f"{TAXI}/ride-stream", params={"ride_id": ride_id}) as answer,
        ):
            lines = answer.aiter_lines()
            while not (await anext(lines)).startswith("data: "):
                pass
            os.kill(os.getpid(), signal.SIGTERM)
            async with asyncio.timeout(_WAIT_S):
                assert [line async for line in lines] == [""]
        async with asyncio.timeout(_WAIT_S):
            await serving

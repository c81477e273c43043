"""A gateway of a few lines, for the units to talk to."""

import asyncio
import json
from typing import Any, Self


class FakeGateway:
    """Welcomes everybody, confirms every report at once (unless `confirms` is off), remembers what it was told."""

    def __init__(self) -> None:
        self.reports: list[dict[str, Any]] = []
        self.acks: list[dict[str, Any]] = []
        self.hellos: list[dict[str, Any]] = []
        self.confirms = True
        self.refuses = False
        self.interval_s = 60
        self.said = asyncio.Event()
        self._writers: dict[str, asyncio.StreamWriter] = {}
        self._server: asyncio.Server | None = None
        self.port = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.die()

    async def die(self) -> None:
        """As with kill -9: the port is closed and every connection breaks."""
        if self._server is not None:
            self._server.close()
            for writer in self._writers.values():
                writer.transport.abort()
            await self._server.wait_closed()
            self._server = None

    def send(self, identity: str, frame: dict[str, Any]) -> None:
        self._writers[identity].write(json.dumps(frame).encode() + b"\n")

    async def until(self, condition: Any, timeout_s: float = 5.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not condition():
                self.said.clear()
                await self.said.wait()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        identity = ""
        try:
            while line := await reader.readline():
                frame = json.loads(line)
                match frame["t"]:
                    case "hello":
                        identity = frame["id"]
                        self.hellos.append(frame)
                        if self.refuses:
                            writer.write(b'{"t":"refused","reason":"unknown"}\n')
                            break
                        self._writers[identity] = writer
                        self.send(identity, {"t": "welcome", "at": 0, "interval_s": self.interval_s})
                    case "report":
                        self.reports.append({"event": "periodic", "buffered": False, **frame})
                        if self.confirms:
                            self.send(identity, {"t": "ok", "seq": frame["seq"]})
                    case "ack":
                        self.acks.append(frame)
                self.said.set()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()
            self.said.set()

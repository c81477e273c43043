"""A local HTTP server that speaks as much of Twilio's Messages API as a sender of texts meets.

It checks what Twilio checks (path, Basic credentials, form fields) and answers in Twilio's words. Bytes on a real
socket, so that time-outs and dropped connections are real too.
"""

import asyncio
import json
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal
from urllib.parse import parse_qs

ACCOUNT: Final = "AC00000000000000000000000000000001"
TOKEN: Final = "twilio-token"
SENDER: Final = "+358401000000"
# Twilio's own magic number for test credentials.
INVALID_NUMBER: Final = "+15005550001"

Fault = Literal["hang", "hang up"]


@dataclass(slots=True)
class Answer:
    """What the server says instead of looking at the request."""

    status: int
    body: bytes

    @staticmethod
    def error(status: int, code: int, message: str = "Sorry.") -> "Answer":
        return Answer(status, json.dumps({"code": code, "message": message, "status": status}).encode())


@dataclass(slots=True)
class TwilioServer:
    """`messages` is what was accepted; `requests` counts everything that arrived; `script` is used up first."""

    url: str = ""
    messages: list[dict[str, str]] = field(default_factory=list)
    requests: int = 0
    script: list[Answer | Fault] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await self._head(reader)) is not None:
                request_line, headers = head
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                self.requests += 1
                step = self.script.pop(0) if self.script else None
                if step == "hang up":
                    return
                if step == "hang":
                    await reader.read()  # until the client gives up
                    return
                answer = step if isinstance(step, Answer) else self._look_at(request_line, headers, body)
                head_bytes = (
                    f"HTTP/1.1 {answer.status} X\r\nContent-Type: application/json\r\n"
                    f"Content-Length: {len(answer.body)}\r\n\r\n"
                ).encode()
                writer.write(head_bytes + answer.body)
                await writer.drain()
        finally:
            writer.close()

    @staticmethod
    async def _head(reader: asyncio.StreamReader) -> tuple[str, dict[str, str]] | None:
        try:
            raw = await reader.readuntil(b"\r\n\r\n")
        except (asyncio.IncompleteReadError, ConnectionResetError):
            return None
        request_line, *lines = raw.decode("latin-1").rstrip().split("\r\n")
        pairs = (line.split(":", 1) for line in lines)
        return request_line, {name.strip().lower(): value.strip() for name, value in pairs}

    def _look_at(self, request_line: str, headers: dict[str, str], body: bytes) -> Answer:
        if request_line != f"POST /2010-04-01/Accounts/{ACCOUNT}/Messages.json HTTP/1.1":
            return Answer.error(404, 20404)
        if headers.get("authorization") != f"Basic {b64encode(f'{ACCOUNT}:{TOKEN}'.encode()).decode()}":
            return Answer.error(401, 20003, "Authenticate")
        if headers.get("content-type") != "application/x-www-form-urlencoded":
            return Answer.error(400, 20001)
        form = {name: values[-1] for name, values in parse_qs(body.decode(), keep_blank_values=True).items()}
        refused = _refusal(form)
        if refused is not None:
            return refused
        self.messages.append(form)
        made: dict[str, Any] = {"sid": f"SM{len(self.messages):032x}", "status": "queued", **form}
        return Answer(201, json.dumps(made).encode())


def _refusal(form: dict[str, str]) -> Answer | None:
    to = form.get("To", "")
    if not to.startswith("+") or not to[1:].isdecimal() or to == INVALID_NUMBER:
        return Answer.error(400, 21211, f"The 'To' number {to} is not a valid phone number.")
    if ("From" in form) == ("MessagingServiceSid" in form):
        return Answer.error(400, 21603, "A 'From' phone number is required.")
    if not form.get("Body"):
        return Answer.error(400, 21602, "Message body is required.")
    return None


@asynccontextmanager
async def running_twilio(port: int = 0) -> AsyncIterator[TwilioServer]:
    """The server on this port (0: a free one), closed with everything on it when the block ends."""
    twilio = TwilioServer()
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        await twilio.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    twilio.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield twilio
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()

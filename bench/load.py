"""A load generator that costs little: keep-alive connections, requests as ready bytes, answers by Content-Length."""

import asyncio
import json
import uuid
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Self
from urllib.parse import urlsplit

_TIMEOUT_S: Final = 20.0


class HttpFailedError(Exception):
    """The answer was not the expected one."""


def json_request(path: str, body: Mapping[str, Any], token: str = "") -> bytes:
    """A POST with a JSON body, as bytes."""
    return _request(path, json.dumps(body).encode(), "application/json", token)


def form_request(path: str, fields: Mapping[str, Any], token: str) -> bytes:
    """A POST with a multipart body, as bytes."""
    boundary = uuid.uuid4().hex
    parts = [
        f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    body = "".join([*parts, f"--{boundary}--\r\n"]).encode()
    return _request(path, body, f"multipart/form-data; boundary={boundary}", token)


def _request(path: str, body: bytes, content_type: str, token: str) -> bytes:
    head = [
        f"POST {path} HTTP/1.1",
        "Host: bench",
        "App-Public-Key: demo-public",
        f"Content-Type: {content_type}",
        f"Content-Length: {len(body)}",
    ]
    if token:
        head.append(f"Authorization: Bearer {token}")
    return "\r\n".join([*head, "", ""]).encode() + body


class Connection:
    """One kept-alive connection; one request at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, url: str) -> Self:
        parts = urlsplit(url)
        return cls(*await asyncio.open_connection(parts.hostname, parts.port))

    async def call(self, request: bytes) -> bytes:
        """The body of the answer; empty if it says that the caller has it already (304).

        Raises:
            HttpFailedError: its status is neither 2xx nor 304.
        """
        return (await self._exchange(request))[1]

    async def head(self, request: bytes) -> dict[str, str]:
        """The headers of the answer, names in lower case. Raises as `call`."""
        head, _body = await self._exchange(request)
        pairs = (line.partition(":") for line in head.decode("latin-1").split("\r\n")[1:] if line)
        return {name.lower(): value.strip() for name, _, value in pairs}

    async def _exchange(self, request: bytes) -> tuple[bytes, bytes]:
        self._writer.write(request)
        async with asyncio.timeout(_TIMEOUT_S):
            head = await self._reader.readuntil(b"\r\n\r\n")
            if head.startswith(b"HTTP/1.1 304"):
                return head, b""
            at = head.lower().index(b"content-length:") + 15
            body = await self._reader.readexactly(int(head[at : head.index(b"\r\n", at)]))
        if not head.startswith(b"HTTP/1.1 2"):
            raise HttpFailedError(f"{head.split(b' ', 2)[1].decode()} {body[:500].decode()}")
        return head, body

    async def close(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()


async def rate(seconds: float, works: Sequence[Callable[[], Awaitable[object]]]) -> float:
    """How often a second the works are done, each over and over beside the others, after a warm-up of a fifth."""
    return (await timed(seconds, works)).rate


@dataclass(frozen=True, slots=True)
class Timed:
    """How often a second something was done, and how long each took, in seconds, shortest first."""

    rate: float
    took_s: Sequence[float]

    def ms(self, share: float) -> float:
        """The milliseconds within which this share of them was done."""
        return self.took_s[min(len(self.took_s) - 1, int(len(self.took_s) * share))] * 1_000


async def timed(seconds: float, works: Sequence[Callable[[], Awaitable[object]]]) -> Timed:
    """As `rate`, with the time that each took."""
    loop = asyncio.get_running_loop()
    took_s: list[float] = []
    begins = loop.time() + seconds / 5
    ends = begins + seconds

    async def repeat(work: Callable[[], Awaitable[object]]) -> None:
        while (began := loop.time()) < ends:
            await work()
            if began >= begins:
                took_s.append(loop.time() - began)

    async with asyncio.TaskGroup() as group:
        for work in works:
            group.create_task(repeat(work))
    return Timed(len(took_s) / (loop.time() - begins), sorted(took_s))

"""A local HTTP server that speaks as much of Google's token endpoint and of FCM's HTTP v1 API as a sender meets.

It checks what Google checks (the signed assertion, the access token, the path, the message) and answers in its words.
Bytes on a real socket, so that time-outs and dropped connections are real too.
"""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal
from urllib.parse import parse_qs

from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from isotope.adapters.push.account import ServiceAccount, read_account
from isotope.infra.clock import Clock

PROJECT: Final = "city-rides"
EMAIL: Final = "isotope@city-rides.iam.gserviceaccount.com"
KEY_ID: Final = "key-1"
SCOPE: Final = "https://www.googleapis.com/auth/firebase.messaging"
GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
# Apps that are not there any more, and what was never an app.
GONE: Final = "gone-app"
NONSENSE: Final = "nonsense"
LIFE_S: Final = 3_599

Fault = Literal["hang", "hang up"]


@cache
def private_key() -> RSAKey:
    """The account's, made once: it takes its time."""
    return RSAKey.generate_key(2048)


def write_account(folder: Path, url: str, **changes: Any) -> Path:
    """The file as the Firebase console gives it out, with the server's own token endpoint."""
    known = {
        "type": "service_account",
        "project_id": PROJECT,
        "private_key_id": KEY_ID,
        "private_key": private_key().as_pem(private=True).decode(),
        "client_email": EMAIL,
        "client_id": "1",
        "auth_uri": "https://accounts.google.com/o/oauth2/auth",
        "token_uri": f"{url}/token",
    }
    path = folder / "account.json"
    path.write_text(json.dumps(known | changes))
    return path


def account_at(folder: Path, url: str, **changes: Any) -> ServiceAccount:
    """As it is read from the file."""
    return read_account(str(write_account(folder, url, **changes)))


@dataclass(slots=True)
class Answer:
    """What the server says instead of looking at the request."""

    status: int
    body: bytes

    @staticmethod
    def of(status: int, body: Any) -> "Answer":
        return Answer(status, json.dumps(body).encode())

    @staticmethod
    def error(status: int, code: str, *details: dict[str, Any], message: str = "Sorry.") -> "Answer":
        return Answer.of(
            status, {"error": {"code": status, "message": message, "status": code, "details": list(details)}}
        )

    @staticmethod
    def fcm_error(status: int, code: str, fcm_code: str) -> "Answer":
        kind = "type.googleapis.com/google.firebase.fcm.v1.FcmError"
        return Answer.error(status, code, {"@type": kind, "errorCode": fcm_code})


@dataclass(slots=True)
class FcmServer:
    """`messages` is what was taken; `sends` and `grants` count what arrived; the scripts are used up first."""

    clock: Clock
    url: str = ""
    messages: list[dict[str, Any]] = field(default_factory=list)
    sends: int = 0
    grants: int = 0
    # Access tokens that are good.
    granted: set[str] = field(default_factory=set)
    script: list[Answer | Fault] = field(default_factory=list)
    grant_script: list[Answer | Fault] = field(default_factory=list)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while (head := await self._head(reader)) is not None:
                request_line, headers = head
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                is_grant = request_line.startswith("POST /token ")
                self.grants += is_grant
                self.sends += not is_grant
                script = self.grant_script if is_grant else self.script
                step = script.pop(0) if script else None
                if step == "hang up":
                    return
                if step == "hang":
                    await reader.read()  # until the client gives up
                    return
                if isinstance(step, Answer):
                    answer = step
                else:
                    answer = self._grant(body) if is_grant else self._take(request_line, headers, body)
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

    def _grant(self, body: bytes) -> Answer:
        form = {name: values[-1] for name, values in parse_qs(body.decode()).items()}
        if form.get("grant_type") != GRANT:
            return Answer.of(400, {"error": "unsupported_grant_type"})
        try:
            token = jwt.decode(form.get("assertion", ""), private_key(), algorithms=["RS256"])
        except (JoseError, ValueError):
            return Answer.of(400, {"error": "invalid_grant", "error_description": "Invalid JWT Signature."})
        claims, now = token.claims, int(self.clock.now().timestamp())
        is_meant = (claims.get("iss"), claims.get("aud"), claims.get("scope")) == (EMAIL, f"{self.url}/token", SCOPE)
        is_timely = claims["iat"] <= now < claims["exp"] <= claims["iat"] + 3_600
        if not (is_meant and is_timely and token.header.get("kid") == KEY_ID):
            return Answer.of(400, {"error": "invalid_grant", "error_description": "Invalid JWT."})
        access = f"ya29.{self.grants}"
        self.granted.add(access)
        return Answer.of(200, {"access_token": access, "expires_in": LIFE_S, "token_type": "Bearer"})

    def _take(self, request_line: str, headers: dict[str, str], body: bytes) -> Answer:
        if request_line != f"POST /v1/projects/{PROJECT}/messages:send HTTP/1.1":
            return Answer(404, b"<!DOCTYPE html>")
        if headers.get("authorization", "").removeprefix("Bearer ") not in self.granted:
            return Answer.error(401, "UNAUTHENTICATED")
        message = json.loads(body)["message"]
        if message["token"] == GONE:
            return Answer.fcm_error(404, "NOT_FOUND", "UNREGISTERED")
        if message["token"] == NONSENSE:
            violation = {"field": "message.token", "description": "The registration token is not valid."}
            kinds = "type.googleapis.com/google.rpc.BadRequest", "type.googleapis.com/google.firebase.fcm.v1.FcmError"
            return Answer.error(
                400,
                "INVALID_ARGUMENT",
                {"@type": kinds[1], "errorCode": "INVALID_ARGUMENT"},
                {"@type": kinds[0], "fieldViolations": [violation]},
            )
        self.messages.append(message)
        return Answer.of(200, {"name": f"projects/{PROJECT}/messages/{len(self.messages)}"})


@asynccontextmanager
async def running_fcm(clock: Clock, port: int = 0) -> AsyncIterator[FcmServer]:
    """The server on this port (0: a free one), closed with everything on it when the block ends."""
    fcm = FcmServer(clock)
    connections: set[asyncio.Task[None]] = set()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections.add(task)
        task.add_done_callback(connections.discard)
        await fcm.serve(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", port)
    fcm.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    try:
        yield fcm
    finally:
        server.close()
        for task in connections:
            task.cancel()
        await asyncio.gather(*connections, return_exceptions=True)
        await server.wait_closed()

"""The HTTP API as an app uses it: bounded retries, `Retry-After` honoured, refusals counted by their code."""

import asyncio
import uuid
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any, Final, Literal

import httpx2
import structlog

_log = structlog.get_logger(__name__)

_ATTEMPTS: Final = 6
_RETRIED: Final = frozenset({408, 425, 429, 500, 502, 503, 504})
# The vehicle or the bank, not the service: whether to ask again or to take another one is for the rider to say.
_SAID_NO: Final = ("vehicle_did_not", "rental_did_not", "card_no_answer")
_LONGEST_WAIT_S: Final = 90.0
_TIMEOUT_S: Final = 25.0
_OK_BELOW: Final = 300

Body = Mapping[str, Any]
Credential = Literal["none", "secret"] | str  # noqa: PYI051 - a rider's token is any other text
Files = list[tuple[str, tuple[str, bytes, str]]]


class ApiRefused(Exception):  # noqa: N818 - the system saying no is an outcome
    """The system said no: its status, its code, its text and its details."""

    def __init__(self, status: int, code: str, message: str, details: Mapping[str, Any]) -> None:
        super().__init__(f"{status} {code}: {message}")
        self.status, self.code, self.message, self.details = status, code, message, details


class ApiUnavailableError(Exception):
    """It did not answer, or not in time, in any of the attempts."""


class Api:
    """One HTTP client for many riders.

    Args:
        url: where the API is, such as `http://127.0.0.1:8080`.
        public_key: selects the operator.
        secret_key: for adding money, and for passing the limit of codes per address: all riders come from one.
        connections: at most so many at once.
        transport: how it gets there, if not by a socket.
    """

    def __init__(
        self,
        url: str,
        *,
        public_key: str,
        secret_key: str,
        connections: int = 50,
        rng: Random | None = None,
        transport: httpx2.AsyncBaseTransport | None = None,
    ) -> None:
        self._secret_key = secret_key
        self._rng = rng or Random()
        self.refusals: Counter[str] = Counter()
        self.unexplained: list[str] = []
        self.calls = 0
        self._client = httpx2.AsyncClient(
            base_url=url,
            headers={"App-Public-Key": public_key, "User-Agent": "isotope-simulator"},
            timeout=httpx2.Timeout(_TIMEOUT_S, pool=60.0),
            limits=httpx2.Limits(max_connections=connections, max_keepalive_connections=connections),
            transport=transport,
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def post(self, path: str, body: Body, credential: Credential = "none", *, key: bool = False) -> Any:
        """Call an operation of the contract with a JSON body; `key` sends an Idempotency-Key, the same at each attempt.

        Raises:
            ApiRefused: the system said no.
            ApiUnavailableError: it did not answer.
        """
        headers = self._headers(credential, key=key)
        return await self._send("POST", f"/openapi/v1.0/{path}", headers=headers, json=dict(body))

    async def post_form(self, path: str, fields: Body, files: Files, credential: Credential) -> Any:
        """The same with a multipart body."""
        # As parts without a file name: fields alone in `data` would make it a urlencoded form.
        form: list[tuple[str, Any]] = [(name, (None, str(value))) for name, value in fields.items()]
        headers = self._headers(credential, key=True)
        return await self._send("POST", f"/openapi/v1.0/{path}", headers=headers, files=[*form, *files])

    async def get(self, path: str, params: Mapping[str, str]) -> Any:
        return await self._send("GET", path, params=params)

    def _headers(self, credential: Credential, *, key: bool) -> dict[str, str]:
        headers = {"Idempotency-Key": str(uuid.UUID(int=self._rng.getrandbits(128)))} if key else {}
        if credential != "none":
            token = self._secret_key if credential == "secret" else credential
            headers["Authorization"] = f"Bearer {token}"
        return headers

    async def _send(self, method: str, path: str, **request: Any) -> Any:
        fault = ""
        for attempt in range(_ATTEMPTS):
            self.calls += 1
            try:
                response = await self._client.request(method, path, **request)
            except httpx2.TransportError as error:
                fault = type(error).__name__
                await self._wait(attempt, None)
                continue
            if response.status_code < _OK_BELOW:
                return response.json()
            no = _refusal(response)
            self._note(path, no)
            if response.status_code not in _RETRIED or no.code.startswith(_SAID_NO):
                raise no
            fault = str(no)
            if not await self._wait(attempt, response.headers.get("Retry-After")):
                raise no
        raise ApiUnavailableError(f"{method} {path}: {fault} after {_ATTEMPTS} attempts")

    def _note(self, path: str, no: ApiRefused) -> None:
        self.refusals[no.code] += 1
        if not no.message or no.code.startswith("http_"):
            self.unexplained.append(f"{path}: {no}")
        _log.info("simulator.refused", path=path, status=no.status, refusal=no.code)

    async def _wait(self, attempt: int, retry_after: str | None) -> bool:
        """Wait as long as the answer asks, else ever longer; False if it asks for more than anybody waits."""
        asked_s = float(retry_after) if retry_after and retry_after.isdigit() else 0.3 * 2**attempt
        if asked_s > _LONGEST_WAIT_S:
            return False
        await asyncio.sleep(asked_s + self._rng.uniform(0, 0.3))
        return True


def _refusal(response: httpx2.Response) -> ApiRefused:
    try:
        body = response.json()
    except ValueError:
        body = {}
    if not isinstance(body, dict):
        body = {}
    message = str(body.get("message", ""))
    faults = "; ".join(str(fault.get("error_info")) for fault in body.get("errors") or () if isinstance(fault, dict))
    code = str(body.get("code") or f"http_{response.status_code}")
    return ApiRefused(response.status_code, code, f"{message} {faults}".strip(), body.get("details") or {})

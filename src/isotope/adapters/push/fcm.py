"""Notifications over Firebase Cloud Messaging, HTTP v1, which reaches Android, iPhones and browsers."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import httpx2
import msgspec
import structlog

from isotope.adapters.push.account import ServiceAccount
from isotope.domain.identity.ports import PushFailed
from isotope.infra import outbound
from isotope.infra.clock import Clock

_log = structlog.get_logger(__name__)

# A first notification asks two servers: together they end before clients' own time-outs do.
TIMEOUT: Final = httpx2.Timeout(5.0, connect=2.0, pool=2.0)
BACKOFF_S: Final = (0.2, 0.6)
# A token that is about to end may have ended when it arrives.
_EARLY: Final = timedelta(minutes=2)
_GRANT: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"
_GONE: Final = "UNREGISTERED"
_INVALID: Final = "INVALID_ARGUMENT"
_OF_TOKEN: Final = "message.token"  # noqa: S105 - the name of a field


class _Grant(msgspec.Struct, frozen=True):
    access_token: str
    expires_in: int


class _Taken(msgspec.Struct, frozen=True):
    name: str = ""


class _Violation(msgspec.Struct, frozen=True, rename="camel"):
    field: str = ""


class _Detail(msgspec.Struct, frozen=True, rename="camel"):
    error_code: str = ""
    field_violations: list[_Violation] = []


class _Error(msgspec.Struct, frozen=True):
    status: str = ""
    details: list[_Detail] = []


class _Refused(msgspec.Struct, frozen=True):
    error: _Error = _Error()


class FcmPush:
    """Implements `PushSender`.

    A notification cannot be repeated safely once the provider may have seen the request: the rider would get it twice.
    So a further try follows only a connection that was never made, a 429, and a 401, which say that nothing was taken.

    Args:
        account: of the Firebase project that the riders' app belongs to.
        base_url: Google's, or that of a server that speaks its API.
    """

    def __init__(
        self,
        *,
        account: ServiceAccount,
        clock: Clock,
        base_url: str = "https://fcm.googleapis.com",
        timeout: httpx2.Timeout = TIMEOUT,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._account = account
        self._clock = clock
        self._url = f"{base_url.rstrip('/')}/v1/projects/{account.project_id}/messages:send"
        self._timeout = timeout
        self._backoff_s = backoff_s
        self._access: tuple[str, datetime] | None = None
        self._asking = asyncio.Lock()

    async def send(self, token: str, title: str, body: str) -> None:
        """Returns when Google has taken it. Raises `PushFailed`."""
        outbound.guard()
        message = {
            "token": token,
            "notification": {"title": title, "body": body},
            # Else a phone that lies still shows it when it is taken up.
            "android": {"priority": "HIGH"},
        }
        async with httpx2.AsyncClient(timeout=self._timeout) as client:
            access = await self._granted(client, None)
            answer = await self._post(client, access, message)
            if answer.status_code == httpx2.codes.UNAUTHORIZED:
                # Withdrawn before its time: another one, once.
                answer = await self._post(client, await self._granted(client, access), message)
        if not answer.is_success:
            raise _failure_of(answer)
        _log.info("push.sent", message_name=_name_of(answer))

    async def _post(self, client: httpx2.AsyncClient, access: str, message: dict[str, Any]) -> httpx2.Response:
        return await self._asked(
            client, self._url, headers={"Authorization": f"Bearer {access}"}, json={"message": message}
        )

    async def _granted(self, client: httpx2.AsyncClient, refused: str | None) -> str:
        """An access token that is not `refused`; one at a time asks for a new one, the others wait for it."""
        async with self._asking:
            now = self._clock.now()
            if self._access is not None and self._access[0] != refused and now < self._access[1] - _EARLY:
                return self._access[0]
            form = {"grant_type": _GRANT, "assertion": self._account.assertion(now)}
            answer = await self._asked(client, self._account.token_uri, data=form)
            if not answer.is_success:
                raise PushFailed(f"no access token: Google answered {answer.status_code}")
            try:
                grant = msgspec.json.decode(answer.content, type=_Grant)
            except msgspec.MsgspecError as error:
                raise PushFailed("no access token: Google's answer has none") from error
            self._access = grant.access_token, now + timedelta(seconds=grant.expires_in)
            return grant.access_token

    async def _asked(self, client: httpx2.AsyncClient, url: str, **request: Any) -> httpx2.Response:
        """An answer, whichever; 429 if it never was another one."""
        for wait_s in (*self._backoff_s, None):
            try:
                answer = await client.post(url, **request)
            except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                if wait_s is None:
                    raise PushFailed(f"no connection ({type(error).__name__})") from error
            except httpx2.HTTPError as error:
                raise PushFailed(f"no answer ({type(error).__name__}); it may have been sent") from error
            else:
                if wait_s is None or answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                    return answer
            await asyncio.sleep(wait_s)
        raise AssertionError("the last try returns or raises")


def _name_of(answer: httpx2.Response) -> str | None:
    """What Google calls it, for a question to them."""
    try:
        return msgspec.json.decode(answer.content, type=_Taken).name
    except msgspec.MsgspecError:
        return None


def _failure_of(answer: httpx2.Response) -> PushFailed:
    # Google's message may repeat what was sent, so only its codes go on.
    try:
        error = msgspec.json.decode(answer.content, type=_Refused).error
    except msgspec.MsgspecError:
        error = _Error()
    code = next((detail.error_code for detail in error.details if detail.error_code), error.status)
    of_token = any(wrong.field == _OF_TOKEN for detail in error.details for wrong in detail.field_violations)
    is_gone = code == _GONE or (code == _INVALID and of_token)
    return PushFailed(f"Google answered {answer.status_code}, code {code or None}", is_gone=is_gone)

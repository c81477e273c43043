"""Text messages over Twilio's Messages API (version 2010-04-01)."""

import asyncio
from collections.abc import Sequence
from typing import Any, Final

import httpx2
import structlog

from isotope.adapters.sms.masking import masked
from isotope.domain.identity.ports import SmsFailed
from isotope.infra import outbound

_log = structlog.get_logger(__name__)

TIMEOUT: Final = httpx2.Timeout(8.0, connect=2.0, pool=2.0)
# Before each further try. Together with the time-outs a send ends within 15 s, as clients' own time-outs do.
BACKOFF_S: Final = (0.2, 0.6)
# Twilio's codes for "it is the number": invalid, not reachable, blocked by the receiver, no mobile, not a number.
_UNDELIVERABLE: Final = frozenset({21211, 21214, 21217, 21265, 21407, 21408, 21610, 21612, 21614, 21635, 60033})
_MESSAGING_SERVICE: Final = "MG"


class TwilioSms:
    """Implements `SmsSender`.

    Creating a message cannot be repeated safely once Twilio may have seen the request: the rider would get it twice,
    and the operator pay twice. So a further try follows only a connection that was never made and a 429, which Twilio
    answers before it takes a message.

    Args:
        account: the account's SID.
        token: its auth token.
        sender: a number in E.164 form, or the SID of a messaging service (`MG...`).
        base_url: Twilio's, or that of a server that speaks its API.
    """

    def __init__(
        self,
        *,
        account: str,
        token: str,
        sender: str,
        base_url: str = "https://api.twilio.com",
        timeout: httpx2.Timeout = TIMEOUT,
        backoff_s: Sequence[float] = BACKOFF_S,
    ) -> None:
        self._url = f"{base_url.rstrip('/')}/2010-04-01/Accounts/{account}/Messages.json"
        self._auth = httpx2.BasicAuth(account, token)
        self._sender = {"MessagingServiceSid" if sender.startswith(_MESSAGING_SERVICE) else "From": sender}
        self._timeout = timeout
        self._backoff_s = backoff_s

    async def send(self, phone_digits: str, body: str) -> None:
        """Returns when Twilio has queued the message. Raises `SmsFailed`."""
        outbound.guard()
        form = {"To": f"+{phone_digits}", "Body": body} | self._sender
        # A client of its own: codes are rare, and nothing is left open when a process ends.
        async with httpx2.AsyncClient(timeout=self._timeout) as client:
            for wait_s in (*self._backoff_s, None):
                try:
                    answer = await client.post(self._url, data=form, auth=self._auth)
                except (httpx2.ConnectError, httpx2.ConnectTimeout) as error:
                    failure = SmsFailed(f"no connection ({type(error).__name__})")
                except httpx2.HTTPError as error:
                    raise SmsFailed(f"no answer ({type(error).__name__}); it may have been sent") from error
                else:
                    if answer.is_success:
                        _log.info("sms.sent", phone=masked(phone_digits), sid=_field(answer, "sid"))
                        return
                    failure = _failure_of(answer)
                    if answer.status_code != httpx2.codes.TOO_MANY_REQUESTS:
                        raise failure
                if wait_s is None:
                    raise failure
                await asyncio.sleep(wait_s)


def _failure_of(answer: httpx2.Response) -> SmsFailed:
    code = _field(answer, "code")
    # Twilio's message repeats the number, so only its code goes on.
    return SmsFailed(f"Twilio answered {answer.status_code}, code {code}", undeliverable=code in _UNDELIVERABLE)


def _field(answer: httpx2.Response, name: str) -> Any:
    try:
        found = answer.json()
    except ValueError:
        return None
    return found.get(name) if isinstance(found, dict) else None

"""The way to Stripe: its SDK over our own HTTP client, and what every fault on the way means."""

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Awaitable, Mapping
from contextlib import asynccontextmanager
from functools import lru_cache
from typing import Any, Final, Literal, TypeVar

import httpx2
import msgspec
import stripe
import structlog
from stripe import _util

from isotope.adapters.cards.stripe.amounts import AmountNotPossible
from isotope.domain.payments.ports import CardsUnclear
from isotope.infra import outbound

_log = structlog.get_logger(__name__)

# The SDK writes requests and answers to its logger, and with STRIPE_LOG to the error stream: references to cards, and
# addresses that bring a rider back. It also writes an id of this machine into the home folder and sends it along.
logging.getLogger("stripe").disabled = True
_util.STRIPE_LOG = None
stripe.enable_telemetry = False

_CONNECT_S: Final = 3.0
_NOT_FOUND: Final = 404
# What the SDK trips over when an answer is not of Stripe's making.
_NOT_STRIPES: Final = (AttributeError, LookupError, RecursionError, TypeError, ValueError)

T = TypeVar("T")


class IdempotencyMisusedError(RuntimeError):
    """A bug: the same key was sent with something else in the request."""


class StripeSaysNo(Exception):  # noqa: N818 - an outcome that callers handle
    """Stripe understood and will not do it: a card was declined, or a request cannot be carried out.

    `missing`: what it is about is not there. `ref` is the payment intent that a declined payment left behind.
    """

    def __init__(
        self,
        kind: Literal["card", "request"],
        *,
        code: str | None,
        decline_code: str | None,
        param: str | None,
        missing: bool,
        ref: str | None,
    ) -> None:
        super().__init__(f"{kind} refused, code {code}, param {param}")
        self.kind: Final = kind
        self.code: Final = code
        self.decline_code: Final = decline_code
        self.param: Final = param
        self.missing: Final = missing
        self.ref: Final = ref


class Line:
    """Asks Stripe one question at a time.

    Nothing is tried again here: the caller keeps a record of each call and asks what became of it.

    Args:
        secret_key: of the installation's Stripe account.
        base_url: Stripe's, or that of a server that speaks its API.
        timeout_s: the longest that one question, or all of a block of `asking`, may take.
    """

    def __init__(self, *, secret_key: str, base_url: str, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self.v1 = stripe.StripeClient(
            secret_key,
            base_addresses={"api": base_url.rstrip("/")},
            max_network_retries=0,
            http_client=_Transport(timeout_s),
        ).v1

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Around everything that one method of the port asks.

        Raises:
            CardsUnclear: it took too long, or an amount that came back is none of ours.
        """
        outbound.guard()
        try:
            async with asyncio.timeout(self._timeout_s):
                yield
        except TimeoutError:
            raise CardsUnclear("no answer from Stripe in time") from None
        except AmountNotPossible:
            raise CardsUnclear("Stripe tells an amount finer than ours") from None

    async def ask(self, question: Awaitable[object], shape: type[T]) -> T:
        """What Stripe answers, as much of it as `shape` has.

        Raises:
            CardsUnclear: nobody knows what Stripe made of it.
            StripeSaysNo: Stripe will not do it.
            IdempotencyMisusedError: a bug.
        """
        try:
            found = await question
            heard = getattr(found, "last_response", None)
            return msgspec.json.decode(heard.body if heard is not None else b"", type=shape)
        # None of these is kept as a cause: they carry the request's answer with everything that is in it.
        except stripe.IdempotencyError:
            raise IdempotencyMisusedError("one idempotency key, two requests") from None
        except (stripe.CardError, stripe.InvalidRequestError) as error:
            raise _said_no(error) from None
        except (stripe.AuthenticationError, stripe.PermissionError) as error:
            _log.error("stripe.misconfigured", status=error.http_status, request=error.request_id)
            raise CardsUnclear(f"Stripe does not accept our key ({error.http_status})") from None
        except stripe.APIConnectionError as error:
            raise CardsUnclear(f"no answer from Stripe ({error.user_message})") from None
        except stripe.StripeError as error:
            raise CardsUnclear(f"Stripe answered {error.http_status}") from None
        except _NOT_STRIPES as error:
            # msgspec's faults are ValueErrors too.
            raise CardsUnclear(f"Stripe's answer makes no sense ({type(error).__name__})") from None


def _said_no(error: stripe.CardError | stripe.InvalidRequestError) -> StripeSaysNo:
    told: Any = error.json_body
    details = told["error"] if isinstance(told, dict) and isinstance(told.get("error"), dict) else {}
    intent = details.get("payment_intent")
    no = StripeSaysNo(
        "card" if isinstance(error, stripe.CardError) else "request",
        code=_text(error.code),
        decline_code=_text(details.get("decline_code")),
        param=_text(error.param),
        missing=error.http_status == _NOT_FOUND or error.code == "resource_missing",
        ref=_text(intent.get("id")) if isinstance(intent, dict) else None,
    )
    # Its message may repeat references, so only its codes go on.
    _log.info(
        "stripe.refused", kind=no.kind, code=no.code, decline=no.decline_code, param=no.param, request=error.request_id
    )
    return no


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


@lru_cache(maxsize=1)
def _tls() -> ssl.SSLContext:
    """Made once: reading the authorities' certificates takes longer than a request."""
    return httpx2.create_ssl_context()


class _Transport(stripe.HTTPClient):
    """The SDK's requests over httpx2: it ends in time, and never holds up the event loop.

    A connection for each request: charges are rare, and one that was kept could be closed by the other side just when a
    request is on it, which would leave its outcome unknown.
    """

    name = "httpx2"

    def __init__(self, timeout_s: float) -> None:
        super().__init__()
        self._timeout = httpx2.Timeout(timeout_s, connect=min(_CONNECT_S, timeout_s))
        _tls()

    async def request_async(
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None
    ) -> tuple[bytes, int, Mapping[str, str]]:
        try:
            async with httpx2.AsyncClient(timeout=self._timeout, verify=_tls()) as client:
                answer = await client.request(method.upper(), url, headers=dict(headers), content=post_data)
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise stripe.APIConnectionError(type(error).__name__) from None  # type: ignore[no-untyped-call]
        return answer.content, answer.status_code, answer.headers

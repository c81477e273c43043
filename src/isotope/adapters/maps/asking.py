"""One question to a place service."""

from typing import Any, Final

import httpx2
import msgspec
import structlog

from isotope.domain.maps import PlacesUnavailable
from isotope.infra import outbound

_log = structlog.get_logger(__name__)

TIMEOUT: Final = httpx2.Timeout(4.0, connect=1.5, pool=2.0)
_MOST_BYTES: Final = 1_000_000


async def ask(url: str, query: dict[str, str], shape: type[Any], languages: str) -> Any:
    """The decoded answer.

    Raises:
        PlacesUnavailable
    """
    outbound.guard()
    headers = {"Accept": "application/json", "Accept-Language": languages or "*", "User-Agent": "isotope-mobility"}
    try:
        async with httpx2.AsyncClient(timeout=TIMEOUT, headers=headers) as client:
            answer = await client.get(url, params=query)
            answer.raise_for_status()
            if len(answer.content) > _MOST_BYTES:
                raise _unavailable("too long")
            return msgspec.json.decode(answer.content, type=shape)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise _unavailable(type(error).__name__) from error
    except msgspec.MsgspecError as error:
        raise _unavailable("not understood") from error


def _unavailable(why: str) -> PlacesUnavailable:
    _log.warning("places.unavailable", why=why)
    return PlacesUnavailable(why)

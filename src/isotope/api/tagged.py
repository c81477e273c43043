"""Answers that are known by a tag: who has one already is answered 304, who takes gzip gets it compressed.

Operations that only read are POST in the contract. RFC 9110 (13.1.2) has a condition on other methods than GET answered
with 412 or passed over; neither helps an app that asks every few seconds, so they are answered as a GET would be.

| `If-None-Match` | answer |
|---|---|
| not sent, or other tags only | 200 with the content and its `ETag` |
| the tag of either form (a `W/` before it is passed over), or `*` | 304 with the `ETag`, no content |

Both forms have a tag of their own, as strong tags must.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

_TAG: Final = re.compile(r'(?:W/)?"([^"]*)"')
_GZIP: Final = "-gzip"
_VARY: Final = (b"vary", b"accept-encoding")
# Apps and proxies of one person may keep it, and ask each time whether it still holds.
_REVALIDATE: Final = (b"cache-control", b"private, no-cache")


@dataclass(frozen=True, slots=True)
class Tagged:
    """An answer of JSON that its tag stands for: the same tag, the same bytes, in every process.

    Attributes:
        tag: letters and digits.
        content: makes the bytes; not called where a 304 does.
        gzipped: gives them compressed; None where that costs more than it saves.
        is_personal: of the caller alone, so that no cache may keep it.
    """

    tag: str
    content: Callable[[], bytes]
    gzipped: Callable[[], bytes] | None = None
    is_personal: bool = True

    def answer(self, if_none_match: str, accept_encoding: str) -> tuple[int, bytes, list[tuple[bytes, bytes]]]:
        """Status, body and headers for whoever sent these two headers; empty if they did not."""
        in_gzip = self.gzipped is not None and takes_gzip(accept_encoding)
        tag = self.tag + _GZIP if in_gzip else self.tag
        headers = [(b"etag", f'"{tag}"'.encode())]
        if self.gzipped is not None:
            headers.append(_VARY)
        if not self.is_personal:
            headers.append(_REVALIDATE)
        if if_none_match and has_tag(if_none_match, self.tag):
            return 304, b"", headers
        if in_gzip and self.gzipped is not None:
            headers.append((b"content-encoding", b"gzip"))
            return 200, self.gzipped(), headers
        return 200, self.content(), headers


def has_tag(if_none_match: str, tag: str) -> bool:
    """Whether the header names this tag in either form; compared weakly, as RFC 9110 (13.1.2) has it."""
    if if_none_match.strip() == "*":
        return True
    return any(found.removesuffix(_GZIP) == tag for found in _TAG.findall(if_none_match))


def takes_gzip(accept_encoding: str) -> bool:
    """Whether `Accept-Encoding` takes gzip at least as gladly as plain bytes (RFC 9110, 12.5.3).

    Without the header, or with a weight that is no number, nothing is compressed.
    """
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(",") if accept_encoding else ():
        name, _, parameter = part.partition(";")
        weights[name.strip()] = _weight(parameter)
    gzip = weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0)))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def _weight(parameter: str) -> float:
    name, _, value = parameter.partition("=")
    if name.strip() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0

"""Where riders may be sent after the provider's page. Pure."""

import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlencode

from isotope.kernel.errors import Fault, Refusal, invalid

MOST_URL: Final = 500
# What stands in an address as it is; nothing that a header, a page or a browser reads as something else.
_PLAIN: Final = re.compile(r"[A-Za-z0-9._~:/?#\[\]@!$&'()*+,;=%-]+")
_ENDS: Final = "/?#&="


def refuse_return_url(url: str, beginnings: Sequence[str]) -> Refusal | None:
    """Refuses an address that begins with none of the operator's.

    A beginning ends where a part of an address ends: `https://app.example` allows `https://app.example/x` and not
    `https://app.example.evil.test` nor `https://app.example@evil.test`.
    """
    is_plain = len(url) <= MOST_URL and _PLAIN.fullmatch(url) is not None
    if is_plain and any(_begins_with(url, beginning) for beginning in beginnings):
        return None
    allowed = ", ".join(beginnings) or "none; leave it out"
    return invalid(Fault("return_url", f"must begin with one of: {allowed}"))


def _begins_with(url: str, beginning: str) -> bool:
    rest = url.removeprefix(beginning)
    return bool(beginning) and (url == beginning or (rest != url and (beginning[-1] in _ENDS or rest[0] in "/?#")))


def with_query(url: str, **values: str | int) -> str:
    """The address with more in its query; what it says already stays."""
    before, mark, fragment = url.partition("#")
    joint = "&" if "?" in before else "?"
    return f"{before}{joint}{urlencode(values)}{mark}{fragment}"

"""Phone codes: how they are made and how they are kept."""

import hashlib
import hmac
import re
import secrets
from typing import Final

_DIGITS: Final = 6
_CODE: Final = re.compile(r"[0-9]{6}")


def new_code() -> str:
    """6 digits, each as likely as any other."""
    return f"{secrets.randbelow(10**_DIGITS):0{_DIGITS}d}"


def is_code(text: str) -> bool:
    """Whether it could be a code at all; what could not is not counted as a check."""
    return _CODE.fullmatch(text) is not None


def hash_code(requested_token: str, code: str) -> bytes:
    """The code under the token that asked for it.

    There are only a million codes, so a plain hash would hide nothing. The key is the raw token,
    which the store does not have: a copy of the store alone tells no code.
    """
    return hmac.new(requested_token.encode("utf-8", "surrogatepass"), code.encode(), hashlib.sha256).digest()


def is_same_code(requested_token: str, code: str, code_hash: bytes) -> bool:
    """Compares in constant time."""
    return hmac.compare_digest(hash_code(requested_token, code), code_hash)
